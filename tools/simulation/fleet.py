"""Several replicas on one virtual clock: routing, cold starts, autoscaling."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, inf
from typing import Literal, Protocol

from tools.performance.step import StepCost
from tools.scheduler import Limits
from tools.simulation.fast import FastReplica
from tools.simulation.replica import Log, SteppedReplica
from tools.simulation.traffic import Workload

Routing = Literal["round_robin", "least_loaded"]


@dataclass(frozen=True, slots=True)
class Autoscaling:
    """Scale on requests in the system: enough replicas that each has at most `target_load`, seconds in all times.

    Growth happens at each check; a replica serves `cold_start_s` after it was asked for. The fleet shrinks when fewer
    replicas would have been enough for `shrink_after_s`; a replica that goes finishes what it has.
    """

    min_replicas: int
    max_replicas: int
    target_load: float
    interval_s: float = 15.0
    cold_start_s: float = 120.0
    shrink_after_s: float = 300.0


class Replica(Protocol):
    """What the fleet needs of a replica; times in ms."""

    load: int
    busy_ms: float
    running_ms: float
    least_free_blocks: int

    def submit(self, index: int, arrival_ms: float) -> bool:
        """Take a request that arrives now; False when a limit refuses it."""
        ...

    def advance(self, until_ms: float) -> None:
        """Run every iteration that starts before `until_ms`."""
        ...


@dataclass(slots=True, eq=False)
class Member:
    """A replica's life: asked for, ready, and gone (`inf`: not yet)."""

    replica: Replica
    asked_ms: float
    ready_ms: float
    gone_ms: float = inf


class Fleet:
    """Runs a workload on `replicas` replicas, or on as many as `autoscaling` asks for."""

    def __init__(
        self, cost: StepCost, limits: Limits, log: Log, *, routing: Routing, autoscaling: Autoscaling | None, fast: bool
    ) -> None:
        self.members: list[Member] = []
        self.rejected: set[int] = set()
        self._make: Callable[[], Replica] = lambda: (FastReplica if fast else SteppedReplica)(cost, limits, log)
        self._routing = routing
        self._autoscaling = autoscaling
        self._turn = 0
        self._enough_since_ms = 0.0

    def run(self, workload: Workload, replicas: int) -> None:
        """Serve every request to its end."""
        for _ in range(replicas):
            self.members.append(Member(self._make(), 0.0, 0.0))
        check_ms = self._autoscaling.interval_s * 1000 if self._autoscaling else inf
        next_check_ms = check_ms
        active = [member.replica for member in self.members]
        for index, arrival_ms in enumerate(workload.arrival_ms.tolist()):
            while next_check_ms <= arrival_ms:
                self._scale(next_check_ms)
                next_check_ms += check_ms
            if self._autoscaling:
                active = [member.replica for member in self.members if member.ready_ms <= arrival_ms < member.gone_ms]
            replica = self._choose(active, arrival_ms)
            if not replica.submit(index, arrival_ms):
                self.rejected.add(index)
        for member in self.members:
            member.replica.advance(inf)

    def _choose(self, active: list[Replica], arrival_ms: float) -> Replica:
        """The replica for the next request, brought up to its time.

        An iteration that runs at that time counts as done: loads are known up to one iteration ahead.
        """
        if self._routing == "round_robin":
            replica = active[self._turn % len(active)]
            self._turn += 1
            replica.advance(arrival_ms)
            return replica
        for replica in active:
            replica.advance(arrival_ms)
        return min(active, key=lambda replica: replica.load)

    def _scale(self, now_ms: float) -> None:
        rule = self._autoscaling
        if rule is None:
            return
        alive = [member for member in self.members if member.gone_ms == inf]
        for member in self.members:
            member.replica.advance(now_ms)
        load = sum(member.replica.load for member in alive)
        wanted = min(max(ceil(load / rule.target_load), rule.min_replicas), rule.max_replicas)
        if wanted > len(alive):
            for _ in range(wanted - len(alive)):
                self.members.append(Member(self._make(), now_ms, now_ms + rule.cold_start_s * 1000))
        if wanted >= len(alive):
            self._enough_since_ms = now_ms
        elif now_ms - self._enough_since_ms >= rule.shrink_after_s * 1000:
            alive[-1].gone_ms = now_ms
            self._enough_since_ms = now_ms - rule.shrink_after_s * 1000 + rule.interval_s * 1000
