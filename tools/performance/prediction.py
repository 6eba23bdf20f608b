"""The answer for one configuration: times with percentiles, rates, interval, evidence; and its step cost.

What was measured is noisy, so a curve through it may dip. Predictions are therefore read from a grid of loads and
prompt lengths on which every time is raised to the highest before it: more load or a longer prompt never looks faster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, floor, inf, log2

import numpy as np

from knowledge.errors import BadInput
from tools.performance.calibration import CURRENT_YEAR, Physics, load_physics
from tools.performance.configuration import Configuration
from tools.performance.estimation import METRICS, Estimate, estimate
from tools.performance.evidence import Evidence, evidence_of
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.performance.points import Floats
from tools.performance.residual import Residual, load_residual
from tools.performance.roofline import decode_ms, step_ms
from tools.performance.rows import Workload
from tools.performance.step import StepCost

KNOTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_LEAST = {"concurrency": 1.0, "request_rate_rps": 2.0**-7}
_SHORTEST_PROMPT = 16.0
_LONGEST = 1e7


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Mean and percentiles of one time, in milliseconds."""

    mean: float
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """One replica under one load. Intervals hold 80 % of measurements at this distance from data.

    `running` is how many sequences the replica works on, `max_concurrency` how many its cache holds at full length;
    `saturated`: more is asked than the replica can serve at once, so requests queue.
    """

    ttft_ms: Percentiles
    tpot_ms: Percentiles
    e2e_ms: Percentiles
    output_tok_s: float
    requests_per_s: float
    running: float
    max_concurrency: int
    saturated: bool
    interval_80: Mapping[str, tuple[float, float]]
    evidence: Evidence


def predict(
    configuration: Configuration,
    *,
    isl: float,
    osl: float,
    concurrency: float | None = None,
    request_rate_rps: float | None = None,
    physics: Physics | None = None,
    residual: Residual | None = None,
    experience: Experience = NO_EXPERIENCE,
) -> Prediction:
    """Predict one replica at mean lengths `isl` and `osl` (tokens), under `concurrency` requests always in flight, or
    under Poisson arrivals at `request_rate_rps`, or, with neither, at its offline maximum. `experience`: what own
    deployments taught; times are multiplied by its factors, rates follow, intervals keep their width.

    Raises BadInput for lengths or loads that are not positive, or when both loads are given.
    """
    _check(isl=isl, osl=osl, concurrency=concurrency, request_rate_rps=request_rate_rps)
    constants, learned = physics or load_physics(), residual or experience.learned
    asked = workload(configuration, isl=isl, osl=osl, concurrency=concurrency, request_rate_rps=request_rate_rps)
    grid = _grid(asked)
    answer = estimate([asked, *(each for line in grid for each in line)], constants, learned)
    ttft, tpot = (
        _monotone(getattr(answer, name)[1:], grid, asked) * factor
        for name, factor in zip(("ttft_ms", "tpot_ms"), experience.factors(configuration), strict=True)
    )
    e2e = ttft + (osl - 1) * tpot
    rate = float(answer.output_tok_s[0]) / experience.factors(configuration)[1]
    if concurrency is not None:
        rate = concurrency * osl / e2e * 1e3
    saturated = _saturated(asked, answer)
    if request_rate_rps is not None and not saturated:
        rate = request_rate_rps * osl
    cost = answer.question.cost
    return Prediction(
        ttft_ms=_percentiles(constants, "ttft", ttft),
        tpot_ms=_percentiles(constants, "tpot", tpot),
        e2e_ms=_percentiles(constants, "e2e", e2e),
        output_tok_s=rate,
        requests_per_s=rate / osl,
        running=float(answer.question.served.batch[0]),
        max_concurrency=int(cost.capacity_full[0]),
        saturated=saturated,
        interval_80=_intervals(answer, rate, ttft, tpot),
        evidence=replace(evidence_of(asked, answer, learned), own=experience.evidence(configuration)),
    )


def workload(
    configuration: Configuration,
    *,
    isl: float,
    osl: float,
    concurrency: float | None = None,
    request_rate_rps: float | None = None,
) -> Workload:
    """One replica under a load, as the batch of rows sees it."""
    load = "closed" if concurrency is not None else "open" if request_rate_rps is not None else "offline"
    return Workload(
        configuration=configuration,
        replicas=1.0,
        isl=isl,
        osl=osl,
        load=load,
        concurrency=concurrency,
        request_rate_rps=request_rate_rps,
        year=CURRENT_YEAR,
    )


