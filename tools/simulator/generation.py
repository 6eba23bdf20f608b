"""One API request's sequences, from prompt and reply to the last token."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tools.scheduler import Request
from tools.simulator.engine import TIMER_S, Engine, FinishReason, Sequence
from tools.simulator.errors import ApiError
from tools.simulator.http import Exchange, Gone


@dataclass(frozen=True, slots=True)
class Prompt:
    """A tokenized prompt and the hashes of its KV blocks."""

    text: str
    pieces: list[str]
    prefix: tuple[bytes, ...]

    @property
    def tokens(self) -> int:
        """Length; an empty prompt counts as its one begin token."""
        return max(1, len(self.pieces))


@dataclass(frozen=True, slots=True)
class Reply:
    """What will be said, token by token; with `tool` the text is the arguments of a call to it."""

    pieces: list[str]
    finish_reason: FinishReason
    tool: str | None = None

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)


class Generation:
    """Submits sequences together, waits for all, and drops them when the client has gone.

    `model` is the name that the answer gives: the adapter's, or the first one served.
    """

    def __init__(self, engine: Engine, exchange: Exchange, name: str, *, model: str, adapter: str | None) -> None:
        self.name = name
        self.model = model
        self.adapter = adapter
        self.created_s = int(time.time())
        self.received_s = asyncio.get_running_loop().time()
        self.sequences: list[Sequence] = []
        self._engine = engine
        self._exchange = exchange
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = 0
        self._cut: set[Sequence] = set()
        self._replies: list[Reply] = []
        self._prompts: dict[int, Prompt] = {}
        exchange.on_gone = self._client_gone

    def add(
        self, prompt: Prompt, reply: Reply, emit: Callable[[int], None] | None = None, *, pooled: bool = False
    ) -> None:
        """Add one sequence."""
        request = Request(len(self.sequences), prompt.tokens, len(reply.pieces), self.received_s * 1000, prompt.prefix)
        sequence = Sequence(self.name, request, self, reply.finish_reason, emit, pooled, self.adapter, self.received_s)
        self.sequences.append(sequence)
        self._replies.append(reply)
        self._prompts[id(prompt)] = prompt

    async def run(self) -> None:
        """Run to the last token; ApiError when refused or when the engine dies, Gone when the client left."""
        engine = self._engine
        outside_s = engine.pace.cost.request_ms / 1000 / engine.pace.time_factor
        if outside_s:
            await asyncio.sleep(outside_s - TIMER_S)
        if self._exchange.gone:
            raise Gone
        if engine.dead:
            raise ApiError(500, engine.dead)
        self._left = len(self.sequences)
        for sequence in self.sequences:
            if refusal := engine.submit(sequence):
                self._abort()
                raise ApiError(429, f"The request was refused: {refusal} is reached.", param=refusal)
        await self._done

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompts; several choices of one prompt count it once."""
        return sum(prompt.tokens for prompt in self._prompts.values())

    @property
    def output_tokens(self) -> int:
        """Tokens generated so far by all sequences."""
        return sum(s.request.generated_tokens for s in self.sequences if not s.pooled)

    @property
    def usage(self) -> dict[str, object]:
        """The usage object of completions and chat, as of now."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + self.output_tokens,
            "completion_tokens": self.output_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
        }

    @property
    def cached_tokens(self) -> int:
        """Prompt tokens of the first sequence that were in the prefix cache."""
        return self.sequences[0].request.cached_prompt_tokens

    def finished(self, sequence: Sequence) -> None:  # noqa: ARG002 - the engine tells which; all are awaited
        """One sequence has all its tokens."""
        self._left -= 1
        if not self._left and not self._done.done():
            self._done.set_result(None)

    def cut_short(self, sequence: Sequence) -> None:
        """One sequence ends with the tokens it has."""
        self._cut.add(sequence)
        self.finished(sequence)

    @property
    def cut(self) -> list[int]:
        """The sequences, by number, that were cut short."""
        return [index for index, sequence in enumerate(self.sequences) if sequence in self._cut]

    def said(self, index: int) -> Reply:
        """What sequence `index` came to say: its reply, or the part of it that was cut off."""
        sequence, reply = self.sequences[index], self._replies[index]
        if sequence not in self._cut:
            return reply
        return Reply(reply.pieces[: sequence.request.generated_tokens], "abort", reply.tool)

    def failed(self, message: str) -> None:
        """The engine died."""
        if not self._done.done():
            self._done.set_exception(ApiError(500, message))

    def _client_gone(self) -> None:
        self._abort()
        if not self._done.done():
            self._done.set_exception(Gone())
            self._done.exception()  # read here, since nobody may be waiting for it

    def _abort(self) -> None:
        for sequence in self.sequences:
            self._engine.abort(sequence)


@lru_cache(maxsize=1 << 16)
def quoted(piece: str) -> bytes:
    """A token as a JSON string; the same few thousand are written over and over."""
    return json.dumps(piece).encode()


def compact(value: object) -> bytes:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


def event(value: object) -> bytes:
    """One server-sent event."""
    return b"data: " + compact(value) + b"\n\n"


def split_around(template: object) -> tuple[bytes, bytes]:
    """The parts before and after the string `HOLE` in an event, to put a token's JSON between them."""
    head, _, tail = event(template).partition(json.dumps(HOLE).encode())
    return head, tail


HOLE = "\x00token\x00"
DONE = b"data: [DONE]\n\n"
