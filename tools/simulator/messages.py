"""`POST /v1/messages`: Anthropic's interface as vLLM 0.33 serves it, mapped onto a chat; and its token count.

As there: thinking blocks of earlier turns are dropped with what they said, system text may stand among the messages, a
stream begins with an empty message and ends with `message_delta` and `message_stop`.
"""

import json
from collections.abc import Callable
from typing import Any, Literal

from pydantic import ValidationError

from tools.simulator.chat import last_said, rendered
from tools.simulator.errors import ApiError, invalid
from tools.simulator.generation import Generation, Prompt, Reply, compact
from tools.simulator.http import Exchange
from tools.simulator.replies import chosen_tool, text_reply, tool_reply
from tools.simulator.requests import Block, ChatRequest, CountRequest, Message, MessagesRequest, Turn
from tools.simulator.server import Server

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


async def messages(server: Server, exchange: Exchange) -> None:
    """Answer a messages request."""
    try:
        await _messages(server, exchange)
    except (ApiError, ValidationError) as error:
        _refuse(exchange, error)


async def count_tokens(server: Server, exchange: Exchange) -> None:
    """`POST /v1/messages/count_tokens`."""
    try:
        body = server.read(exchange, CountRequest)
        chat = _as_chat(body)
        tokens = max(1, len(server.options.tokenizer.pieces(rendered(chat.messages, chat.tools))))
    except (ApiError, ValidationError) as error:
        _refuse(exchange, error)
        return
    exchange.respond_json(200, {"input_tokens": tokens, "context_management": {"original_input_tokens": tokens}})


def _refuse(exchange: Exchange, error: ApiError | ValidationError) -> None:
    said = invalid(error) if isinstance(error, ValidationError) else error
    if not exchange.gone:
        exchange.respond_json(said.status, {"type": "error", "error": {"type": said.kind, "message": said.message}})


async def _messages(server: Server, exchange: Exchange) -> None:
    body = server.read(exchange, MessagesRequest)
    generation = server.generation(exchange, "chatcmpl", body.model)
    chat = _as_chat(body)
    prompt = server.prompt(rendered(chat.messages, chat.tools), generation.adapter)
    limit = server.output_limit(prompt, body.max_tokens)
    asked, rng = last_said(chat.messages), server.reply_rng(None, 0)
    tool = chosen_tool(chat, asked)
    reply = tool_reply(server, tool, rng, limit) if tool else text_reply(server, chat, asked, rng, limit)
    server.metrics.params_n.observe(1)
    server.metrics.params_max_tokens.observe(body.max_tokens)
    server.metrics.max_generation.observe(limit)
    if body.stream:
        await _stream(exchange, generation, prompt, reply)
        return
    generation.add(prompt, reply)
    await generation.run()
    said = generation.said(0)
    made = {**_message(generation), "content": [_block(generation, said)] if said.text else []}
    made |= {"stop_reason": _STOP_REASONS.get(said.finish_reason), "usage": _usage(generation)}
    exchange.respond_json(200, {name: value for name, value in made.items() if value is not None})


async def _stream(exchange: Exchange, generation: Generation, prompt: Prompt, reply: Reply) -> None:
    generation.add(prompt, reply, _emitter(exchange, generation, reply))
    exchange.start("text/event-stream; charset=utf-8")
    begun = {**_message(generation), "content": [], "stop_reason": None, "usage": _usage(generation)}
    _send(exchange, "message_start", message=begun)
    try:
        await generation.run()
    except ApiError as error:
        _send(exchange, "error", error={"type": error.kind, "message": error.message})
    else:
        reason = _STOP_REASONS.get(generation.said(0).finish_reason)
        if generation.output_tokens:
            _send(exchange, "content_block_stop", index=0)
        _send(exchange, "message_delta", delta={"stop_reason": reason}, usage=_usage(generation))
        _send(exchange, "message_stop")
    exchange.end()


