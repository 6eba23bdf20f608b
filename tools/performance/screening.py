"""Thousands of configurations at once: arrays of step-cost coefficients, and the load each can carry."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools.performance.calibration import CURRENT_YEAR, Physics, ServingClass, load_physics, serving_class
from tools.performance.configuration import Configuration
from tools.performance.load import at_batch, open_loop, rate_rps
from tools.performance.points import Floats, points
from tools.performance.roofline import Costs, Serving, closed_loop, costs, offline


@dataclass(frozen=True, slots=True)
class Screen:
    """Screened configurations at one pair of lengths; entry i belongs to configuration i. One replica each."""

    cost: Costs
    osl: Floats
    physics: Physics

    def at_concurrency(self, concurrency: Floats) -> Serving:
        """Closed loop."""
        return closed_loop(self.cost, self.osl, concurrency)

    def at_rate(self, request_rate_rps: Floats) -> Serving:
        """Poisson arrivals per replica."""
        return open_loop(self.cost, self.osl, request_rate_rps)

    def offline(self) -> Serving:
        """Offline maximum."""
        return offline(self.cost, self.osl, np.full_like(self.osl, self.physics.constants["occupancy"]))

    def largest_rate_rps(
        self,
        *,
        ttft_ms: float = np.inf,
        tpot_ms: float = np.inf,
        e2e_ms: float = np.inf,
        ttft_ratio: float = 1.0,
        tpot_ratio: float = 1.0,
        e2e_ratio: float = 1.0,
        knots: int = 12,
    ) -> tuple[Floats, Serving]:
        """Largest request rate per replica at which all limits hold, and the serving there; rate 0 where none does.

        A ratio is percentile over mean (`percentile_ratio`). Along the batch size every time rises, so the first
        knot that breaks a limit brackets the answer; two more passes between the knots refine it to about 1 %.
        """
        limits = (ttft_ms / ttft_ratio, tpot_ms / tpot_ratio, e2e_ms / e2e_ratio)
        low = np.full_like(self.osl, 0.02)
        high = np.maximum(self.cost.capacity_full, 0.05)
        feasible = self._holds(low, limits)
        for passes in (knots, 6):
            ratio = (high / low) ** (1 / passes)
            best, worse = low, high
            alive = feasible
            for step in range(1, passes + 1):
                batch = low * ratio**step
                holds = alive & self._holds(batch, limits)
                best = np.where(holds, batch, best)
                worse = np.where(alive & ~holds, batch, worse)
                alive = holds
            low, high = best, np.maximum(worse, best)
        rate = np.where(feasible, rate_rps(self.cost, self.osl, low), 0.0)
        return rate, at_batch(self.cost, self.osl, low)

    def percentile_ratio(self, metric: str, percentile: int) -> float:
        """Percentile over mean of `ttft`, `tpot` or `e2e`; 95 lies between 90 and 99."""
        shape = self.physics.percentiles[metric]
        if percentile == 95:
            return float(np.sqrt(shape["p90"] * shape["p99"]))
        return shape[f"p{percentile}"]

    def _holds(
        self, batch: Floats, limits: tuple[float, float, float]
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        served = at_batch(self.cost, self.osl, batch)
        whole = served.ttft_ms + (self.osl - 1) * served.tpot_ms
        return (served.ttft_ms <= limits[0]) & (served.tpot_ms <= limits[1]) & (whole <= limits[2])


def screen(
    configurations: Sequence[Configuration], *, isl: float, osl: float, physics: Physics | None = None
) -> Screen:
    """Evaluate all `configurations` at mean lengths `isl` and `osl` (tokens)."""
    known = physics or load_physics()
    index: dict[tuple[int, int, str, str], int] = {}
    classes: list[ServingClass] = []
    member_of: list[int] = []
    for each in configurations:
        key = (each.model.kind == "moe", id(each.accelerator), each.quantization, each.engine)
        member = index.setdefault(key, len(classes))
        if member == len(classes):
            classes.append(serving_class(each.model, each.accelerator, each.quantization, each.engine, CURRENT_YEAR))
        member_of.append(member)
    effects = known.effects(classes).take(np.array(member_of, dtype=np.intp))
    count = len(configurations)
    lengths = np.full(count, float(isl)), np.full(count, float(osl))
    return Screen(costs(points(configurations), effects, *lengths), lengths[1], known)
