"""Drives an open-loop load: requests go out when they are due, whether or not earlier ones were answered."""

import asyncio
import heapq
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tools.loadtest.arrivals import Stage, arrivals
from tools.loadtest.chance import chance
from tools.loadtest.client import Client, Exchange
from tools.loadtest.lengths import sampler
from tools.loadtest.percentiles import percentile
from tools.loadtest.plan import MAX_IN_FLIGHT, LoadPlan
from tools.loadtest.preflight import Preflight
from tools.loadtest.prompts import Prompts, request_body
from tools.loadtest.sample import Sample

PROGRESS_EVERY_S = 0.25
DEAD_AFTER_REFUSALS = 20
_SPIN_S = 0.001
_LEAD_S = 0.02
_TEMPLATE_TOKENS = 32


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far a run is, in model time; percentiles are over all answers so far that were due after the warm-up."""

    fraction: float
    elapsed_s: float
    sent: int
    completed: int
    failed: int
    in_flight: int
    ttft_p90_ms: float | None
    ttft_p50_ms: float | None = None
    tpot_p50_ms: float | None = None
    tpot_p90_ms: float | None = None


OnProgress = Callable[[LoadProgress], None]


class Run:
    """One run of a plan. `samples` grow while it lasts; what is there stays valid when it is stopped."""

    def __init__(self, clients: Sequence[Client], plan: LoadPlan, prompts: Prompts, learned: Preflight) -> None:
        self._clients = clients
        self._plan = plan
        self._prompts = prompts
        self._options = learned.options
        self._loop = asyncio.get_running_loop()
        self._start_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._refusals = 0
        self._sent = 0
        self._failed = 0
        self._ttft_ms: list[float] = []
        self._tpot_ms: list[float] = []
        self.samples: list[Sample] = []
        self.stopped_early = ""
        self.stopped_by_person = False

    async def drive(self, on_progress: OnProgress, stop: asyncio.Event) -> None:
        """Send everything, then wait for what is under way; `stop` ends it early, cancelling what is under way."""
        plan, scale = self._plan, self._plan.time_factor
        lengths = request_lengths(plan)
        reporter = asyncio.create_task(self._report(on_progress))
        self._start_s = self._loop.time() + _LEAD_S
        try:
            for due_s, number in schedule(plan, len(self._clients)):
                if self._sent >= plan.max_requests:
                    self.stopped_early = f"the limit of {plan.max_requests} requests was reached"
                    break
                prompt_tokens, output_tokens = next(lengths)
                text = self._prompts.text(prompt_tokens)
                body = request_body(
                    text, model=plan.model, chat=plan.chat, max_tokens=output_tokens, options=self._options
                )
                await self._sleep_until(self._start_s + due_s / scale, stop)
                if stop.is_set() or self._refusals >= DEAD_AFTER_REFUSALS:
                    break
                self._send(self._clients[number], body, due_s)
            await self._drain(stop)
        finally:
            reporter.cancel()
            await self._cancel()
        on_progress(self._progress())

    async def _sleep_until(self, moment_s: float, stop: asyncio.Event) -> None:
        """The loop wakes up to a millisecond late, so the last stretch is spent asking the clock."""
        if moment_s - self._loop.time() > _SPIN_S:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(moment_s - _SPIN_S):
                    await stop.wait()
        while self._loop.time() < moment_s and not stop.is_set():  # noqa: ASYNC110 - no event tells that time has come
            await asyncio.sleep(0)

    def _send(self, client: Client, body: bytes, due_s: float) -> None:
        self._sent += 1
        if len(self._tasks) >= MAX_IN_FLIGHT:
            self._keep(Sample(due_s, 0.0, self._now_s(), error="client_limit", detail="too many requests in flight"))
            return
        task = asyncio.create_task(self._request(client, body, due_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _request(self, client: Client, body: bytes, due_s: float) -> None:
        plan, scale = self._plan, self._plan.time_factor
        late_ms = (self._now_s() - due_s) * 1000
        until_s = self._start_s + (due_s + plan.request_timeout_s) / scale
        exchange = await client.complete(body, chat=plan.chat, until_s=until_s)
        self._keep(self._sample(exchange, due_s, late_ms))

    def _sample(self, exchange: Exchange, due_s: float, late_ms: float) -> Sample:
        answer, ended_s = exchange.answer, (exchange.ended_s - self._start_s) * self._plan.time_factor
        if exchange.error or answer.first_token_s is None or answer.last_token_s is None:
            return Sample(due_s, late_ms, ended_s, error=exchange.error, detail=exchange.detail)
        first_s, last_s = (
            (moment - self._start_s) * self._plan.time_factor for moment in (answer.first_token_s, answer.last_token_s)
        )
        gaps = answer.output_tokens - 1
        return Sample(
            due_s=due_s,
            late_ms=late_ms,
            ended_s=ended_s,
            ttft_ms=(first_s - due_s) * 1000,
            tpot_ms=(last_s - first_s) * 1000 / gaps if gaps > 0 else None,
            e2e_ms=(last_s - due_s) * 1000,
            prompt_tokens=answer.prompt_tokens,
            output_tokens=answer.output_tokens,
        )

    def _keep(self, sample: Sample) -> None:
        self.samples.append(sample)
        self._failed += bool(sample.error)
        if sample.due_s >= self._plan.warmup_s:
            for kept, value in ((self._ttft_ms, sample.ttft_ms), (self._tpot_ms, sample.tpot_ms)):
                if value is not None:
                    insort(kept, value)
        self._refusals = self._refusals + 1 if sample.error == "refused" else 0
        if self._refusals == DEAD_AFTER_REFUSALS:
            self.stopped_early = f"the endpoint refused {DEAD_AFTER_REFUSALS} connections in a row"

    async def _drain(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        try:
            while self._tasks and not stop.is_set():
                await asyncio.wait({*self._tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if stop.is_set():
            self.stopped_by_person = True
            self.stopped_early = f"stopped; {len(self._tasks)} requests under way were dropped"

    async def _cancel(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _report(self, on_progress: OnProgress) -> None:
        while True:
            await asyncio.sleep(PROGRESS_EVERY_S)
            on_progress(self._progress())

    def _progress(self) -> LoadProgress:
        elapsed_s = max(0.0, self._now_s())
        return LoadProgress(
            fraction=min(1.0, elapsed_s / self._plan.total_s),
            elapsed_s=elapsed_s,
            sent=self._sent,
            completed=len(self.samples) - self._failed,
            failed=self._failed,
            in_flight=len(self._tasks),
            ttft_p90_ms=_at(self._ttft_ms, 90),
            ttft_p50_ms=_at(self._ttft_ms, 50),
            tpot_p50_ms=_at(self._tpot_ms, 50),
            tpot_p90_ms=_at(self._tpot_ms, 90),
        )

    def _now_s(self) -> float:
        return (self._loop.time() - self._start_s) * self._plan.time_factor


def _at(ordered: Sequence[float], percent: float) -> float | None:
    return percentile(ordered, percent) if ordered else None


def request_lengths(plan: LoadPlan) -> Iterator[tuple[int, int]]:
    """(prompt tokens, output tokens) of one request after the other, within the model length."""
    random = chance("lengths", plan.seed)
    prompt = sampler(plan.isl, random, most=plan.max_model_len)
    output = sampler(plan.osl, random, most=plan.max_model_len // 2)
    while True:
        output_tokens = output()
        yield min(prompt(), plan.max_model_len - _TEMPLATE_TOKENS - output_tokens), output_tokens


def schedule(plan: LoadPlan, endpoints: int) -> Iterator[tuple[float, int]]:
    """(due time in model seconds, endpoint number), in order of time.

    Every endpoint has an independent arrival process of its own at its share of the rate; a trace is dealt out in turn.
    """
    if plan.pattern == "trace":
        whole = arrivals("trace", plan.stages, cv=plan.cv, random=chance("trace", plan.seed), timestamps_s=plan.trace_s)
        yield from ((due_s, index % endpoints) for index, due_s in enumerate(whole))
        return
    shares = tuple(Stage(stage.rate_rps / endpoints, stage.duration_s) for stage in plan.stages)
    yield from heapq.merge(*(_share(plan, shares, number) for number in range(endpoints)))


def _share(plan: LoadPlan, stages: Sequence[Stage], number: int) -> Iterator[tuple[float, int]]:
    random = chance(f"arrivals {number}", plan.seed)
    return ((due_s, number) for due_s in arrivals(plan.pattern, stages, cv=plan.cv, random=random))