def _emitter(exchange: Exchange, generation: Generation, reply: Reply) -> Callable[[int], None]:
    kind, field = ("input_json_delta", "partial_json") if reply.tool else ("text_delta", "text")
    empty: dict[str, Any] = {"input": {}} if reply.tool else {"text": ""}
    block = _block(generation, reply) | empty

    def emit(position: int) -> None:
        if not position:
            _send(exchange, "content_block_start", index=0, content_block=block)
        _send(exchange, "content_block_delta", index=0, delta={"type": kind, field: reply.pieces[position]})

    return emit


def _send(exchange: Exchange, kind: str, **fields: object) -> None:
    exchange.write(b"event: " + kind.encode() + b"\ndata: " + compact({"type": kind, **fields}) + b"\n\n")


def _message(generation: Generation) -> dict[str, Any]:
    return {"id": generation.name, "type": "message", "role": "assistant", "model": generation.model}


def _usage(generation: Generation) -> dict[str, int]:
    return {"input_tokens": generation.prompt_tokens, "output_tokens": generation.output_tokens}


def _block(generation: Generation, reply: Reply) -> dict[str, Any]:
    if not reply.tool:
        return {"type": "text", "text": reply.text}
    name = f"chatcmpl-tool-{generation.name.removeprefix('chatcmpl-')}"
    return {"type": "tool_use", "id": name, "name": reply.tool, "input": _arguments(reply.text)}


def _arguments(text: str) -> object:
    """The arguments of a call; none when a limit cut them off."""
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _as_chat(body: CountRequest) -> ChatRequest:
    system = _system_text(body)
    turns = [message for turn in body.messages if turn.role != "system" for message in _turn(turn)]
    said = [Message(role="system", content=system)] if system else []
    if not said and not turns:
        raise ApiError(400, "messages must not be empty", param="messages")
    choice = body.tool_choice
    named = {"function": {"name": choice.name}} if choice and choice.type == "tool" else None
    plain = {"auto": "auto", "any": "required", "none": "none"}.get(choice.type) if choice else None
    tools = [
        {"function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}}
        for tool in body.tools or ()
    ]
    wanted = body.output_config.format.schema_ if body.output_config and body.output_config.format else None
    return ChatRequest.model_validate({
        "messages": said + turns,
        "tools": tools or None,
        "tool_choice": named or plain,
        "stop": body.stop_sequences,
        "response_format": {"type": "json_schema", "json_schema": {"schema": wanted}} if wanted else None,
    })  # fmt: skip


def _system_text(body: CountRequest) -> str:
    given = [body.system or "", *(turn.content for turn in body.messages if turn.role == "system")]
    return "".join(part if isinstance(part, str) else "".join(block.text or "" for block in part) for part in given)


def _turn(turn: Turn) -> list[Message]:
    """The chat messages of one turn: results of tools stand before what the turn itself says."""
    if isinstance(turn.content, str):
        return [Message(role=_role(turn), content=turn.content)]
    results = [block for block in turn.content if block.type == "tool_result"]
    calls = [
        {"id": block.id, "type": "function", "function": {"name": block.name, "arguments": json.dumps(block.input)}}
        for block in turn.content
        if block.type == "tool_use"
    ]
    parts = [
        {"type": block.type, "text": block.text}
        for block in turn.content
        if block.type == "image" or (block.type == "text" and block.text)
    ]
    made = [Message(role="tool", content=_result_text(block)) for block in results]
    if parts or calls or not made:
        made.append(Message.model_validate({"role": _role(turn), "content": parts, "tool_calls": calls or None}))
    return made


def _role(turn: Turn) -> Literal["user", "assistant"]:
    return "assistant" if turn.role == "assistant" else "user"


def _result_text(block: Block) -> str:
    if not isinstance(block.content, list):
        return block.content or ""
    return "\n".join(str(item.get("text", "")) for item in block.content if item.get("type") == "text")
