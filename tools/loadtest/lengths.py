"""Token counts drawn from a distribution that is known by its mean and three percentiles."""

import math
from collections.abc import Callable
from random import Random
from statistics import NormalDist

from knowledge.facts import Lengths

_NORMAL = NormalDist()
_Z90, _Z99 = _NORMAL.inv_cdf(0.9), _NORMAL.inv_cdf(0.99)


def fixed(tokens: float) -> Lengths:
    """Every request alike."""
    return Lengths(mean=tokens, p50=tokens, p90=tokens, p99=tokens)


def quantile_function(lengths: Lengths) -> Callable[[float], float]:
    """Standard normal score -> token count, through p50, p90 and p99: log-normal in pieces.

    Below the median, where nothing is given, the spread is the one in [0, 3] (in log units) that brings the mean
    nearest to the given one.
    """
    upper = math.log(max(lengths.p90, lengths.p50) / lengths.p50) / _Z90
    tail = math.log(max(lengths.p99, lengths.p90) / max(lengths.p90, lengths.p50)) / (_Z99 - _Z90)

    def tokens_at(score: float, lower: float) -> float:
        if score <= 0:
            return lengths.p50 * math.exp(lower * score)
        if score <= _Z90:
            return lengths.p50 * math.exp(upper * score)
        return max(lengths.p90, lengths.p50) * math.exp(tail * (score - _Z90))

    if upper == tail == 0:
        return lambda _: lengths.p50
    scores = [_NORMAL.inv_cdf((step + 0.5) / 400) for step in range(400)]
    spreads = [step / 20 for step in range(61)]
    nearest = min(spreads, key=lambda lower: abs(sum(tokens_at(z, lower) for z in scores) / 400 - lengths.mean))
    return lambda score: tokens_at(score, nearest)


def sampler(lengths: Lengths, random: Random, *, most: int) -> Callable[[], int]:
    """Draws token counts of at least 1 and at most `most`."""
    quantile = quantile_function(lengths)
    return lambda: max(1, min(most, round(quantile(random.gauss(0, 1)))))
