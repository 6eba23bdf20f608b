"""One replica on a virtual clock, from event to event: the same result as the scheduler, two hundred times faster.

While the batch stays the same, `k` iterations of n sequences with C cached tokens take
``k·(decode(n) + kv·C) + kv·n·k·(k-1)/2``: a jump in one step to the next arrival, finish or lack of a KV block.
Progress is kept relative to a count of iterations, so that a jump touches no sequence; how many cross into a new
block in an iteration is read from a histogram of their phases. A test compares it with the scheduler.
"""

from collections import deque
from heapq import heappop, heappush
from math import ceil, inf, sqrt

from tools.performance.step import StepCost
from tools.scheduler import Limits
from tools.simulation.replica import Log

_NONE = -1


class FastReplica:
    """The event-to-event replica. `load` counts the requests in it."""

    __slots__ = (
        "_base", "_block", "_budget", "_cached", "_cost", "_decode_ms", "_ends", "_finish", "_free", "_generated",
        "_limits", "_log", "_now_ms", "_order", "_partial", "_partial_done", "_partial_target", "_phases", "_running",
        "_step", "_waiting", "busy_ms", "least_free_blocks", "load", "running_ms",
    )  # fmt: skip

    def __init__(self, cost: StepCost, limits: Limits, log: Log) -> None:
        self.load = 0
        self.busy_ms = 0.0
        self.running_ms = 0.0
        self.least_free_blocks = limits.kv_blocks
        self._cost = cost
        self._limits = limits
        self._log = log
        self._block = limits.block_tokens
        self._budget = limits.max_num_batched_tokens
        self._decode_ms = [cost.decode_ms(batch) for batch in range(limits.max_num_seqs + 1)]
        self._now_ms = 0.0
        self._free = limits.kv_blocks
        self._waiting: deque[int] = deque()
        self._step = 0  # iterations so far
        self._running = 0  # decoding sequences
        self._cached = 0  # tokens in their KV caches
        self._base: dict[int, int] = {}  # sequence → cached tokens minus iterations: constant while it decodes
        self._finish: dict[int, int] = {}  # sequence → iteration count at which it ends
        self._ends: list[tuple[int, int]] = []  # heap of (that count, sequence); entries of preempted ones are stale
        self._phases = [0] * (2 * limits.block_tokens)  # sequences by when they need a block, written twice
        self._order: list[int] = []  # sequences by admission, for preemption; finished ones are dropped when met
        self._generated: dict[int, int] = {}  # tokens that preempted sequences already have
        self._partial = _NONE  # the one sequence whose prefill is under way
        self._partial_done = 0
        self._partial_target = 0

    def submit(self, index: int, arrival_ms: float) -> bool:
        """Take a request that arrives now; False when a limit refuses it."""
        limits, log = self._limits, self._log
        if log.prompt_tokens[index] + log.output_tokens[index] > limits.longest_tokens:
            return False
        if limits.max_num_queued_reqs is not None and len(self._waiting) >= limits.max_num_queued_reqs:
            return False
        if limits.max_num_queued_tokens is not None and self._waiting:
            queued = sum(log.prompt_tokens[waiting] for waiting in self._waiting)
            if queued + log.prompt_tokens[index] > limits.max_num_queued_tokens:
                return False
        if not self.load and arrival_ms > self._now_ms:
            self._now_ms = arrival_ms
        self.load += 1
        self._waiting.append(index)
        return True

    def advance(self, until_ms: float) -> None:
        """Run every iteration that starts before `until_ms`."""
        while self.load and self._now_ms < until_ms:
            need = self._phases[self._step % self._block]
            partial_need = self._partial_chunk_blocks() if self._partial >= 0 else 0
            if need + partial_need > self._free:
                self._preempt()
                self._iterate(admit=False)
            elif self._partial >= 0 or (self._waiting and self._head_fits(self._free - need)):
                self._iterate(admit=True)
            else:
                self._jump(until_ms)

    def _head_fits(self, free: int) -> bool:
        if self._running >= self._limits.max_num_seqs or self._running >= self._budget:
            return False
        known, _ = self._lengths(self._waiting[0])
        return -(-known // self._block) <= free

    def _lengths(self, index: int) -> tuple[int, int]:
        """Tokens that a waiting sequence must have computed, and how many of them are cached."""
        known = self._log.prompt_tokens[index] + self._generated.get(index, 0)
        return known, min(self._log.reused_tokens[index], known - 1)

    def _partial_chunk_blocks(self) -> int:
        chunk = min(self._partial_target - self._partial_done, self._budget - self._running)
        return -(-(self._partial_done + chunk) // self._block) - -(-self._partial_done // self._block)

    def _jump(self, until_ms: float) -> None:
        """Decode with the same batch until something else can happen."""
        running, step, ends, finish = self._running, self._step, self._ends, self._finish
        while finish.get(ends[0][1]) != ends[0][0]:
            heappop(ends)
        steps = ends[0][0] - step
        first_ms = self._decode_ms[running] + self._cost.kv_ms_per_token * self._cached
        growth_ms = self._cost.kv_ms_per_token * running
        if until_ms < inf:
            slope = first_ms - growth_ms / 2
            left_ms = until_ms - self._now_ms
            reach = ceil(2 * left_ms / (slope + sqrt(slope * slope + 2 * growth_ms * left_ms)))
            if reach < steps:
                steps = reach or 1
        block, phases, free = self._block, self._phases, self._free
        phase = step % block
        taken = steps // block * running + sum(phases[phase : phase + steps % block])
        if taken > free:
            steps = free // running * block
            taken = free // running * running
            while taken + phases[(step + steps) % block] <= free:
                taken += phases[(step + steps) % block]
                steps += 1
        self._free = free - taken
        duration_ms = steps * first_ms + growth_ms * (steps * (steps - 1) / 2)
        self._now_ms += duration_ms
        self.busy_ms += duration_ms
        self.running_ms += duration_ms * running
        self._cached += running * steps
        self._step = step + steps
        self.least_free_blocks = min(self.least_free_blocks, self._free)
        if ends[0][0] <= self._step:
            self._retire()

    def _iterate(self, *, admit: bool) -> None:
        """One iteration with prefill (or the one after a preemption, which admits nobody)."""
        block, running = self._block, self._running
        budget = self._budget - running
        self._free -= self._phases[self._step % block]
        done: list[int] = []
        prefill_tokens = 0
        if self._partial >= 0:
            chunk = min(self._partial_target - self._partial_done, budget)
            self._free -= self._partial_chunk_blocks()
            self._partial_done += chunk
            budget -= chunk
            prefill_tokens = chunk
            if self._partial_done == self._partial_target:
                done.append(self._partial)
                self._partial = _NONE
        active = running + (len(done) or self._partial >= 0)
        if admit:
            chunk, active = self._admit(budget, active, done)
            prefill_tokens += chunk
        self.least_free_blocks = min(self.least_free_blocks, self._free)
        cost = self._cost
        duration_ms = (
            self._decode_ms[running] + cost.kv_ms_per_token * self._cached + cost.prefill_ms_per_token * prefill_tokens
        )
        self._now_ms += duration_ms
        self.busy_ms += duration_ms
        self.running_ms += duration_ms * active
        self._cached += running
        self._step += 1
        if self._ends and self._ends[0][0] <= self._step:
            self._retire()
        for index in done:
            self._begin_decoding(index)

    def _admit(self, budget: int, active: int, done: list[int]) -> tuple[int, int]:
        """Admit waiting requests; those whose prefill ends in this iteration go to `done`."""
        waiting, block, slots = self._waiting, self._block, self._limits.max_num_seqs
        scheduled, spent = self._log.scheduled_ms, 0
        while waiting and budget and active < slots:
            index = waiting[0]
            known, reused = self._lengths(index)
            if -(-known // block) > self._free:
                break
            chunk = min(known - reused, budget)
            waiting.popleft()
            self._free -= -(-(reused + chunk) // block)
            self._order.append(index)
            if scheduled[index] != scheduled[index]:
                scheduled[index] = self._now_ms
            active += 1
            budget -= chunk
            spent += chunk
            if reused + chunk == known:
                done.append(index)
            else:
                self._partial, self._partial_done, self._partial_target = index, reused + chunk, known
        return spent, active

    def _begin_decoding(self, index: int) -> None:
        """A prefill has ended: the sequence has its next token, and decodes the rest."""
        log, step = self._log, self._step
        had = self._generated.pop(index, 0)
        computed = log.prompt_tokens[index] + had
        if not had:
            log.first_token_ms[index] = self._now_ms
        left = log.output_tokens[index] - had - 1
        if not left:
            log.finished_ms[index] = self._now_ms
            self._free += -(-computed // self._block)
            self.load -= 1
            return
        self._base[index] = computed - step
        self._finish[index] = step + left
        heappush(self._ends, (step + left, index))
        phase = (step - computed) % self._block
        self._phases[phase] += 1
        self._phases[phase + self._block] += 1
        self._running += 1
        self._cached += computed

    def _retire(self) -> None:
        """Book the sequences that end with this iteration."""
        ends, step, finish = self._ends, self._step, self._finish
        while ends and ends[0][0] <= step:
            at, index = heappop(ends)
            if finish.get(index) == at:
                self._free += -(-self._remove(index) // self._block)
                self._log.finished_ms[index] = self._now_ms
                self.load -= 1

    def _remove(self, index: int) -> int:
        """Take a decoding sequence out of the batch; the tokens it had cached."""
        del self._finish[index]
        base = self._base.pop(index)
        computed = base + self._step
        phase = -base % self._block
        self._phases[phase] -= 1
        self._phases[phase + self._block] -= 1
        self._running -= 1
        self._cached -= computed
        return computed

    def _preempt(self) -> None:
        """Send back the youngest sequences until the others can go on."""
        while True:
            need = self._phases[self._step % self._block]
            if need + (self._partial_chunk_blocks() if self._partial >= 0 else 0) <= self._free:
                return
            index = self._order.pop()
            if index == self._partial:
                self._partial = _NONE
                self._free += -(-self._partial_done // self._block)
            elif index in self._finish:
                self._generated[index] = self._log.output_tokens[index] - (self._finish[index] - self._step)
                self._free += -(-self._remove(index) // self._block)
            else:
                continue
            self._waiting.appendleft(index)
            self._log.preemptions += 1
