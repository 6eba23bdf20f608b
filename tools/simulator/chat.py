"""`POST /v1/chat/completions`."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tools.simulator.errors import ApiError
from tools.simulator.generation import DONE, HOLE, Generation, Reply, event, quoted, split_around
from tools.simulator.http import Exchange
from tools.simulator.replies import chosen_tool, text_reply, tool_reply
from tools.simulator.requests import ChatRequest, Message, Part, Tool
from tools.simulator.server import Server

_TEXT_PARTS = ("text", "input_text", "output_text", "refusal")
_MEDIA_TOKENS = 576  # an image of 336 × 336 pixels in patches of 14: the common size of vision towers
_MOST_MEDIA = 256


async def chat_completions(server: Server, exchange: Exchange) -> None:
    """Answer a chat, `n` times."""
    body = server.read(exchange, ChatRequest)
    generation = server.generation(exchange, "chatcmpl", body.model)
    prompt = server.prompt(rendered(body.messages, body.tools), generation.adapter)
    limit = server.output_limit(prompt, body.max_completion_tokens or body.max_tokens)
    asked = last_said(body.messages)
    tool = chosen_tool(body, asked)
    replies = []
    for choice in range(body.n):
        rng = server.reply_rng(body.seed, choice)
        if tool:
            replies.append(tool_reply(server, tool, rng, limit))
        else:
            replies.append(text_reply(server, body, asked, rng, limit))
        server.metrics.params_max_tokens.observe(body.max_completion_tokens or body.max_tokens or limit)
        server.metrics.max_generation.observe(limit)
    server.metrics.params_n.observe(body.n)
    if not body.stream:
        for reply in replies:
            generation.add(prompt, reply)
        await generation.run()
        choices = [_whole(server, body, index, generation.said(index), generation) for index in range(len(replies))]
        frame = _frame(generation, "chat.completion")
        exchange.respond_json(200, {**frame, "choices": choices, "usage": generation.usage})
        return
    chunks = _Chunks(exchange, body, generation, _frame(generation, "chat.completion.chunk"))
    for index, reply in enumerate(replies):
        if body.logprobs or body.with_running_usage:
            emit = chunks.detailed(index, reply, server.reply_rng(body.seed, index))
        else:
            emit = chunks.plain(index, reply)
        generation.add(prompt, reply, emit)
    exchange.start("text/event-stream; charset=utf-8")
    try:
        await generation.run()
        for index in generation.cut:
            exchange.write(event({**chunks.frame, "choices": [_chunk(index, {}, "abort")]}))
        if body.with_usage:
            exchange.write(event({**chunks.frame, "choices": [], "usage": generation.usage}))
    except ApiError as error:
        exchange.write(event(error.body))
    exchange.write(DONE)
    exchange.end()


def rendered(messages: Sequence[Message], tools: Sequence[Tool] | None) -> str:
    """The prompt that a chat template would make: its length is what matters."""
    if sum(_is_media(part) for message in messages for part in _parts(message)) > _MOST_MEDIA:
        raise ApiError(400, f"more than {_MOST_MEDIA} images or other media are not supported", param="messages")
    parts = [json.dumps([tool.model_dump() for tool in tools]) + "\n"] if tools else []
    for message in messages:
        calls = json.dumps(message.tool_calls) if message.tool_calls else ""
        parts.append(f"<|{message.role}|>\n{content_text(message)}{calls}\n")
    return "".join(parts) + "<|assistant|>\n"


def content_text(message: Message) -> str:
    """A message's text; other parts stand as filler of a typical number of tokens."""
    if not isinstance(message.content, list):
        return message.content or ""
    return "".join(" media" * _MEDIA_TOKENS if _is_media(part) else part.text or "" for part in message.content)


def _parts(message: Message) -> Sequence[Part]:
    return message.content if isinstance(message.content, list) else ()


def _is_media(part: Part) -> bool:
    return part.type not in _TEXT_PARTS


