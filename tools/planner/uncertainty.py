"""How sure a plan is: chances that targets and budget hold, by Monte Carlo over prediction error and demand."""

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from tools.performance.arrivals import batch_at
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.performance.screening import corrected, screen
from tools.planner.engine_settings import screened_with
from tools.planner.grid import Floats
from tools.planner.latency import latency, spread
from tools.planner.network import served
from tools.planner.option import Option
from tools.planner.replicas import HEADROOM
from tools.planner.traffic import TrafficProfile, Z

SAMPLES = 4000
DEMAND_SPREAD = 0.25
"""Standard deviation, in logs, of the peak that comes against the one planned: an assumption, shown as such."""

_HALF_OF_80 = Z[90]  # an 80 % interval ends at the 10th and 90th percentile


@dataclass(frozen=True, slots=True)
class Chances:
    """Probability that each target holds, that all do, and the 80 % interval of the monthly bill."""

    ttft: float
    tpot: float
    e2e: float
    together: float
    within_budget: float | None
    monthly_usd_80: tuple[float, float]

    def to_json(self, traffic: TrafficProfile) -> dict[str, Any]:
        """Chances, and the sentence that tells the first."""
        targets = traffic.targets
        return {
            "ttft": self.ttft,
            "tpot": self.tpot,
            "e2e": self.e2e,
            "together": self.together,
            "within_budget": self.within_budget,
            "monthly_usd_80": list(self.monthly_usd_80),
            "text": f"P(TTFT p{targets.percentile} < {targets.ttft_ms:g} ms) = {self.ttft:.2f}",
            "assumptions": [f"demand varies by {DEMAND_SPREAD:.0%} around the plan (log-normal)", f"{SAMPLES} samples"],
        }


def chances(
    option: Option,
    traffic: TrafficProfile,
    *,
    budget_usd: float | None = None,
    seed: int = 0,
    experience: Experience = NO_EXPERIENCE,
) -> Chances | None:
    """Chances of a self-hosted option with the replicas as planned; None for APIs. The same seed gives the same."""
    each, predicted, replicas = option.configuration, option.predicted, option.replicas
    if each is None or predicted is None or replicas is None:
        return None
    random = np.random.default_rng(seed)
    rows = np.zeros(SAMPLES, dtype=np.intp)
    alone = screen([each], isl=traffic.isl.mean, osl=traffic.osl.mean, residual=experience.residual)
    settings = option.tuned.settings if option.tuned else None
    one = screened_with(corrected(alone, [each], experience), [settings]).take(rows)
    demand = np.exp(DEMAND_SPREAD * random.standard_normal(SAMPLES))
    top = np.full(SAMPLES, float(max(predicted.max_concurrency_per_replica, 1)))
    batch = batch_at(one.cost, one.osl, traffic.peak_qps * demand / replicas, top)
    targets = served(traffic.targets, option.network_ms)
    times = latency(one.cost, one.osl, batch, spread(one, traffic, targets.percentile), targets.e2e_basis)
    ends = {name: end for name, end in predicted.interval_80.items() if end[0] > 0}
    wide = {name: log(high / low) / 2 / _HALF_OF_80 for name, (low, high) in ends.items()}
    first = times.ttft_ms * np.exp(wide.get("ttft_ms", 0.5) * random.standard_normal(SAMPLES))
    step = np.exp(wide.get("tpot_ms", 0.5) * random.standard_normal(SAMPLES))
    end = first + (times.e2e_ms - times.ttft_ms) * step
    saturated = batch >= top * 0.999
    held = {
        "ttft": (first <= targets.ttft_ms) & ~saturated,
        "tpot": (times.tpot_ms * step <= targets.tpot_ms) & ~saturated,
        "e2e": (end <= targets.e2e_ms) & ~saturated,
    }
    bills = _bills(option, demand, traffic)
    low, high = np.quantile(bills, [0.1, 0.9])
    return Chances(
        ttft=round(float(held["ttft"].mean()), 3),
        tpot=round(float(held["tpot"].mean()), 3),
        e2e=round(float(held["e2e"].mean()), 3),
        together=round(float(np.logical_and.reduce(list(held.values())).mean()), 3),
        within_budget=None if budget_usd is None else round(float((bills <= budget_usd).mean()), 3),
        monthly_usd_80=(round(float(low), 2), round(float(high), 2)),
    )


def _bills(option: Option, demand: Floats, traffic: TrafficProfile) -> Floats:
    """Monthly bills when replicas are added for the demand that comes; never fewer than planned."""
    monthly, predicted = option.cost.monthly_usd or 0.0, option.predicted
    if predicted is None or not option.replicas:
        return np.full(len(demand), monthly)
    needed = np.ceil(traffic.peak_qps * demand / (predicted.max_rps_per_replica * (1 - HEADROOM)))
    bills: Floats = monthly * np.maximum(needed + (option.spare_replicas or 0), option.replicas) / option.replicas
    return bills
