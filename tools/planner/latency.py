"""TTFT, TPOT and E2E percentiles of thousands of configurations, prompts and answers of varying length included.

Means come from the calibrated fixed point (`tools.performance`). A percentile adds two spreads in quadrature: that of
the engine at fixed lengths, which is measured (percentile over mean), and that of the lengths themselves.
"""

from dataclasses import dataclass

import numpy as np

from knowledge.facts import Lengths
from tools.intent import E2eBasis, SloPercentile
from tools.performance.points import Floats
from tools.performance.queueing import at_batch
from tools.performance.roofline import Costs, Serving
from tools.performance.screening import Screen
from tools.planner.profile import PERCEIVED_FACTOR, PERCEIVED_TOKENS, at_percentile
from tools.planner.traffic import TrafficProfile


@dataclass(frozen=True, slots=True)
class Latency:
    """One percentile of each time, in milliseconds; entry i belongs to configuration i."""

    ttft_ms: Floats
    tpot_ms: Floats
    e2e_ms: Floats


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentile over mean: of the engine's times at fixed lengths, and of the lengths."""

    percentile: SloPercentile
    ttft: float
    tpot: float
    isl: float
    osl: float


def spread(screen: Screen, traffic: TrafficProfile, percentile: SloPercentile) -> Spread:
    """Spreads of the traffic at a percentile; never below those of the median."""
    return Spread(
        percentile,
        screen.percentile_ratio("ttft", percentile),
        screen.percentile_ratio("tpot", percentile),
        _ratio(traffic.isl, percentile),
        _ratio(traffic.osl, percentile),
    )


def _ratio(lengths: Lengths, percentile: SloPercentile) -> float:
    return at_percentile(lengths, percentile) / lengths.mean


def latency(cost: Costs, osl: Floats, batch: Floats, wide: Spread, basis: E2eBasis) -> Latency:
    """Percentiles when on average `batch` sequences run in each replica. Every time rises with `batch`."""
    return beyond_means(at_batch(cost, osl, batch), cost, osl, wide, basis)


def beyond_means(mean: Serving, cost: Costs, osl: Floats, wide: Spread, basis: E2eBasis) -> Latency:
    """Percentiles of times whose means are known."""
    ttft = _beyond(mean.ttft_ms, (mean.ttft_ms * (wide.ttft - 1), cost.prefill_ms * (wide.isl - 1)))
    tpot = mean.tpot_ms * wide.tpot
    if basis == "perceived":
        return Latency(ttft, tpot, ttft + PERCEIVED_TOKENS * PERCEIVED_FACTOR * tpot)
    decode = (osl - 1) * mean.tpot_ms
    e2e = _beyond(mean.ttft_ms + decode, (ttft - mean.ttft_ms, decode * (wide.osl - 1), decode * (wide.tpot - 1)))
    return Latency(ttft, tpot, e2e)


def _beyond(mean: Floats, parts: tuple[Floats, ...]) -> Floats:
    """Mean plus independent deviations; below the mean (the median) the deviations add and never reach zero."""
    if all(float(part.max(initial=0.0)) <= 0 for part in parts):
        below: Floats = np.maximum(mean + np.min(parts, axis=0), 0.3 * mean)
        return below
    beyond: Floats = mean + np.sqrt(np.sum(np.square(np.maximum(parts, 0.0)), axis=0))
    return beyond
