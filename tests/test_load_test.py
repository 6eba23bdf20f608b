"""Load tests against a real server with known timings, and against servers that fail in every way."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from knowledge.errors import BadInput
from knowledge.facts import Lengths
from tools.loadtest import LoadPlan, LoadProgress, LoadReport, Slo, validate
from tools.loadtest.arrivals import Stage, steady
from tools.loadtest.lengths import fixed
from tools.loadtest.page import page
from tools.loadtest.preflight import Preflight
from tools.loadtest.sample import Sample
from tools.loadtest.saturation import saturation
from tools.loadtest.summary import summarise

TTFT_S, TPOT_S = 0.03, 0.004


@dataclass
class Peer:
    """An OpenAI-compatible server on a real socket. `behaviour` names how it fails; requests are kept."""

    behaviour: str = "good"
    fail_from: int = 0
    slots: int | None = None
    port: int = 0
    requests: list[dict[str, object]] = field(default_factory=list)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    server: asyncio.Server | None = None

    def die(self) -> None:
        """Like a killed process: open connections break, new ones are refused."""
        assert self.server is not None
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(
                    next(line.split(b":")[1] for line in head.lower().split(b"\r\n") if b"content-length" in line)
                )
                request = json.loads(await reader.readexactly(length))
                self.requests.append(request)
                await self.answer(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, request: dict[str, object], writer: asyncio.StreamWriter) -> None:
        behaviour = self.behaviour if len(self.requests) > self.fail_from else "good"
        if behaviour == "silent":
            await asyncio.sleep(3600)
        if behaviour == "strict" and "ignore_eos" in request:
            return self.whole(writer, 400, b'{"error": {"message": "unknown field ignore_eos"}}')
        if behaviour == "busy":
            return self.whole(writer, 429, b'{"error": {"message": "slow down"}}')
        if behaviour == "broken":
            return self.whole(writer, 500, b"<html>oops</html>")
        if behaviour == "not http":
            writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
            return None
        if behaviour == "no stream":
            body = {"choices": [{"message": {"content": "all at once"}}], "usage": usage(request)}
            return self.whole(writer, 200, json.dumps(body).encode())
        await self.stream(request, writer, behaviour)
        return None

    def whole(self, writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)

    async def stream(self, request: dict[str, object], writer: asyncio.StreamWriter, behaviour: str) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        tokens = int(str(request["max_tokens"]))
        for number in range(tokens):
            await asyncio.sleep(max(0.0, begin + TTFT_S + number * TPOT_S - loop.time()))
            if behaviour == "cut" and number == tokens // 2:
                writer.transport.abort()
                return
            event = b"not json" if behaviour == "garbage" else b'{"choices":[{"delta":{"content":"word "}}]}'
            write_chunk(writer, b"data: " + event + b"\n\n")
        last = b'data: {"error": {"message": "engine died"}}\n\n' if behaviour == "stream error" else b""
        counted = json.dumps({"choices": [], "usage": usage(request)}).encode()
        end = b"" if behaviour == "unfinished" else b"data: [DONE]\n\n"
        write_chunk(writer, last + b"data: " + counted + b"\n\n" + end)
        writer.write(b"0\r\n\r\n")


def usage(request: dict[str, object]) -> dict[str, int]:
    """This server's tokenizer: two tokens a word, and ten for the chat template."""
    messages = request["messages"]
    assert isinstance(messages, list)
    return {
        "prompt_tokens": 10 + 2 * len(messages[0]["content"].split()),
        "completion_tokens": int(str(request["max_tokens"])),
    }


def write_chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


@asynccontextmanager
async def serving(behaviour: str = "good", *, fail_from: int = 0) -> AsyncIterator[Peer]:
    peer = Peer(behaviour, fail_from)
    peer.server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = peer.server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        peer.server.close()


def load(**changes: object) -> LoadPlan:
    values: dict[str, object] = {
        "model": "m",
        "request_rate_rps": 200.0,
        "duration_s": 0.3,
        "isl": fixed(100),
        "osl": fixed(10),
        "pattern": "steady",
        "slos": (Slo("ttft", 1000.0, 90),),
        "request_timeout_s": 5.0,
    }
    return LoadPlan(**{**values, **changes})  # type: ignore[arg-type]


async def run(peer: Peer, plan: LoadPlan, on_progress: Callable[[LoadProgress], None] = lambda _: None) -> LoadReport:
    clock = datetime(2026, 11, 21, 12, tzinfo=UTC)
    return await asyncio.wait_for(validate(peer.url, plan, on_progress=on_progress, clock=lambda: clock), 30)


