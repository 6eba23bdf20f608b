"""One replica on a virtual clock, step by step: the scheduler itself, and the reference for the fast one."""

from dataclasses import dataclass, field

from tools.performance.step import StepCost
from tools.scheduler import Limits, Request, Scheduler


@dataclass(slots=True)
class Log:
    """What happened to each request (index as in the workload), milliseconds; NaN where it never did."""

    prompt_tokens: list[int]
    output_tokens: list[int]
    reused_tokens: list[int]
    scheduled_ms: list[float] = field(init=False)
    first_token_ms: list[float] = field(init=False)
    finished_ms: list[float] = field(init=False)
    preemptions: int = 0

    def __post_init__(self) -> None:
        nothing = float("nan")
        self.scheduled_ms = [nothing] * len(self.prompt_tokens)
        self.first_token_ms = [nothing] * len(self.prompt_tokens)
        self.finished_ms = [nothing] * len(self.prompt_tokens)


class SteppedReplica:
    """Runs the scheduler iteration by iteration. `load` counts the requests in it."""

    def __init__(self, cost: StepCost, limits: Limits, log: Log) -> None:
        self.load = 0
        self.busy_ms = 0.0
        self.running_ms = 0.0  # integral of the number of running sequences over time
        self.least_free_blocks = limits.kv_blocks
        self._cost = cost
        self._log = log
        self._now_ms = 0.0
        self._scheduler = Scheduler(limits)

    def submit(self, index: int, arrival_ms: float) -> bool:
        """Take a request that arrives now; False when a limit refuses it."""
        log = self._log
        request = Request(
            index,
            log.prompt_tokens[index],
            log.output_tokens[index],
            arrival_ms,
            reused_tokens=log.reused_tokens[index],
        )
        if self._scheduler.submit(request):
            return False
        if not self.load:
            self._now_ms = max(self._now_ms, arrival_ms)
        self.load += 1
        return True

    def advance(self, until_ms: float) -> None:
        """Run every iteration that starts before `until_ms`."""
        scheduler, log = self._scheduler, self._log
        while self.load and self._now_ms < until_ms:
            iteration = scheduler.schedule(self._now_ms)
            if iteration is None:
                return
            duration_ms = iteration.duration_ms(self._cost)
            log.preemptions += len(iteration.preempted)
            self.busy_ms += duration_ms
            self.running_ms += duration_ms * len(scheduler.running)
            self.least_free_blocks = min(self.least_free_blocks, scheduler.blocks.free)
            self._now_ms += duration_ms
            for request in scheduler.complete(iteration, self._now_ms):
                if request.state == "finished":
                    self._book(request)

    def _book(self, request: Request) -> None:
        log, index = self._log, request.request_id
        log.scheduled_ms[index] = request.scheduled_ms or 0.0
        log.first_token_ms[index] = request.first_token_ms or 0.0
        log.finished_ms[index] = request.finished_ms or 0.0
        self.load -= 1
