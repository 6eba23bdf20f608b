"""Iteration-level continuous batching as vLLM's V1 engine does it: decode first, then chunks of prefill, FIFO.

Each iteration spends a token budget: every running sequence gets its next token or chunk, then waiting requests are
admitted while budget, sequence slots and KV blocks last. When blocks run out, the sequence admitted last is preempted:
it loses its blocks and is computed again later. Time is an argument; nothing here sleeps or reads a clock.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal

from tools.performance.step import StepCost
from tools.scheduler.blocks import BlockPool
from tools.scheduler.request import Request

Refusal = Literal["too_long", "max_num_queued_reqs", "max_num_queued_tokens"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a replica's batch. Names follow vLLM's flags; `None` means no limit."""

    max_num_seqs: int = 256
    max_num_batched_tokens: int = 8192
    kv_blocks: int = 1 << 20
    block_tokens: int = 16
    max_model_len: int | None = None
    max_num_queued_reqs: int | None = None
    max_num_queued_tokens: int | None = None
    prefix_caching: bool = False

    def __post_init__(self) -> None:
        if min(self.max_num_seqs, self.kv_blocks, self.block_tokens) < 1:
            raise ValueError("a replica needs at least one sequence slot and one KV block of at least one token")
        if self.max_num_batched_tokens < self.max_num_seqs:
            raise ValueError("max_num_batched_tokens must be at least max_num_seqs, or decoding would starve")

    @property
    def longest_tokens(self) -> int:
        """Prompt plus output that one sequence may reach."""
        room = self.kv_blocks * self.block_tokens
        return room if self.max_model_len is None else min(room, self.max_model_len)


@dataclass(frozen=True, slots=True)
class Iteration:
    """One pass of the engine: the chunks it prefills, the sequences it decodes, and whom it had to preempt."""

    prefill: tuple[tuple[Request, int], ...]
    decode: tuple[Request, ...]
    preempted: tuple[Request, ...]
    cached_tokens: int

    @property
    def prefill_tokens(self) -> int:
        """Prompt tokens computed in this pass."""
        return sum(tokens for _, tokens in self.prefill)

    def duration_ms(self, cost: StepCost) -> float:
        """How long this pass takes."""
        return cost.step_ms(
            decode_sequences=len(self.decode), cached_tokens=self.cached_tokens, prefill_tokens=self.prefill_tokens
        )


class Scheduler:
    """Waiting queue, running set and KV blocks of one replica; while not `admitting`, what waits goes on waiting."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.blocks = BlockPool(limits.kv_blocks, block_tokens=limits.block_tokens, caching=limits.prefix_caching)
        self.waiting: deque[Request] = deque()
        self.running: list[Request] = []
        self.admitting = True

    @property
    def waiting_tokens(self) -> int:
        """Prompt tokens in the queue."""
        return sum(request.prompt_tokens for request in self.waiting)

    def submit(self, request: Request) -> Refusal | None:
        """Queue a request, or say which limit refuses it."""
        if request.prompt_tokens + request.output_tokens > self.limits.longest_tokens:
            return "too_long"
        queued, tokens = self.limits.max_num_queued_reqs, self.limits.max_num_queued_tokens
        if queued is not None and len(self.waiting) >= queued:
            return "max_num_queued_reqs"
        if tokens is not None and self.waiting and self.waiting_tokens + request.prompt_tokens > tokens:
            return "max_num_queued_tokens"
        request.state = "waiting"
        self.waiting.append(request)
        return None

    def abort(self, request: Request) -> None:
        """Drop a request wherever it is; an iteration in flight simply no longer counts it."""
        if request.state == "waiting":
            self.waiting.remove(request)
        elif request.state == "running":
            self.running.remove(request)
            self.blocks.release(request)
        else:
            return
        request.state = "aborted"

    def forget(self) -> None:
        """Lose the KV cache: running requests wait in their order to be computed again, no prefix is found."""
        while self.running:
            self._preempt_last()
        self.blocks.forget()

    def schedule(self, now_ms: float) -> Iteration | None:
        """Choose the next iteration, starting at `now_ms`; None when there is nothing to do."""
        budget = self.limits.max_num_batched_tokens
        prefill: list[tuple[Request, int]] = []
        decode: list[Request] = []
        preempted: list[Request] = []
        cached_tokens = 0
        for request in tuple(self.running):
            if request.state != "running" or not budget:
                continue
            tokens = min(request.known_tokens - request.computed_tokens, budget)
            if not self._make_room(request, request.computed_tokens + tokens, preempted):
                break
            budget -= tokens
            if request.decoding:
                decode.append(request)
                cached_tokens += request.computed_tokens
            else:
                prefill.append((request, tokens))
        if not preempted and self.admitting:
            prefill += self._admit(budget, now_ms)
        if not prefill and not decode:
            return None
        return Iteration(tuple(prefill), tuple(decode), tuple(preempted), cached_tokens)

    def complete(self, iteration: Iteration, now_ms: float) -> list[Request]:
        """Book an iteration that ended at `now_ms`; the requests that got a token, first tokens before the others."""
        advanced: list[Request] = []
        for request, tokens in iteration.prefill:
            if request.state == "running":
                request.computed_tokens += tokens
                self.blocks.publish(request)
                if request.decoding:
                    self._emit(request, now_ms)
                    advanced.append(request)
        for request in iteration.decode:
            if request.state == "running":
                request.computed_tokens += 1
                self._emit(request, now_ms)
                advanced.append(request)
        if any(request.state == "finished" for request in advanced):
            self.running = [request for request in self.running if request.state == "running"]
        return advanced

    def _make_room(self, request: Request, tokens: int, preempted: list[Request]) -> bool:
        """Get blocks for `tokens` of `request`, preempting from the end; False when it preempted itself."""
        while not self.blocks.grow(request, tokens):
            victim = self._preempt_last()
            preempted.append(victim)
            if victim is request:
                return False
        return True

    def _preempt_last(self) -> Request:
        victim = self.running.pop()
        self.blocks.release(victim)
        victim.computed_tokens = 0
        victim.preemptions += 1
        victim.state = "waiting"
        self.waiting.appendleft(victim)
        return victim

    def _admit(self, budget: int, now_ms: float) -> list[tuple[Request, int]]:
        """Move waiting requests into the batch, first come first served, while budget, slots and blocks last."""
        admitted: list[tuple[Request, int]] = []
        while self.waiting and budget and len(self.running) < self.limits.max_num_seqs:
            request = self.waiting[0]
            reused = self.blocks.reusable(request)
            known = max(len(reused) * self.blocks.block_tokens, min(request.reused_tokens, request.known_tokens - 1))
            tokens = min(request.known_tokens - known, budget)
            if not self.blocks.admit(request, reused, known + tokens):
                break
            self.waiting.popleft()
            request.computed_tokens = known
            request.prefill_target_tokens = request.known_tokens
            if request.scheduled_ms is None:
                request.scheduled_ms = now_ms
                request.cached_prompt_tokens = known
            request.state = "running"
            self.running.append(request)
            admitted.append((request, tokens))
            budget -= tokens
        return admitted

    def _emit(self, request: Request, now_ms: float) -> None:
        request.generated_tokens += 1
        if request.first_token_ms is None:
            request.first_token_ms = now_ms
        if request.generated_tokens >= request.output_tokens:
            request.finished_ms = now_ms
            request.state = "finished"
            self.blocks.release(request)
