"""A step cost from measurements: the four numbers that make the simulation agree with what was measured.

`decode(batch) = intercept + slope · batch`, prefill per token and fixed time per request are searched for (downhill
simplex on their logarithms) so that simulated mean TTFT and TPOT come closest to the measured ones; the
slope holds what the KV cache costs. One replica, arrivals as measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge.errors import BadInput
from tools.performance.step import StepCost
from tools.scheduler import Limits
from tools.simulation.result import SimulationResult
from tools.simulation.simulation import simulate
from tools.simulation.traffic import Traffic, constant

Floats = npt.NDArray[np.float64]

_FARTHEST_BATCH = 1024
_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True)
class Measured:
    """One open-loop measurement of one replica: Poisson arrivals, constant lengths (tokens), mean times (ms)."""

    isl: int
    osl: int
    request_rate_rps: float
    ttft_mean_ms: float | None
    tpot_mean_ms: float | None
    requests: int = 500


def linear_cost(
    intercept_ms: float,
    slope_ms: float,
    prefill_ms_per_token: float,
    request_ms: float,
) -> StepCost:
    """A step cost whose decode time is a straight line in the batch, whatever is cached."""
    return StepCost(
        batch_knots=(1, _FARTHEST_BATCH),
        decode_ms_at_knots=(intercept_ms + slope_ms, intercept_ms + slope_ms * _FARTHEST_BATCH),
        kv_ms_per_token=0.0,
        prefill_ms_per_token=prefill_ms_per_token,
        request_ms=request_ms,
    )


def replay(cost: StepCost, limits: Limits, point: Measured, *, seed: int) -> SimulationResult:
    """Simulate the run that was measured."""
    traffic = Traffic(point.request_rate_rps, constant(point.isl), constant(point.osl))
    return simulate(cost, limits, traffic, 1, seed, requests=point.requests)


def calibrate(
    points: Sequence[Measured],
    limits: Limits,
    *,
    seeds: Sequence[int] = (0,),
    trials: int = 200,
) -> StepCost:
    """The step cost that fits `points` best, in mean absolute logarithm of predicted over measured."""
    tpots = [point.tpot_mean_ms for point in points if point.tpot_mean_ms]
    ttfts = [point.ttft_mean_ms for point in points if point.ttft_mean_ms]
    if not tpots or not ttfts:
        raise BadInput("calibration needs measured TTFT and TPOT", field="benchmarks")
    isl = float(np.mean([point.isl for point in points]))

    def cost_at(place: Floats) -> StepCost:
        intercept, slope, prefill, fixed = np.exp(place)
        return linear_cost(intercept, slope, prefill, fixed)

    def misfit(place: Floats) -> float:
        cost = cost_at(place)
        errors = []
        for point in points:
            for seed in seeds:
                run = replay(cost, limits, point, seed=seed)
                if point.ttft_mean_ms:
                    errors.append(abs(np.log(run.ttft_ms.mean / point.ttft_mean_ms)))
                if point.tpot_mean_ms and point.osl > 1:
                    errors.append(abs(np.log(run.tpot_ms.mean / point.tpot_mean_ms)))
        return float(np.mean(np.minimum(errors, 1.0)))  # bounded, so that one point past saturation cannot rule all

    fastest, first = min(tpots), min(ttfts)
    left = max(first - fastest, 0.2 * first)
    start = np.log(np.array([0.9 * fastest, 0.01 * fastest, 0.5 * left / isl, 0.4 * left]) + _SMALLEST)
    return cost_at(_downhill(misfit, start, trials))


def _downhill(function: Callable[[Floats], float], start: Floats, trials: int) -> Floats:
    """Nelder and Mead's simplex search (The Computer Journal 7, 1965), with their coefficients."""
    places = [start, *(start + 0.4 * direction for direction in np.eye(len(start)))]
    simplex = sorted(((function(place), place) for place in places), key=lambda pair: pair[0])
    spent = len(simplex)
    while spent < trials:
        worst, others = simplex[-1], np.mean([place for _, place in simplex[:-1]], axis=0)
        reach = 1.0
        tried = others + (others - worst[1])
        value = function(tried)
        if value < simplex[0][0]:
            reach = 2.0
        elif value >= simplex[-2][0]:
            reach = 0.5 if value < worst[0] else -0.5
        if reach != 1.0:
            other = others + reach * (others - worst[1])
            other_value = function(other)
            spent += 1
            if other_value < value:
                tried, value = other, other_value
        spent += 1
        if value < worst[0]:
            simplex[-1] = (value, tried)
        else:  # nothing helped: shrink towards the best
            best = simplex[0][1]
            closer = [best + 0.5 * (place - best) for _, place in simplex[1:]]
            simplex[1:] = [(function(place), place) for place in closer]
            spent += len(closer)
        simplex.sort(key=lambda pair: pair[0])
    return simplex[0][1]