def last_said(messages: Sequence[Message]) -> str:
    """What the user said last, which decides the kind of answer and is what echo repeats."""
    users = [message for message in messages if message.role == "user"]
    return content_text(users[-1] if users else messages[-1])


def _whole(server: Server, body: ChatRequest, index: int, reply: Reply, generation: Generation) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "tool_calls": []}
    if reply.tool:
        call = {"name": reply.tool, "arguments": reply.text}
        message["content"] = None
        message["tool_calls"] = [{"id": _call_id(generation.name, index), "type": "function", "function": call}]
    logprobs = None
    if body.logprobs:
        rng = server.reply_rng(body.seed, index)
        logprobs = {"content": [_logprob(piece, body.top_logprobs or 0, rng) for piece in reply.pieces]}
    return {
        "index": index,
        "message": message,
        "logprobs": logprobs,
        "finish_reason": reply.finish_reason,
        "stop_reason": None,
    }


@dataclass(frozen=True, slots=True)
class _Chunks:
    """Writers of one stream's events, a choice at a time."""

    exchange: Exchange
    body: ChatRequest
    generation: Generation
    frame: dict[str, object]

    def plain(self, index: int, reply: Reply) -> Callable[[int], None]:
        """Events made of constant bytes around the token: the hot path."""
        first = self._event(_chunk(index, _opening(reply, self.generation.name, index), None))
        template = _chunk(index, _delta(reply, HOLE), None)
        head, tail = split_around({**self.frame, "choices": [template]})
        _, last_tail = split_around({**self.frame, "choices": [{**template, "finish_reason": reply.finish_reason}]})
        pieces, last, write = reply.pieces, len(reply.pieces) - 1, self.exchange.write

        def emit(position: int) -> None:
            data = head + quoted(pieces[position]) + (last_tail if position == last else tail)
            write(data if position else first + data)

        return emit

    def detailed(self, index: int, reply: Reply, rng: random.Random) -> Callable[[int], None]:
        """Events with log-probabilities or running usage."""

        def emit(position: int) -> None:
            if not position:
                self.exchange.write(self._event(_chunk(index, _opening(reply, self.generation.name, index), None)))
            piece = reply.pieces[position]
            reason = reply.finish_reason if position == len(reply.pieces) - 1 else None
            chunk = _chunk(index, _delta(reply, piece), reason)
            if self.body.logprobs:
                chunk["logprobs"] = {"content": [_logprob(piece, self.body.top_logprobs or 0, rng)]}
            self.exchange.write(self._event(chunk))

        return emit

    def _event(self, choice: dict[str, Any]) -> bytes:
        usage = {"usage": self.generation.usage} if self.body.with_running_usage else {}
        return event({**self.frame, "choices": [choice], **usage})


def _frame(generation: Generation, kind: str) -> dict[str, object]:
    return {
        "id": generation.name,
        "object": kind,
        "created": generation.created_s,
        "model": generation.model,
    }


def _chunk(index: int, delta: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _opening(reply: Reply, name: str, index: int) -> dict[str, Any]:
    if not reply.tool:
        return {"role": "assistant", "content": ""}
    function = {"name": reply.tool, "arguments": ""}
    call = {"index": 0, "id": _call_id(name, index), "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _delta(reply: Reply, piece: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} if reply.tool else {"content": piece}


def _call_id(name: str, index: int) -> str:
    return f"chatcmpl-tool-{name.removeprefix('chatcmpl-')}{index}"


def _logprob(piece: str, alternatives: int, rng: random.Random) -> dict[str, object]:
    """A log-probability of the shape clients expect; the value is drawn, not a model's."""
    value = -round(rng.expovariate(4.0), 6)
    tops = [(piece, value), *((f" other{rank}", value - rank) for rank in range(1, alternatives))][:alternatives]
    return {**_scored(piece, value), "top_logprobs": [_scored(token, score) for token, score in tops]}


def _scored(token: str, value: float) -> dict[str, object]:
    return {"token": token, "logprob": value, "bytes": list(token.encode("utf-8", "surrogatepass"))}
