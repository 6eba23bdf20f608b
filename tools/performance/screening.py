"""Thousands of configurations at once, as arrays of step-cost coefficients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.performance.calibration import CURRENT_YEAR, Physics, ServingClass, load_physics, serving_class
from tools.performance.configuration import Configuration
from tools.performance.estimation import METRICS
from tools.performance.experience import Experience
from tools.performance.features import PLACE_START, configuration_features, lineage, load_features
from tools.performance.loads import KINDS, Loads
from tools.performance.points import Floats, Points, distinct, points
from tools.performance.residual import Residual, block_corrections, load_residual
from tools.performance.roofline import Costs, Serving, closed_loop, costs

_TIMES = ("ttft_ms", "tpot_ms")
_TYPICAL_RUNNING = 16.0  # batch at which the learned residual is read: one factor per configuration


@dataclass(frozen=True, slots=True)
class Screen:
    """Screened configurations at one pair of lengths; entry i belongs to configuration i. One replica each."""

    cost: Costs
    osl: Floats
    physics: Physics

    def take(self, rows: npt.NDArray[Any]) -> "Screen":
        """The configurations of `rows` (indices or a mask)."""
        return Screen(self.cost.take(rows), self.osl[rows], self.physics)

    def percentile_ratio(self, metric: str, percentile: int) -> float:
        """Percentile over mean of `ttft`, `tpot` or `e2e`; 95 lies between 90 and 99."""
        shape = self.physics.percentiles[metric]
        if percentile == 95:
            return float(np.sqrt(shape["p90"] * shape["p99"]))
        return shape[f"p{percentile}"]


def screen(
    configurations: Sequence[Configuration],
    *,
    isl: float,
    osl: float,
    physics: Physics | None = None,
    residual: Residual | None = None,
) -> Screen:
    """Evaluate all `configurations` at mean lengths `isl` and `osl` (tokens).

    Coefficients carry the residual of a moderate load, one factor per configuration for steps and one for the first
    token; `predict` and `step_cost` follow it along the load.
    """
    constants, learned = physics or load_physics(), residual or load_residual()
    lengths = np.full(len(configurations), float(isl)), np.full(len(configurations), float(osl))
    distinct, member = _classes(configurations)
    where = points(configurations)
    cost = costs(where, constants.effects(distinct).take(member), *lengths)
    asked = _typical(*lengths)
    log = _corrections(where, asked, distinct, member, learned)
    return Screen(_corrected(cost, lengths[1], np.exp(log)), lengths[1], constants)


def corrected(screened: Screen, configurations: Sequence[Configuration], experience: Experience) -> Screen:
    """The same screen with what own deployments taught about its configurations, one by one in their order."""
    if not experience:
        return screened
    factor = np.exp(experience.log_factors(configurations))
    return replace(screened, cost=_corrected(screened.cost, screened.osl, factor))


def _classes(configurations: Sequence[Configuration]) -> tuple[list[ServingClass], npt.NDArray[np.intp]]:
    first, member = distinct(configurations, "model.kind", "accelerator", "quantization", "engine")
    classes = [
        serving_class(each.model, each.accelerator, each.quantization, each.engine, CURRENT_YEAR) for each in first
    ]
    return classes, member


def _typical(isl: Floats, osl: Floats) -> Loads:
    one, none = np.ones_like(isl), np.zeros_like(isl)
    kind = np.full(len(isl), KINDS.index("closed"), dtype=np.intp)
    return Loads(kind, isl, osl, _TYPICAL_RUNNING * one, np.nan * one, one, none, none)


def _corrections(
    where: Points,
    asked: Loads,
    distinct: list[ServingClass],
    member: npt.NDArray[np.intp],
    learned: Residual,
) -> Floats:
    families = np.array([lineage(each.architecture, each.vendor) for each in distinct])[member]
    engines = np.array([each.engine for each in distinct])[member]
    year = np.full(len(member), CURRENT_YEAR)
    features = configuration_features(where, asked, engines=engines, lineages=families, year=year)
    first = np.arange(min(len(member), 1))
    served = Serving(*(np.full(len(first), _TYPICAL_RUNNING) for _ in range(4)))
    load = load_features(asked.take(first), served)
    return block_corrections(learned, features, PLACE_START, load, metrics=[METRICS.index(each) for each in _TIMES])


def _corrected(cost: Costs, osl: Floats, factor: Floats) -> Costs:
    """Costs whose first tokens and steps carry `factor` (points × TTFT and TPOT)."""
    first, step = factor.T
    stepped = replace(
        cost,
        other_ms=cost.other_ms * step,
        expert_ms=cost.expert_ms * step,
        flop_ms=cost.flop_ms * step,
        fixed_ms=cost.fixed_ms * step,
        sequence_ms=cost.sequence_ms * step,
        cache_ms=cost.cache_ms * step,
        prefill_ms=cost.prefill_ms * step,
    )
    typical = np.minimum(np.full_like(osl, _TYPICAL_RUNNING), cost.capacity)
    wanted = closed_loop(cost, osl, typical).ttft_ms * first
    return replace(stepped, first=stepped.first * wanted / closed_loop(stepped, osl, typical).ttft_ms)
