"""Latency of an option against the load on it: the predictions of planning at every rate, not only the planned one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tools.intent import SloPercentile
from tools.performance.arrivals import batch_at
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.performance.queueing import rate_rps
from tools.performance.screening import corrected, screen
from tools.planner.capacity import CACHE_SHARE
from tools.planner.engine_settings import screened_with
from tools.planner.latency import latency, spread
from tools.planner.network import served
from tools.planner.option import Option
from tools.planner.traffic import Targets, TrafficProfile

POINTS = 60
SHOWN: tuple[SloPercentile, ...] = (50, 90, 99)

_LIGHTEST = 0.01  # of the largest rate: where the curves begin
_BEYOND = 1.35  # times the rate at which a target breaks, or the planned one: where they end

Values = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LoadCurve:
    """Percentiles of TTFT, TPOT and E2E (ms) at each rate (requests per second over all replicas as planned).

    `largest_rps` is the rate up to which every target holds, `full_rps` the one at which cache and slots are full.
    E2E counts what its target counts; `targets` are what the way to the user leaves of them.
    """

    option_id: str
    rate_rps: Values
    ttft_ms: Mapping[int, Values]
    tpot_ms: Mapping[int, Values]
    e2e_ms: Mapping[int, Values]
    planned_rps: float
    largest_rps: float
    full_rps: float
    targets: Targets


def load_curve(option: Option, traffic: TrafficProfile, experience: Experience = NO_EXPERIENCE) -> LoadCurve | None:
    """The curve of a self-hosted option with its replicas as planned; None for APIs."""
    each, predicted, replicas = option.configuration, option.predicted, option.replicas
    if each is None or predicted is None or not replicas:
        return None
    alone = screen([each], isl=traffic.isl.mean, osl=traffic.osl.mean, residual=experience.residual)
    one = screened_with(corrected(alone, [each], experience), [option.tuned.settings if option.tuned else None])
    targets = served(traffic.targets, option.network_ms)
    most = float(max(min(predicted.max_concurrency_per_replica * CACHE_SHARE, one.cost.capacity_full[0]), 1.0))
    full = float(rate_rps(one.cost, one.osl, np.array([most]))[0]) * replicas
    largest = predicted.max_rps_per_replica * replicas
    end = min(full, max(largest, traffic.peak_qps) * _BEYOND)
    rates = np.unique([*np.geomspace(end * _LIGHTEST, end, POINTS), min(traffic.peak_qps, end)])
    rows = one.take(np.zeros(len(rates), dtype=np.intp))
    batch = batch_at(rows.cost, rows.osl, rates / replicas, np.full(len(rates), most))
    times = {
        name: latency(rows.cost, rows.osl, batch, spread(rows, traffic, name), targets.e2e_basis)
        for name in sorted({*SHOWN, targets.percentile})
    }
    return LoadCurve(
        option_id=option.id,
        rate_rps=tuple(rates.tolist()),
        ttft_ms={name: tuple(found.ttft_ms.tolist()) for name, found in times.items()},
        tpot_ms={name: tuple(found.tpot_ms.tolist()) for name, found in times.items()},
        e2e_ms={name: tuple(found.e2e_ms.tolist()) for name, found in times.items()},
        planned_rps=traffic.peak_qps,
        largest_rps=largest,
        full_rps=full,
        targets=targets,
    )
