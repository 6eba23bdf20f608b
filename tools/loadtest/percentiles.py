"""Percentiles and their confidence intervals from samples; a failed request counts as infinitely slow."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random
from statistics import fmean, stdev

RESAMPLES = 1000
CONFIDENCE = 0.95
_Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured statistic with its 95 % confidence interval; None stands for "beyond every bound"."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Distribution:
    """What was measured of one metric over `count` requests; the mean is over those that were answered."""

    count: int
    mean: Estimate
    p50: Estimate
    p90: Estimate
    p95: Estimate
    p99: Estimate

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest sample that at least `percent` % of the samples do not exceed."""
    return ordered[_rank(len(ordered), percent)]


def interval(ordered: Sequence[float], percent: float, random: Random) -> tuple[float, float]:
    """Bootstrap interval of a percentile without resampling.

    The k-th smallest of n draws with replacement is the sample at position floor(n·U), where U ~ Beta(k, n-k+1): the
    distribution of the k-th smallest of n uniform numbers. Drawing U is the bootstrap, in O(1) per resample.
    """
    count, k = len(ordered), _rank(len(ordered), percent) + 1
    positions = sorted(min(count - 1, int(count * random.betavariate(k, count - k + 1))) for _ in range(RESAMPLES))
    tail = round(RESAMPLES * (1 - CONFIDENCE) / 2)
    return ordered[positions[tail]], ordered[positions[-1 - tail]]


def distribution(samples: Sequence[float], random: Random) -> Distribution | None:
    """Mean and percentiles of the samples, in any order; None without samples."""
    if not samples:
        return None
    ordered = sorted(samples)

    def estimate(percent: float) -> Estimate:
        low, high = interval(ordered, percent, random)
        return Estimate(_finite(percentile(ordered, percent)), _finite(low), _finite(high))

    return Distribution(len(ordered), _mean(ordered), estimate(50), estimate(90), estimate(95), estimate(99))


def _mean(ordered: Sequence[float]) -> Estimate:
    answered = [sample for sample in ordered if math.isfinite(sample)]
    if not answered:
        return Estimate(None, None, None)
    mean = fmean(answered)
    margin = _Z95 * stdev(answered) / math.sqrt(len(answered)) if len(answered) > 1 else 0.0
    return Estimate(mean, mean - margin, mean + margin)


def _rank(count: int, percent: float) -> int:
    return max(0, min(count - 1, math.ceil(count * percent / 100 - 1e-9) - 1))


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
