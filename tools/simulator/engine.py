"""The engine: the scheduler on the real clock, one timer per iteration, on an absolute schedule.

The next iteration starts at the planned end of the last one, not when its timer fired, so lateness never adds up. The
event loop's timers are a millisecond coarse; each is set half of that early, which centres the error on zero.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from tools.performance.step import StepCost
from tools.scheduler import Iteration, Limits, Refusal, Request, Scheduler
from tools.simulator.metrics import Metrics

TIMER_S = 0.0005
_SCHEDULE_LENGTH = 50_000
_SLICE = 16

FinishReason = Literal["stop", "length", "tool_calls", "abort"]
PauseMode = Literal["abort", "wait", "keep"]
_RELEASED = frozenset({"weights", "kv_cache"})


class Owner(Protocol):
    """Who waits for sequences; called on the event loop, must not block."""

    def finished(self, sequence: "Sequence") -> None:
        """All tokens came."""
        ...

    def cut_short(self, sequence: "Sequence") -> None:
        """The engine goes to sleep: no more tokens come than those emitted."""
        ...

    def failed(self, message: str) -> None:
        """The engine died; nothing more comes."""
        ...


@dataclass(slots=True, eq=False)
class Sequence:
    """A sequence in the engine. Times are seconds of the event loop's clock.

    `emit(position)` is called when token `position` (from 0) is due. A `pooled` sequence is prefilled only: its one
    step yields an embedding and no token.
    """

    name: str
    request: Request
    owner: Owner
    finish_reason: FinishReason
    emit: Callable[[int], None] | None = None
    pooled: bool = False
    adapter: str | None = None
    received_s: float = 0.0
    last_token_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What the engine planned for a finished sequence, seconds from its arrival: the reference for measurements."""

    name: str
    ttft_s: float
    tpot_s: float
    e2e_s: float
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How iterations become seconds: their cost, a factor by which time runs faster, and random variation."""

    cost: StepCost
    time_factor: float = 1.0
    jitter: float = 0.0
    stall_rate: float = 0.0
    stall_ms: float = 0.0


class Engine:
    """One replica: sequences in, tokens out at the times that the step cost dictates."""

    def __init__(self, limits: Limits, pace: Pace, metrics: Metrics, rng: random.Random) -> None:
        self.dead: str | None = None
        self.pause: PauseMode | None = None  # how it was put to sleep
        self.pace = pace
        self.metrics = metrics
        self.scheduler = Scheduler(limits)
        self.schedule: deque[Scheduled] = deque(maxlen=_SCHEDULE_LENGTH)
        self.late_s = 0.0  # how far the last iteration's tokens were behind schedule
        self._rng = rng
        self._sequences: dict[Request, Sequence] = {}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._iteration: Iteration | None = None
        self._ended_s = 0.0
        self._stall_s = 0.0
        self._released: frozenset[str] = frozenset()
        self._rest = asyncio.Event()  # set while no iteration is under way
        self._rest.set()
        self._due: deque[tuple[Sequence, int]] = deque()

    @property
    def load(self) -> int:
        """Sequences queued or running."""
        return len(self._sequences)

    def adapters(self, state: Literal["running", "waiting"]) -> tuple[str, ...]:
        """Names of the LoRA adapters that running or waiting sequences use, oldest sequence first."""
        used = (sequence.adapter for sequence in self._sequences.values() if sequence.request.state == state)
        return tuple(dict.fromkeys(name for name in used if name))

    def submit(self, sequence: Sequence) -> Refusal | None:
        """Queue a sequence, or say which limit refuses it."""
        refusal = self.scheduler.submit(sequence.request)
        if refusal:
            if refusal != "too_long":
                self.metrics.rejections[refusal].add()
            return refusal
        now_s = self._loop.time()
        sequence.received_s = sequence.received_s or now_s
        self._sequences[sequence.request] = sequence
        if self._timer is None and self.pause is None:
            # soon rather than now, so that all that come at once share the first iteration
            self._start(now_s)
        self._show_state()
        return None

    async def sleep(self, level: int, mode: PauseMode) -> None:
        """Stop scheduling: `abort` ends what is under way, `wait` lets the running finish, `keep` freezes all.

        From level 1 on the KV cache is lost. Later sequences wait for `wake`.
        """
        self.pause = mode
        self.scheduler.admitting = False
        if mode == "abort":
            self._cut_all_short()
        await self._rest.wait()
        if self.pause is None or self.dead:  # woken, or died, before it slept
            return
        if level:
            self.scheduler.forget()
            self._released = _RELEASED
        self.metrics.show_sleep(level)
        self._show_state()

    def wake(self, tags: frozenset[str]) -> None:
        """Take `tags` (all without any) back into memory, and go on when nothing lacks."""
        self._released = self._released - tags if tags else frozenset()
        if self.pause is None or self._released:
            return
        self.pause = None
        self.scheduler.admitting = True
        self.metrics.show_sleep(None)
        self._rest.set()  # a sleeper that still waits for its turn gives up
        if self._timer is not None:
            self._rest.clear()
        elif self._sequences:
            self._start(self._loop.time())

    def _cut_all_short(self) -> None:
        while self._due:
            self._deliver()
        self._halt()
        sequences, self._sequences = list(self._sequences.values()), {}
        for sequence in sequences:
            self.scheduler.abort(sequence.request)
            self.metrics.success["abort"].add()
            sequence.owner.cut_short(sequence)

    def _start(self, now_s: float) -> None:
        self._rest.clear()
        self._timer = self._loop.call_soon(self._begin, max(now_s, self._ended_s))

    def _halt(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._iteration = None
        self._rest.set()

    def abort(self, sequence: Sequence) -> None:
        """Forget a sequence whose client has gone."""
        if self._sequences.pop(sequence.request, None):
            self.scheduler.abort(sequence.request)
            self.metrics.success["abort"].add()
            self._show_state()

    def stall(self, seconds: float) -> None:
        """Make the next iteration take longer."""
        self._stall_s += seconds

    def die(self, message: str) -> None:
        """Stop for good: every sequence fails, later ones are refused by whoever asks `dead`."""
        self.dead = message
        self._halt()
        self._due.clear()
        sequences, self._sequences = list(self._sequences.values()), {}
        for sequence in sequences:
            self.scheduler.abort(sequence.request)
            self.metrics.success["error"].add()
            sequence.owner.failed(message)
        self._show_state()

    def _begin(self, start_s: float) -> None:
        frozen = self.pause in ("abort", "keep")
        iteration = None if frozen else self.scheduler.schedule(start_s * 1000)
        if iteration is None:
            self._halt()
            return
        duration_ms = iteration.duration_ms(self.pace.cost) * self._variation()
        end_s = start_s + duration_ms / 1000 / self.pace.time_factor + self._take_stall()
        self._iteration = iteration
        self._timer = self._loop.call_at(end_s - TIMER_S, self._end, end_s)

    def _variation(self) -> float:
        return self._rng.lognormvariate(0.0, self.pace.jitter) if self.pace.jitter else 1.0

    def _take_stall(self) -> float:
        stall_s, self._stall_s = self._stall_s, 0.0
        if self.pace.stall_rate and self._rng.random() < self.pace.stall_rate:
            stall_s += self.pace.stall_ms / 1000
        return stall_s

    def _end(self, end_s: float) -> None:
        """Book the iteration, start the next one at once, then deliver: first tokens before the others."""
        iteration = self._iteration
        if iteration is None:
            return
        self._iteration = None
        previous_s, self._ended_s = self._ended_s, end_s
        advanced = self.scheduler.complete(iteration, end_s * 1000)
        self._begin(end_s)
        idle, steady = not self._due, 0
        for request in advanced:
            sequence = self._sequences[request]
            position = request.generated_tokens - 1
            if position and sequence.last_token_s == previous_s:
                steady += 1
            elif position:
                self.metrics.itl.observe(end_s - sequence.last_token_s)
            sequence.last_token_s = end_s
            self._due.append((sequence, position))
        self._count(iteration, advanced, steady, end_s - previous_s)
        if idle:
            self._deliver()

    def _deliver(self) -> None:
        """Hand out due tokens, some at a time: requests that come meanwhile must not wait for the whole batch."""
        for _ in range(min(_SLICE, len(self._due))):
            sequence, position = self._due.popleft()
            if sequence.request not in self._sequences:
                continue
            if sequence.emit:
                sequence.emit(position)
            if position == sequence.request.output_tokens - 1:
                self._finish(sequence)
        self.late_s = self._loop.time() - self._ended_s
        if self._due:
            self._loop.call_soon(self._deliver)

    def _count(self, iteration: Iteration, advanced: list[Request], steady: int, interval_s: float) -> None:
        metrics = self.metrics
        if steady:
            metrics.itl.observe(interval_s, steady)
        metrics.generation_tokens.add(sum(not self._sequences[request].pooled for request in advanced))
        metrics.preemptions.add(len(iteration.preempted))
        metrics.iteration_tokens.observe(iteration.prefill_tokens + len(iteration.decode))
        self._show_state()

    def _show_state(self) -> None:
        metrics, scheduler = self.metrics, self.scheduler
        metrics.running.value = len(scheduler.running)
        metrics.waiting.value = metrics.waiting_capacity.value = len(scheduler.waiting)
        metrics.kv_usage.value = scheduler.blocks.used / scheduler.blocks.total

    def _finish(self, sequence: Sequence) -> None:
        request, metrics = sequence.request, self.metrics
        del self._sequences[request]
        first_s = (request.first_token_ms or 0.0) / 1000
        started_s = (request.scheduled_ms or 0.0) / 1000
        ended_s = (request.finished_ms or 0.0) / 1000
        tpot_s = (ended_s - first_s) / (request.generated_tokens - 1) if request.generated_tokens > 1 else 0.0
        computed = request.prompt_tokens - request.cached_prompt_tokens
        metrics.prompt_tokens.add(request.prompt_tokens)
        metrics.prompt_computed.add(computed)
        for counter in (metrics.prompt_cache_hits, metrics.prompt_cached, metrics.prompt_cached_local):
            counter.add(request.cached_prompt_tokens)
        if self.scheduler.limits.prefix_caching:
            metrics.prefix_queries.add(request.prompt_tokens)
            metrics.prefix_hits.add(request.cached_prompt_tokens)
        metrics.success["length" if sequence.finish_reason == "length" else "stop"].add()
        metrics.ttft.observe(first_s - sequence.received_s)
        if request.generated_tokens > 1:
            metrics.tpot.observe(tpot_s)
        metrics.e2e.observe(ended_s - sequence.received_s)
        metrics.queue.observe(started_s - sequence.received_s)
        metrics.inference.observe(ended_s - started_s)
        metrics.prefill.observe(first_s - started_s)
        metrics.decode.observe(ended_s - first_s)
        metrics.request_prompt.observe(request.prompt_tokens)
        metrics.request_generation.observe(0 if sequence.pooled else request.generated_tokens)
        metrics.prefill_computed.observe(computed)
        metrics.request_preemptions.observe(request.preemptions)
        ttft_s, e2e_s = first_s - sequence.received_s, ended_s - sequence.received_s
        self.schedule.append(Scheduled(sequence.name, ttft_s, tpot_s, e2e_s, request.generated_tokens))
        sequence.owner.finished(sequence)
