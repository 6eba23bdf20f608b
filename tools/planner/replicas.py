"""How many replicas: the peak with headroom, and spares so that failures leave enough of them."""

from functools import lru_cache

import numpy as np

from tools.planner.grid import Floats, Integers

HEADROOM = 0.15
"""Share of a replica's capacity that stays free at the planned peak, for prediction error and bursts of seconds."""

AVAILABILITY = {
    "on_demand": 0.995,
    "reserved_1y": 0.995,
    "reserved_3y": 0.995,
    "spot": 0.95,
    "market": 0.95,
    "owned": 0.99,
}
"""Share of time that one replica serves. On demand: the single-instance SLA of large clouds (99.5 %); spot and
marketplaces: a day and a half a month without the machine; owned: one day of repair a quarter. Assumptions."""

MOST = 4096
"""Replicas beyond which a candidate is not offered: that many single replicas are a sign of too small a machine."""


def needed(peak_rps: float, max_rps: Floats) -> Integers:
    """Replicas that carry the peak with headroom; zero where a replica carries nothing."""
    usable = max_rps * (1 - HEADROOM)
    count = np.ceil(np.where(usable > 0, peak_rps / np.where(usable > 0, usable, 1.0), 0.0) - 1e-9)
    replicas: Integers = np.where(usable > 0, np.maximum(count, 1), 0).astype(np.int64)
    return replicas


def sizing(average_rps: float, peak_rps: float, max_rps: float, replicas: int, supply: str) -> dict[str, float]:
    """Where a number of replicas comes from: those for the average and the peak, spares, and what was assumed."""
    average, peak = (int(needed(rate, np.array([max_rps]))[0]) for rate in (average_rps, peak_rps))
    return {
        "average_replicas": average,
        "peak_replicas": peak,
        "spare_replicas": replicas - peak,
        "headroom": HEADROOM,
        "replica_availability": AVAILABILITY[supply],
    }


def with_spares(replicas: Integers, reliability_percent: float, supply: str) -> Integers:
    """Replicas so that the needed ones are up for the share of time that the reliability target states."""
    total = replicas.copy()
    for count in np.unique(replicas).tolist():
        if count:
            total[replicas == count] += spares(min(count, MOST), reliability_percent, AVAILABILITY[supply])
    return total


@lru_cache(maxsize=65536)
def spares(count: int, reliability_percent: float, availability: float) -> int:
    """Fewest spares with ``P(at least count of count + spares are up) ≥ target``, replicas failing independently."""
    extra = 0
    while _up(count + extra, extra, availability) < reliability_percent / 100:
        extra += 1
    return extra


def _up(total: int, down_allowed: int, availability: float) -> float:
    """Chance that at most `down_allowed` of `total` replicas are down: a sum of binomial terms, each from the last."""
    term = availability**total
    chance = term
    for failed in range(down_allowed):
        term *= (total - failed) / (failed + 1) * (1 - availability) / availability
        chance += term
    return chance
