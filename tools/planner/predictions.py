"""What the shown options will do at the planned peak: percentiles, utilisation, intervals and evidence, all at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tools.intent import SloPercentile
from tools.performance.queueing import at_batch
from tools.planner.case import Case
from tools.planner.evidence import Grounds, grounds
from tools.planner.field import Field
from tools.planner.grid import Floats, Rows
from tools.planner.latency import Spread, beyond_means, spread
from tools.planner.option import Predicted, Times
from tools.planner.profile import PERCEIVED_FACTOR, PERCEIVED_TOKENS

_AT_TARGET = 0  # stands for the percentile of the targets among the shown ones
_SHOWN: tuple[SloPercentile, ...] = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Placed:
    """Configurations of a field (`rows`) with the batch and the request rate that each of their replicas gets."""

    rows: Rows
    batch: Floats
    rate_rps: Floats
    max_rps: Floats


def predictions(field: Field, placed: Placed, case: Case) -> list[Predicted]:
    """One prediction per entry of `placed`."""
    traffic, some = case.traffic, field.take(placed.rows)
    asked = list(zip(some.grid.configurations(), placed.rate_rps.tolist(), strict=True))
    cost, osl, batch = some.screen.cost, some.screen.osl, placed.batch
    mean = at_batch(cost, osl, batch)
    spreads: dict[int, Spread] = {each: spread(some.screen, traffic, each) for each in _SHOWN}
    spreads[_AT_TARGET] = some.wide
    full = {name: beyond_means(mean, cost, osl, wide, "full") for name, wide in spreads.items()}
    seen = {name: beyond_means(mean, cost, osl, wide, "perceived") for name, wide in spreads.items()}
    read = mean.ttft_ms + PERCEIVED_TOKENS * PERCEIVED_FACTOR * mean.tpot_ms
    ttft = _times(mean.ttft_ms, {name: each.ttft_ms for name, each in full.items()})
    tpot = _times(mean.tpot_ms, {name: each.tpot_ms for name, each in full.items()})
    e2e = _times(mean.ttft_ms + (osl - 1) * mean.tpot_ms, {name: each.e2e_ms for name, each in full.items()})
    perceived = _times(read, {name: each.e2e_ms for name, each in seen.items()})
    held = np.floor(some.grid.sequences(traffic.isl.mean + traffic.osl.mean)).astype(np.int64).tolist()
    max_rps = placed.max_rps.tolist()
    return [
        Predicted(
            ttft_ms=ttft[at],
            tpot_ms=tpot[at],
            e2e_ms=e2e[at],
            perceived_ms=perceived[at],
            e2e_basis=traffic.targets.e2e_basis,
            max_rps_per_replica=round(max_rps[at], 6),
            utilization=round(rate / max_rps[at], 6),
            concurrency_per_replica=round(float(batch[at]), 2),
            max_concurrency_per_replica=held[at],
            bound_by=str(some.capacity.bound[at]),
            interval_80=_intervals(ground, ttft[at].mean, tpot[at].mean, rate * traffic.osl.mean),
            evidence=ground.evidence,
        )
        for at, (ground, (_, rate)) in enumerate(zip(grounds(asked, traffic, case.experience), asked, strict=True))
    ]


def _times(mean: Floats, at: Mapping[int, Floats]) -> Sequence[Times]:
    columns = (mean, at[50], at[90], at[99], at[_AT_TARGET])
    rounded = [np.round(values, 2).tolist() for values in columns]
    return [Times(*values) for values in zip(*rounded, strict=True)]


def _intervals(ground: Grounds, ttft_ms: float, tpot_ms: float, output_tok_s: float) -> dict[str, tuple[float, float]]:
    """80 % intervals of the means."""
    middles = {"ttft_ms": ttft_ms, "tpot_ms": tpot_ms, "output_tok_s": output_tok_s}
    factors = {name: (middle, ground.widths[name]) for name, middle in middles.items()}
    return {name: (round(middle / wide, 3), round(middle * wide, 3)) for name, (middle, wide) in factors.items()}
