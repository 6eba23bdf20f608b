"""A prompt tried on a deployment: bounded, and whatever the endpoint does is one clear line."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from knowledge.errors import Conflict, Unavailable
from knowledge.records import Deployment, Replica
from tools.deploy.trying import MAX_ANSWER_CHARS, Reply, answered

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def deployment(endpoint: str | None, time_factor: float = 1.0) -> Deployment:
    return Deployment(
        deployment_id="d-1", owner="ann", thread="t", plan_hash="p", target="local", state="applied", revision=1,
        spec={}, model_id="m", gpu_type="L4", gpu_count=1, engine="vllm", time_factor=time_factor,
        monthly_cost_usd=None, snapshot="s", replicas=(Replica(endpoint),) if endpoint else (), reason="",
        created_at="", updated_at="",
    )  # fmt: skip


@asynccontextmanager
async def endpoint(*parts: bytes, hang: bool = False) -> AsyncIterator[str]:
    """A server that answers everything with these bytes, and then ends or hangs."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
        if hang:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()


def event(**values: Any) -> bytes:
    return f"data: {json.dumps(values)}\n\n".encode()


def piece(text: str) -> bytes:
    return event(choices=[{"delta": {"content": text}}])


async def told(where: str, **bounds: Any) -> list[Reply]:
    return [reply async for reply in answered(deployment(where), "hello", **bounds)]


async def test_an_answer_grows_and_its_last_word_is_the_whole() -> None:
    usage = event(choices=[], usage={"prompt_tokens": 9, "completion_tokens": 3})
    async with endpoint(HEAD, piece("It "), piece("de"), piece("pends"), usage, b"data: [DONE]\n\n") as where:
        replies = await told(where)
    assert [reply.text for reply in replies] == ["It ", "It de", "It depends", "It depends"]
    assert [reply.finished for reply in replies] == [False, False, False, True]
    assert (replies[-1].prompt_tokens, replies[-1].output_tokens) == (9, 3)
    assert replies[-1].ttft_ms is not None
    assert replies[-1].cut == ""


async def test_an_answer_without_end_is_cut_and_says_so() -> None:
    async with endpoint(HEAD, piece("x" * (MAX_ANSWER_CHARS + 1)), piece("more"), hang=True) as where:
        replies = await told(where)
    assert replies[-1].finished
    assert "cut after" in replies[-1].cut


async def test_a_silent_endpoint_is_given_up() -> None:
    async with endpoint(HEAD, hang=True) as where:
        with pytest.raises(Unavailable, match=r"did not answer within 0\.2 s"):
            await told(where, limit_s=0.2)


async def test_an_error_in_the_stream_ends_it() -> None:
    async with endpoint(HEAD, piece("It "), event(error={"message": "out of memory"})) as where:
        assert "out of memory" in (await told(where))[-1].cut


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nnot ready", "answered 503: not ready"),
        (HEAD + b"data: {nonsense\n\n", "OpenAI protocol"),
        (HEAD + b"data: [1, 2]\n\n", "OpenAI protocol"),
        (b"", "cannot be reached"),
    ],
)
async def test_what_an_endpoint_may_do_wrong_is_one_line(answer: bytes, words: str) -> None:
    async with endpoint(answer) as where:
        with pytest.raises(Unavailable, match=words):
            await told(where)


async def test_nobody_is_asked_where_nothing_runs() -> None:
    with pytest.raises(Conflict, match="does not run"):
        [reply async for reply in answered(deployment(None), "hello")]
    with pytest.raises(Unavailable, match="cannot be reached"):
        await told("http://127.0.0.1:9")