async def test_it_measures_what_the_server_does() -> None:
    seen: list[LoadProgress] = []
    async with serving() as peer:
        report = await run(peer, load(predicted={"ttft_p90_ms": 31.0}), seen.append)
    assert (report.verdict, report.requests, report.failed) == ("met", 60, 0)
    ttft, tpot, e2e = (report.metrics[name] for name in ("ttft", "tpot", "e2e"))
    assert ttft.p50.value is not None
    assert ttft.p50.value >= 1000 * TTFT_S - 0.5
    assert tpot.p50.value is not None
    assert e2e.p50.value is not None
    assert e2e.p50.value >= 1000 * (TTFT_S + 9 * TPOT_S) - 0.5
    assert e2e.p50.value == pytest.approx(ttft.p50.value + 9 * tpot.p50.value, rel=0.2)
    assert report.slos[0].predicted == 31.0
    assert ttft.p90.low is not None
    assert ttft.p90.high is not None
    assert ttft.p90.low <= (ttft.p90.value or 0) <= ttft.p90.high
    assert seen[-1].sent == seen[-1].completed == 60
    json.dumps(report.to_json(), allow_nan=False)


async def test_prompts_have_the_wanted_length_in_the_servers_own_count() -> None:
    async with serving() as peer:
        report = await run(peer, load(isl=Lengths(100, 100, 100, 100)))
    assert report.isl_mean == pytest.approx(100, abs=1)
    assert report.osl_mean == 10


async def test_prompts_share_beginnings_as_told() -> None:
    async with serving() as peer:
        await run(peer, load(isl=fixed(200), prefix_share=0.5, prefix_groups=2))
    prompts = [str(request["messages"][0]["content"]) for request in peer.requests[2:]]  # type: ignore[index]
    assert len({prompt[:200] for prompt in prompts}) == 2
    assert len(set(prompts)) == len(prompts)


async def test_a_slow_server_is_not_spared_by_fewer_requests() -> None:
    """A closed loop would send less and see little; here everything goes out when due, and waiting counts."""
    async with serving("silent", fail_from=12) as peer:
        report = await run(peer, load(request_timeout_s=0.5))
    assert len(peer.requests) == 62
    assert report.verdict == "not_met"
    assert [(error.kind, error.count) for error in report.errors] == [("timeout", 50)]


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("busy", "http_429"),
        ("broken", "http_500"),
        ("cut", "cut"),
        ("garbage", "malformed"),
        ("not http", "malformed"),
        ("unfinished", "incomplete"),
        ("stream error", "stream_error"),
    ],
)
async def test_each_kind_of_failure_is_counted_and_fails_the_objectives(behaviour: str, kind: str) -> None:
    async with serving(behaviour, fail_from=22) as peer:
        report = await run(peer, load())
    assert [(error.kind, error.count) for error in report.errors] == [(kind, 40)]
    assert report.errors[0].example
    assert report.verdict == "not_met"
    assert report.slos[0].measured is None
    assert report.error_rate_percent == pytest.approx(100 * 40 / 60)
    json.dumps(report.to_json(), allow_nan=False)


async def test_a_server_that_dies_in_the_middle_ends_the_run_with_a_readable_report() -> None:
    async with serving() as peer:
        report = await run(
            peer,
            load(duration_s=600.0, request_rate_rps=100.0),
            lambda progress: peer.die() if progress.completed >= 10 else None,
        )
    assert report.verdict == "not_met"
    assert report.completed >= 10
    assert "refused" in {error.kind for error in report.errors}
    assert any("refused 20 connections in a row" in warning for warning in report.warnings)


async def test_an_address_where_nothing_listens_is_inconclusive_and_named() -> None:
    async with serving() as peer:
        pass
    report = await run(peer, load())
    assert report.verdict == "inconclusive"
    assert peer.url in report.reason
    assert [(error.kind, error.count) for error in report.errors] == [("refused", 1)]


async def test_a_server_that_never_answers_is_inconclusive() -> None:
    async with serving("silent") as peer:
        report = await run(peer, load(request_timeout_s=0.2))
    assert report.verdict == "inconclusive"
    assert report.errors[0].kind == "timeout"


async def test_options_that_a_server_does_not_know_are_left_out() -> None:
    async with serving("strict") as peer:
        report = await run(peer, load())
    assert report.failed == 0
    assert "ignore_eos" in peer.requests[0]
    assert not any("ignore_eos" in request for request in peer.requests[1:])


