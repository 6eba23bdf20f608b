"""How many replicas: the peak with headroom, and spares so that failures leave enough of them."""

from functools import lru_cache
from math import comb

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

_MOST = 4096


def needed(peak_rps: float, max_rps: Floats) -> Integers:
    """Replicas that carry the peak with headroom; zero where a replica carries nothing."""
    usable = max_rps * (1 - HEADROOM)
    count = np.ceil(np.where(usable > 0, peak_rps / np.where(usable > 0, usable, 1.0), 0.0) - 1e-9)
    replicas: Integers = np.where(usable > 0, np.maximum(count, 1), 0).astype(np.int64)
    return replicas


def with_spares(replicas: Integers, reliability_percent: float, supply: str) -> Integers:
    """Replicas so that the needed ones are up for the share of time that the reliability target states."""
    total = replicas.copy()
    for count in np.unique(replicas):
        if 0 < count <= _MOST:
            total[replicas == count] += spares(int(count), reliability_percent, AVAILABILITY[supply])
        elif count:
            total[replicas == count] += int(np.ceil(count * (1 - AVAILABILITY[supply]) * 2))
    return total


@lru_cache(maxsize=65536)
def spares(count: int, reliability_percent: float, availability: float) -> int:
    """Fewest spares with ``P(at least count of count + spares are up) ≥ target``, replicas failing independently."""
    extra = 0
    while _up(count, count + extra, availability) < reliability_percent / 100:
        extra += 1
    return extra


def _up(count: int, total: int, availability: float) -> float:
    """Chance that at most ``total - count`` of `total` replicas are down."""
    down = 1 - availability
    return sum(
        comb(total, failed) * down**failed * availability ** (total - failed) for failed in range(total - count + 1)
    )
