"""What can go wrong with an option, in parts between 0 and 1, and together."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from knowledge.facts import Confidence
from tools.planner.grid import Floats, Integers
from tools.planner.offers import PRICE_RISK

INTERRUPTION: Mapping[str, float] = {"spot": 0.15, "market": 0.15}
"""Chance that a machine is taken away within a month: an assumption (spot advisors of large clouds say 5 to 20 %)."""

PEAK_WINDOW_S = 60.0
UNKNOWN_LATENCY = 0.5
"""Prediction risk where nothing is known of the latency, as for APIs."""

WEIGHTS: Mapping[str, float] = {
    "overload": 0.30,
    "failure": 0.20,
    "interruption": 0.20,
    "price": 0.10,
    "prediction": 0.20,
}


@dataclass(frozen=True, slots=True)
class Risk:
    """Parts and their weighted sum; arrays over candidates or plain numbers of one.

    overload: chance that a minute at the peak brings more than the replicas carry within the targets; failure: share
    of the peak that is not carried while one replica is down; interruption: of spot machines; price: that the price
    is not what is billed; prediction: how unsure the predicted times are.
    """

    overload: Floats
    failure: Floats
    interruption: Floats
    price: Floats
    prediction: Floats

    @property
    def total(self) -> Floats:
        """Weighted sum of the parts."""
        total: Floats = sum((weight * getattr(self, name) for name, weight in WEIGHTS.items()), np.zeros(()))
        return total


def overload(peak_rps: float, carried_rps: Floats, interarrival_cv: float) -> Floats:
    """Chance that the arrivals of a peak minute exceed what is carried: normal, variance ``peak × window × cv²``."""
    expected = peak_rps * PEAK_WINDOW_S
    deviation = np.sqrt(expected) * max(interarrival_cv, 0.1)
    over: Floats = _upper_tail((carried_rps * PEAK_WINDOW_S - expected) / deviation)
    return over


def _upper_tail(deviations: Floats) -> Floats:
    """Share of a normal distribution above; logistic approximation, within 0.01 of it."""
    clipped = np.clip(deviations, -9, 9)
    tail: Floats = 1 / (1 + np.exp(0.07056 * clipped**3 + 1.5976 * clipped))
    return tail


def failure(peak_rps: float, max_rps: Floats, replicas: Integers) -> Floats:
    """Share of the peak left uncarried with one replica less."""
    left: Floats = np.clip(1 - (replicas - 1) * max_rps / peak_rps, 0.0, 1.0)
    return left


def prediction_risk(widths: Mapping[str, float]) -> float:
    """How unsure predicted times are, from the factors that 80 % of measurements lie within: 1 − 1 / their mean.

    A TTFT and a TPOT within a factor of 1.1 give 0.09, within one of 2 give 0.5. The mean is the geometric one.
    """
    return 1 - 1 / sqrt(widths["ttft_ms"] * widths["tpot_ms"])


def widths_of(interval_80: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """The factors of given intervals: half of what lies between their ends, in logarithms."""
    return {name: sqrt(high / low) for name, (low, high) in interval_80.items() if low > 0}


def price_risk(confidence: Confidence) -> float:
    """Chance that a price of this confidence is not what is billed."""
    return PRICE_RISK[confidence]