def step_cost(
    configuration: Configuration,
    *,
    isl: float,
    osl: float,
    residual: Residual | None = None,
) -> StepCost:
    """Iteration time of one replica as simulation and simulator use it, calibrated to the same predictions.

    A closed loop at any knot reproduces the predicted TPOT: its cache and prompt parts are taken out of it.
    """
    _check(isl=isl, osl=osl)
    work = [workload(configuration, isl=isl, osl=osl, concurrency=float(knot)) for knot in KNOTS]
    answer = estimate(work, load_physics(), residual or load_residual())
    cost, batch = answer.question.cost, np.array(KNOTS, dtype=np.float64)
    factor = np.exp(answer.correction.log[:, METRICS.index("tpot_ms")])
    within = factor[batch <= np.maximum(cost.capacity, 1)]
    factor = np.where(batch <= np.maximum(cost.capacity, 1), factor, within[-1])
    cache = float((cost.cache_ms / cost.data)[0] * np.median(within))
    whole = np.maximum.accumulate(step_ms(cost, batch) * factor)
    decode = np.maximum.accumulate(np.maximum(whole - cache * batch, decode_ms(cost, batch) * factor * 0.5))
    prompt = float(cost.prefill_ms[0] / cost.data[0] * np.median(within))
    shared = float(cost.interference[0])
    first = float(answer.ttft_ms[0])
    return StepCost(
        batch_knots=KNOTS,
        decode_ms_at_knots=tuple(decode.tolist()),
        kv_ms_per_token=cache / (isl + osl / 2),
        prefill_ms_per_token=prompt * shared / isl,
        request_ms=max(first - prompt * shared - float(decode[0]), 0.1),
    )


def _check(**values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not 0 < value < _LONGEST:
            raise BadInput(f"{name} must be a positive number below {_LONGEST:.0f}, not {value}", field=name)
    if values.get("concurrency") is not None and values.get("request_rate_rps") is not None:
        raise BadInput("give a concurrency or a request rate, not both", field="concurrency")


def _axis(value: float, least: float) -> list[float]:
    """Half-octaves from `least` up to the first that is not below `value`."""
    if value <= least:
        return [value]
    first, last = floor(2 * log2(least)), ceil(2 * log2(value) - 1e-9)
    return [2 ** (step / 2) for step in range(first, last + 1)]


def _grid(asked: Workload) -> list[list[Workload]]:
    """Workloads of one configuration up to what is asked: load along the lines, prompt length across them."""
    field = next((name for name in _LEAST if getattr(asked, name) is not None), None)
    loads = [{}] if field is None else [{field: each} for each in _axis(getattr(asked, field), _LEAST[field])]
    return [
        [replace(asked, isl=isl, **load) for load in loads]  # type: ignore[arg-type]  # one of two float fields
        for isl in _axis(asked.isl, _SHORTEST_PROMPT)
    ]


def _monotone(values: Floats, grid: list[list[Workload]], asked: Workload) -> float:
    table = np.maximum.accumulate(np.maximum.accumulate(values.reshape(len(grid), -1), axis=0), axis=1)
    lengths = np.log([line[0].isl for line in grid])
    across = np.array([np.interp(np.log(asked.isl), lengths, column) for column in np.log(table.T)])
    field = next((name for name in _LEAST if getattr(asked, name) is not None), None)
    if field is None:
        return float(np.exp(across[-1]))
    loads = np.log([getattr(each, field) for each in grid[0]])
    return float(np.exp(np.interp(np.log(getattr(asked, field)), loads, across)))


def _saturated(asked: Workload, answer: Estimate) -> bool:
    if asked.request_rate_rps is not None:
        return float(answer.question.served.output_tok_s[0]) < asked.request_rate_rps * asked.osl * (1 - 1e-6)
    return (asked.concurrency or inf) > float(answer.question.cost.capacity[0])


def _intervals(answer: Estimate, rate: float, ttft: float, tpot: float) -> dict[str, tuple[float, float]]:
    wide = np.exp(answer.half_width[0])
    middles = {"output_tok_s": rate, "ttft_ms": ttft, "tpot_ms": tpot}
    return {name: (middles[name] / float(wide[at]), middles[name] * float(wide[at])) for at, name in enumerate(METRICS)}


def _percentiles(physics: Physics, metric: str, mean: float) -> Percentiles:
    shape = physics.percentiles[metric]
    return Percentiles(mean, mean * shape["p50"], mean * shape["p90"], mean * shape["p99"])
