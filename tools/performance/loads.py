"""Loads as arrays, and the serving of every point under its own kind of load."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.performance.arrivals import open_loop
from tools.performance.calibration import CURRENT_YEAR, Physics, ServingClass, serving_class
from tools.performance.points import Floats, Points
from tools.performance.roofline import (
    Costs,
    Effects,
    Serving,
    closed_loop,
    costs,
    disaggregated,
    offline,
    static_batch,
)
from tools.performance.rows import Workload

KINDS = ("closed", "static", "burst", "open", "offline", "server", "interactive")


@dataclass(frozen=True, slots=True)
class Loads:
    """What is asked of each point. Rates and concurrency are those of one replica; NaN: not given."""

    kind: npt.NDArray[np.intp]  # index into KINDS
    isl: Floats
    osl: Floats
    concurrency: Floats
    request_rate_rps: Floats
    replicas: Floats
    prefill_gpus: Floats  # of one decode replica's share; 0: prompts run on the replica itself
    prefill_tensor: Floats

    def take(self, rows: npt.NDArray[Any]) -> "Loads":
        """The loads of `rows`."""
        return Loads(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def loads(work: Sequence[Workload]) -> Loads:
    """Arrays of workloads."""
    numbers = np.array(
        [
            (
                each.isl,
                each.osl,
                np.nan if each.concurrency is None else each.concurrency / each.replicas,
                np.nan if each.request_rate_rps is None else each.request_rate_rps / each.replicas,
                each.replicas,
                each.prefill_gpus / each.replicas,
                each.prefill_tensor,
            )
            for each in work
        ],
        dtype=np.float64,
    ).reshape(-1, 7)
    return Loads(np.array([KINDS.index(each.load) for each in work], dtype=np.intp), *numbers.T)


def classes(work: Sequence[Workload]) -> tuple[list[ServingClass], npt.NDArray[np.intp]]:
    """Distinct serving classes, and which of them each workload belongs to."""
    index: dict[ServingClass, int] = {}
    member = [
        index.setdefault(
            serving_class(
                each.configuration.model,
                each.configuration.accelerator,
                each.configuration.quantization,
                each.configuration.engine,
                CURRENT_YEAR if each.year is None else each.year,
            ),
            len(index),
        )
        for each in work
    ]
    return list(index), np.array(member, dtype=np.intp)


def serve(where: Points, effects: Effects, load: Loads, physics: Physics) -> tuple[Costs, Serving]:
    """Costs and serving of one replica of every point, by the roofline alone."""
    cost = costs(where, effects, load.isl, load.osl)
    result = Serving(*(np.zeros(len(cost)) for _ in fields(Serving)))
    pools = load.prefill_gpus > 0
    for number, kind in enumerate(KINDS):
        rows = np.flatnonzero((load.kind == number) & ~pools)
        if len(rows):
            _fill(result, rows, _serve_kind(kind, cost.take(rows), load.take(rows), physics))
    rows = np.flatnonzero(pools)
    if len(rows):
        _fill(result, rows, _serve_pools(where.take(rows), effects.take(rows), cost.take(rows), load.take(rows)))
    return cost, result


def _fill(result: Serving, rows: npt.NDArray[np.intp], part: Serving) -> None:
    for field in fields(Serving):
        getattr(result, field.name)[rows] = getattr(part, field.name)


def _serve_kind(kind: str, cost: Costs, load: Loads, physics: Physics) -> Serving:
    if kind in ("closed", "burst"):
        return closed_loop(cost, load.osl, load.concurrency, burst=kind == "burst")
    if kind == "static":
        return static_batch(cost, load.osl, load.concurrency)
    if kind == "open":
        return open_loop(cost, load.osl, load.request_rate_rps)
    fill = physics.constants["occupancy"] * physics.constants.get(f"{kind}_fill", 1.0)
    return offline(cost, load.osl, np.full_like(load.osl, fill))


def _serve_pools(where: Points, effects: Effects, cost: Costs, load: Loads) -> Serving:
    tensor = np.maximum(load.prefill_tensor, 1.0)
    pool = replace(where, tensor=tensor, pipeline=np.ones_like(tensor), data=np.ones_like(tensor))
    prompt = costs(pool, effects, load.isl, load.osl).prefill_ms
    concurrency = np.where(np.isnan(load.concurrency), cost.capacity, load.concurrency)
    servers = np.maximum(load.prefill_gpus / tensor, 1e-3)
    return disaggregated(cost, load.osl, concurrency, prompt_ms=prompt, prompt_servers=servers)