async def test_a_server_that_does_not_stream_is_measured_and_said_so() -> None:
    async with serving("no stream") as peer:
        report = await run(peer, load())
    assert report.failed == 0
    assert any("does not stream" in warning for warning in report.warnings)


async def test_the_time_factor_scales_rates_and_times() -> None:
    async with serving() as peer:
        report = await run(peer, load(request_rate_rps=40.0, duration_s=1.25, time_factor=5.0))
    assert report.requests == 50
    assert (report.metrics["ttft"].p50.value or 0) >= 5 * (1000 * TTFT_S - 0.5)
    assert report.request_rate_rps == 40
    assert any("time factor 5" in warning for warning in report.warnings)


async def test_requests_of_the_warm_up_are_not_counted() -> None:
    async with serving() as peer:
        report = await run(peer, load(warmup_s=0.15))
    assert (report.requests, len(peer.requests)) == (30, 62)


async def test_a_stopped_run_reports_what_it_measured() -> None:
    stop = asyncio.Event()

    def enough(progress: LoadProgress) -> None:
        if progress.completed >= 20:
            stop.set()

    async with serving() as peer:
        report = await validate(peer.url, load(duration_s=600.0), on_progress=enough, stop=stop)
    assert report.completed >= 20
    assert report.verdict != "met"  # and "not_met" where a busy machine made the peer slow
    assert any("stopped" in warning for warning in report.warnings)


async def test_a_cancelled_run_leaves_nothing_open() -> None:
    async with serving() as peer:
        begun = asyncio.Event()
        task = asyncio.create_task(validate(peer.url, load(duration_s=600.0), on_progress=lambda _: begun.set()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    mine = {task.get_coro().__qualname__ for task in asyncio.all_tasks() if task is not asyncio.current_task()}  # type: ignore[union-attr]
    assert not any(name.startswith("Run.") for name in mine)


async def test_a_run_never_sends_more_than_it_may() -> None:
    async with serving() as peer:
        report = await run(peer, load(max_requests=15))
    assert (report.requests, len(peer.requests)) == (15, 17)


async def test_a_sweep_raises_the_rate_in_stages() -> None:
    async with serving() as peer:
        report = await run(peer, load(sweep=(Stage(25.0, 0.4), Stage(100.0, 0.4))))
    assert report.requests == 50


async def test_the_same_seed_sends_the_same_load() -> None:
    bodies = []
    for _ in range(2):
        async with serving() as peer:
            await run(peer, load(pattern="poisson", osl=Lengths(10, 8, 18, 30)))
            bodies.append(sorted(json.dumps(request) for request in peer.requests))
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("slos", [(), (Slo("ttft", 100.0, 90),)])
async def test_saturation_finds_the_capacity_of_a_queue(slos: tuple[Slo, ...]) -> None:
    found = await saturation(load(request_rate_rps=20.0, duration_s=30.0, slos=slos), one_server_of(70.0))
    assert not found.bounded
    assert found.highest_rps == pytest.approx(70, rel=0.12)
    assert [step.sustained for step in found.steps[:3]] == [True, True, False]
    assert found.steps[2].reason


def one_server_of(capacity_rps: float) -> Callable[[LoadPlan], Awaitable[LoadReport]]:
    """A first-come-first-served queue on a virtual clock: each request takes 1/capacity."""

    async def measure(plan: LoadPlan) -> LoadReport:
        samples, free_s = [], 0.0
        for due_s in steady(plan.request_rate_rps, plan.duration_s):
            free_s = max(free_s, due_s) + 1 / capacity_rps
            wait_ms = 1000 * (free_s - due_s)
            samples.append(Sample(due_s, 0.0, free_s, ttft_ms=wait_ms, tpot_ms=0.0, e2e_ms=wait_ms, output_tokens=1))
        return summarise(samples, plan, Preflight({}), endpoints=["http://127.0.0.1:1"], started_at="")

    return measure


async def test_the_page_holds_the_verdict_and_escapes_what_the_server_said() -> None:
    async with serving("broken", fail_from=50) as peer:
        report = await run(peer, load())
    text = page(report)
    assert "not met" in text
    assert "&lt;html&gt;oops" in text
    assert "<html>oops" not in text
    assert "http://" not in text.replace(peer.url, "")
    for drawing in text.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + drawing.split("</svg>")[0] + "</svg>")  # noqa: S314 - our own text


async def test_a_strangers_host_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(BadInput, match=r"example\.com is not one of your deployments") as caught:
        await validate("http://example.com", load())
    assert "--allow-host example.com" in caught.value.cure
