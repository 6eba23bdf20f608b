"""The answer for one configuration: times with percentiles, rates, interval, evidence; and its step cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from knowledge.errors import BadInput
from tools.performance.calibration import CURRENT_YEAR, Physics, load_physics, serving_class
from tools.performance.configuration import Configuration
from tools.performance.load import open_loop
from tools.performance.points import points
from tools.performance.roofline import Costs, closed_loop, costs, decode_ms, offline
from tools.performance.step import StepCost

EvidenceKind = Literal["measured", "interpolated", "modelled"]
KNOTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Mean and percentiles of one time, in milliseconds."""

    mean: float
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A measured point that a prediction leans on; `distance` 0 is this very point."""

    row_id: str
    source: str
    distance: float
    output_tok_s: float | None
    ttft_ms: float | None
    tpot_ms: float | None
    differs: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a prediction rests on: measured (this very point), interpolated (neighbours named) or modelled."""

    kind: EvidenceKind
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """One replica under one load. Intervals hold 80 % of measurements at this distance from data."""

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


def replica_costs(configuration: Configuration, *, isl: float, osl: float, physics: Physics | None = None) -> Costs:
    """Coefficients of one configuration (arrays of length one)."""
    known = physics or load_physics()
    member = serving_class(
        configuration.model,
        configuration.accelerator,
        configuration.quantization,
        configuration.engine,
        CURRENT_YEAR,
    )
    return costs(points([configuration]), known.effects([member]), np.array([isl]), np.array([osl]))


def predict(
    configuration: Configuration,
    *,
    isl: float,
    osl: float,
    concurrency: float | None = None,
    request_rate_rps: float | None = None,
    physics: Physics | None = None,
) -> Prediction:
    """Predict one replica at mean lengths `isl` and `osl` (tokens), under `concurrency` requests always in flight, or
    under Poisson arrivals at `request_rate_rps`, or, with neither, at its offline maximum.

    Raises BadInput for lengths or loads that are not positive, or when both loads are given.
    """
    _check(isl=isl, osl=osl, concurrency=concurrency, request_rate_rps=request_rate_rps)
    known = physics or load_physics()
    cost = replica_costs(configuration, isl=isl, osl=osl, physics=known)
    out = np.array([osl], dtype=np.float64)
    saturated = False
    if request_rate_rps is not None:
        served = open_loop(cost, out, np.array([request_rate_rps]))
        saturated = bool(served.output_tok_s[0] < request_rate_rps * osl * (1 - 1e-9))
    elif concurrency is not None:
        served = closed_loop(cost, out, np.array([concurrency], dtype=np.float64))
        saturated = bool(concurrency > cost.capacity[0])
    else:
        served = offline(cost, out, np.array([known.constants["occupancy"]]))
    ttft, tpot = float(served.ttft_ms[0]), float(served.tpot_ms[0])
    rate = float(served.output_tok_s[0])
    e2e = ttft + (osl - 1) * tpot
    wide = float(np.exp(0.45))
    return Prediction(
        ttft_ms=_percentiles(known, "ttft", ttft),
        tpot_ms=_percentiles(known, "tpot", tpot),
        e2e_ms=_percentiles(known, "e2e", e2e),
        output_tok_s=rate,
        requests_per_s=rate / osl,
        running=float(served.batch[0]),
        max_concurrency=int(cost.capacity_full[0]),
        saturated=saturated,
        interval_80={
            "output_tok_s": (rate / wide, rate * wide),
            "ttft_ms": (ttft / wide, ttft * wide),
            "tpot_ms": (tpot / wide, tpot * wide),
        },
        evidence=Evidence("modelled"),
    )


def step_cost(configuration: Configuration, *, isl: float, osl: float, physics: Physics | None = None) -> StepCost:
    """Iteration time of one replica as simulation and simulator use it, calibrated to the same predictions."""
    cost = replica_costs(configuration, isl=isl, osl=osl, physics=physics)
    times = [float(decode_ms(cost, np.array([float(knot)]))[0]) for knot in KNOTS]
    return StepCost(
        batch_knots=KNOTS,
        decode_ms_at_knots=tuple(np.maximum.accumulate(times).tolist()),
        kv_ms_per_token=float(cost.cache_ms[0] / cost.data[0] / (isl + osl / 2)),
        prefill_ms_per_token=float(cost.prefill_ms[0] / cost.data[0] / isl * cost.interference[0]),
        request_ms=float(cost.request_ms[0] + cost.prefill_ms[0] * (1 - cost.interference[0])),
    )


def _check(**values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not (np.isfinite(value) and value > 0):
            raise BadInput(f"{name} must be a positive number, not {value}", field=name)
    if values.get("concurrency") is not None and values.get("request_rate_rps") is not None:
        raise BadInput("give a concurrency or a request rate, not both", field="concurrency")


def _percentiles(physics: Physics, metric: str, mean: float) -> Percentiles:
    shape = physics.percentiles[metric]
    return Percentiles(mean, mean * shape["p50"], mean * shape["p90"], mean * shape["p99"])
