"""How much one replica carries within the targets, and how it fares at a given rate. All columns at once."""

from dataclasses import dataclass

import numpy as np

from tools.performance.queueing import rate_rps
from tools.performance.screening import Screen
from tools.planner.grid import Floats, Grid, Mask, Rows
from tools.planner.latency import Latency, Spread, latency
from tools.planner.traffic import Targets, TrafficProfile

CACHE_SHARE = 0.9
"""Share of the KV cache that the average batch may fill; the rest absorbs longer sequences before preemption."""

_LIGHTEST = 0.02  # requests running on average in an idle replica
_BISECTIONS = 13  # narrows 0.02 … 1024 to 0.2 %


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one replica of each configuration can do.

    `max_rps` is zero where no load meets the targets; `idle` holds the times of an all but idle replica, the best that
    the configuration can do; `bound` names what ends it: "ttft", "tpot", "e2e" or "cache".
    """

    max_rps: Floats
    batch: Floats
    idle: Latency
    bound: np.ndarray[tuple[int, ...], np.dtype[np.str_]]

    @property
    def feasible(self) -> Mask:
        """Rows that meet the targets at some load."""
        return self.max_rps > 0

    def take(self, rows: Rows | Mask) -> "Capacity":
        """Some rows."""
        idle = Latency(self.idle.ttft_ms[rows], self.idle.tpot_ms[rows], self.idle.e2e_ms[rows])
        return Capacity(self.max_rps[rows], self.batch[rows], idle, self.bound[rows])


def batch_limit(grid: Grid, screen: Screen, traffic: TrafficProfile) -> Floats:
    """Largest average batch that cache and engine allow; at least one sequence always runs."""
    held = grid.sequences(traffic.isl.mean + traffic.osl.mean / 2) * CACHE_SHARE
    return np.maximum(np.minimum(held, screen.cost.capacity_full), 1.0)


def capacity(grid: Grid, screen: Screen, traffic: TrafficProfile, wide: Spread) -> Capacity:
    """The largest rate of each configuration at which the percentiles of all targets hold.

    Every time rises with the batch, so bisection along it finds the edge; the rate follows from the batch in closed
    form.
    """
    return capacity_within(batch_limit(grid, screen, traffic), screen, traffic, wide)


def capacity_within(top: Floats, screen: Screen, traffic: TrafficProfile, wide: Spread) -> Capacity:
    """The same when the average batch of each configuration may reach `top`."""
    targets, cost, osl = traffic.targets, screen.cost, screen.osl
    low = np.full_like(osl, _LIGHTEST)
    idle = latency(cost, osl, low, wide, targets.e2e_basis)
    feasible = _holds(idle, targets)
    at_top = _holds(latency(cost, osl, top, wide, targets.e2e_basis), targets)
    high = np.where(feasible, top, low)
    rows = np.flatnonzero(feasible & ~at_top)  # the others are decided
    some, length, under, over = cost.take(rows), osl[rows], low[rows], high[rows]
    for _ in range(_BISECTIONS):
        middle = np.sqrt(under * over)
        holds = _holds(latency(some, length, middle, wide, targets.e2e_basis), targets)
        under, over = np.where(holds, middle, under), np.where(holds, over, middle)
    low[rows], high[rows] = under, over
    batch = np.where(at_top, top, low)
    rate = np.where(feasible, rate_rps(cost, osl, batch), 0.0)
    return Capacity(rate, batch, idle, _bound(latency(cost, osl, high, wide, targets.e2e_basis), targets, at_top))


def _holds(times: Latency, targets: Targets) -> Mask:
    within: Mask = (
        (times.ttft_ms <= targets.ttft_ms) & (times.tpot_ms <= targets.tpot_ms) & (times.e2e_ms <= targets.e2e_ms)
    )
    return within


def _bound(beyond: Latency, targets: Targets, at_top: Mask) -> np.ndarray[tuple[int, ...], np.dtype[np.str_]]:
    over = np.stack([
        beyond.ttft_ms / targets.ttft_ms,
        beyond.tpot_ms / targets.tpot_ms,
        beyond.e2e_ms / targets.e2e_ms,
    ])  # fmt: skip
    return np.where(at_top, "cache", np.array(["ttft", "tpot", "e2e"])[over.argmax(axis=0)])
