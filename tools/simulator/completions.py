"""`POST /v1/completions`."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.simulator.errors import ApiError
from tools.simulator.generation import DONE, HOLE, Generation, Prompt, Reply, event, quoted, split_around
from tools.simulator.http import Exchange
from tools.simulator.replies import text_reply
from tools.simulator.requests import CompletionRequest
from tools.simulator.server import Server

_MOST_CHOICES = 2048


async def completions(server: Server, exchange: Exchange) -> None:
    """Complete one or several prompts, `n` times each."""
    body = server.read(exchange, CompletionRequest)
    if body.suffix:
        raise ApiError(400, "suffix is not currently supported", param="suffix")
    generation = server.generation(exchange, "cmpl", body.model)
    texts = prompt_texts(server, body.prompt)
    if len(texts) * body.n > _MOST_CHOICES:
        raise ApiError(400, f"more than {_MOST_CHOICES} choices were asked for in one request", param="n")
    choices: list[tuple[Prompt, Reply]] = []
    for text in texts:
        prompt = server.prompt(text, generation.adapter)
        limit = server.output_limit(prompt, body.max_tokens)
        for _ in range(body.n):
            rng = server.reply_rng(body.seed, len(choices))
            choices.append((prompt, text_reply(server, body, text, rng, limit)))
            server.metrics.params_max_tokens.observe(body.max_tokens or limit)
            server.metrics.max_generation.observe(limit)
    server.metrics.params_n.observe(body.n)
    if body.stream:
        await _stream(server, exchange, body, generation, choices)
    else:
        await _whole(server, exchange, body, generation, choices)


def prompt_texts(server: Server, given: str | list[int] | list[str] | list[list[int]]) -> list[str]:
    """The prompts as texts, whichever of the four accepted forms they came in."""
    if isinstance(given, str):
        return [given]
    several = [given] if isinstance(given[0], int) else given
    try:
        return [item if isinstance(item, str) else server.options.tokenizer.text(item) for item in several]
    except ValueError as error:
        raise ApiError(400, f"{error}", param="prompt") from error


async def _whole(
    server: Server,
    exchange: Exchange,
    body: CompletionRequest,
    generation: Generation,
    choices: list[tuple[Prompt, Reply]],
) -> None:
    for prompt, reply in choices:
        generation.add(prompt, reply)
    await generation.run()
    made = []
    for index, (prompt, _) in enumerate(choices):
        reply, logprobs = generation.said(index), None
        if body.logprobs is not None:
            logprobs = token_logprobs(reply.pieces, body.logprobs, server.reply_rng(body.seed, index))
        made.append({
            "index": index,
            "text": (prompt.text if body.echo else "") + reply.text,
            "logprobs": logprobs,
            "finish_reason": reply.finish_reason,
            "stop_reason": None,
        })  # fmt: skip
    exchange.respond_json(200, {**_frame(generation), "choices": made, "usage": generation.usage})


async def _stream(
    server: Server,
    exchange: Exchange,
    body: CompletionRequest,
    generation: Generation,
    choices: list[tuple[Prompt, Reply]],
) -> None:
    chunks = _Chunks(exchange, body, generation, _frame(generation))
    for index, (prompt, reply) in enumerate(choices):
        echoed = prompt.text if body.echo else ""
        if body.logprobs is not None or body.with_running_usage:
            emit = chunks.detailed(index, reply, echoed, server.reply_rng(body.seed, index))
        else:
            emit = chunks.plain(index, reply, echoed)
        generation.add(prompt, reply, emit)
    exchange.start("text/event-stream; charset=utf-8")
    try:
        await generation.run()
        for index in generation.cut:
            exchange.write(event({**chunks.frame, "choices": [_choice(index, "", "abort")]}))
        if body.with_usage:
            exchange.write(event({**chunks.frame, "choices": [], "usage": generation.usage}))
    except ApiError as error:
        exchange.write(event(error.body))
    exchange.write(DONE)
    exchange.end()


@dataclass(frozen=True, slots=True)
class _Chunks:
    """Writers of one stream's events, a choice at a time."""

    exchange: Exchange
    body: CompletionRequest
    generation: Generation
    frame: dict[str, object]

    def plain(self, index: int, reply: Reply, echoed: str) -> Callable[[int], None]:
        """Events made of constant bytes around the token: the hot path."""
        head, tail = split_around({**self.frame, "choices": [_choice(index, HOLE, None)]})
        _, last_tail = split_around({**self.frame, "choices": [_choice(index, HOLE, reply.finish_reason)]})
        pieces, last, write = reply.pieces, len(reply.pieces) - 1, self.exchange.write

        def emit(position: int) -> None:
            piece = echoed + pieces[position] if echoed and not position else pieces[position]
            write(head + quoted(piece) + (last_tail if position == last else tail))

        return emit

    def detailed(self, index: int, reply: Reply, echoed: str, rng: random.Random) -> Callable[[int], None]:
        """Events with log-probabilities or running usage."""

        def emit(position: int) -> None:
            piece = reply.pieces[position]
            text = echoed + piece if not position else piece
            choice = _choice(index, text, reply.finish_reason if position == len(reply.pieces) - 1 else None)
            if self.body.logprobs is not None:
                choice["logprobs"] = token_logprobs([piece], self.body.logprobs, rng)
            usage = {"usage": self.generation.usage} if self.body.with_running_usage else {}
            self.exchange.write(event({**self.frame, "choices": [choice], **usage}))

        return emit


def _frame(generation: Generation) -> dict[str, object]:
    return {
        "id": generation.name,
        "object": "text_completion",
        "created": generation.created_s,
        "model": generation.model,
    }


def _choice(index: int, text: str, finish_reason: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish_reason, "stop_reason": None}


def token_logprobs(pieces: list[str], alternatives: int, rng: random.Random) -> dict[str, object]:
    """Log-probabilities of the shape clients expect; the values are drawn, not a model's."""
    offsets, position, values = [], 0, []
    for piece in pieces:
        offsets.append(position)
        position += len(piece)
        values.append(-round(rng.expovariate(4.0), 6))
    tops = [
        {piece: value, **{f" other{rank}": value - rank for rank in range(1, alternatives)}}
        for piece, value in zip(pieces, values, strict=True)
    ]
    return {"tokens": pieces, "token_logprobs": values, "top_logprobs": tops, "text_offset": offsets}
