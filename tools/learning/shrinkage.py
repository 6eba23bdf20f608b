"""Shrinkage: what noisy comparisons of measured with predicted say about how far predictions are off.

The logarithm of measured over predicted, y, is taken as b + s + e: predictions for a model, accelerator and engine are
off by b wherever one looks, by s more or less at this load, and the load test has the error e.

    b ~ N(0, share·P²)      s ~ N(0, (1 − share)·P² + R²)      e ~ N(0, E²)

P is the spread of the prediction (from its 80 % interval), `share` the part of P² that is the same at every load, R the
spread between runs, E the standard error of the measurement. With v the variance of s + e of each comparison, the best
estimate of b is the mean of its posterior (Gelman et al., Bayesian Data Analysis, 3rd edition, 5.4):

    b = sum(y / v) / (1 / (share·P²) + sum(1 / v))      its variance = 1 / (1 / (share·P²) + sum(1 / v))

A comparison further than three of its standard deviations from the median of all counts with the weight of a Huber
estimate (Annals of Mathematical Statistics 35, 1964), so that one odd run among many moves little.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

BETWEEN_RUNS_SD = 0.05
"""Spread of the log of a mean between runs of one set-up: where InferenceX ran one more than once with the same engine
version, largest over smallest TPOT is 1.09 at the 90th percentile and 1.20 at the 95th: a spread of 0.037 and 0.066."""
ODD_SIGMAS = 3.0
DRIFT_SIGMAS = 3.0
_Z80 = 1.2816


@dataclass(frozen=True, slots=True)
class Comparison:
    """Measured over predicted; `error_sd` and `predicted_sd` are standard deviations of its logarithm.

    `lasting_share` is the part of the prediction's variance that is the same at every load.
    """

    ratio: float
    error_sd: float
    predicted_sd: float
    lasting_share: float

    @property
    def noise(self) -> float:
        """Variance of the logarithm around what predictions are off by everywhere."""
        return (1 - self.lasting_share) * self.predicted_sd**2 + BETWEEN_RUNS_SD**2 + self.error_sd**2


@dataclass(frozen=True, slots=True)
class Correction:
    """Multiply a prediction by `factor`; the true factor lies within `low` and `high` with 80 % probability.

    `raw_factor` is what was seen, before shrinkage; `weight` says how much of it counts, 0 to 1. `drifting`: the newer
    half of the outcomes differs from the older half by more than noise explains: look at what changed before trusting
    either.
    """

    factor: float
    low: float
    high: float
    raw_factor: float
    weight: float
    outcomes: int
    drifting: bool

    @property
    def biased(self) -> bool:
        """Whether even the interval excludes that predictions are right."""
        return not self.low <= 1.0 <= self.high


def correction(seen: Sequence[Comparison]) -> Correction:
    """What comparisons teach, oldest first. Raises ValueError without any: then nothing is known."""
    if not seen:
        raise ValueError("a correction needs a comparison")
    logs = [math.log(each.ratio) for each in seen]
    middle = median(logs)
    precisions = [_precision(log - middle, each.noise) for log, each in zip(logs, seen, strict=True)]
    believed = 1 / fmean(each.lasting_share * each.predicted_sd**2 for each in seen)
    said = sum(precisions)
    mean = sum(log * precision for log, precision in zip(logs, precisions, strict=True)) / said
    weight = said / (believed + said)
    spread = _Z80 / math.sqrt(believed + said)
    return Correction(
        factor=math.exp(weight * mean),
        low=math.exp(weight * mean - spread),
        high=math.exp(weight * mean + spread),
        raw_factor=math.exp(mean),
        weight=weight,
        outcomes=len(seen),
        drifting=_drifting(logs, [1 / each.noise for each in seen]),
    )


def _precision(distance: float, noise: float) -> float:
    """1 / variance, less for what lies far from the others."""
    sigmas = abs(distance) / math.sqrt(noise)
    return min(1.0, ODD_SIGMAS / sigmas) / noise if sigmas else 1 / noise


def _drifting(logs: Sequence[float], precisions: Sequence[float]) -> bool:
    half = len(logs) // 2
    if half < 2:
        return False
    older, newer = slice(None, len(logs) - half), slice(len(logs) - half, None)
    error = math.sqrt(1 / sum(precisions[older]) + 1 / sum(precisions[newer]))
    return abs(fmean(logs[newer]) - fmean(logs[older])) > DRIFT_SIGMAS * error
