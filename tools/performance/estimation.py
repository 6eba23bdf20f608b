"""Many points at once: roofline, residual on top, interval. `predict` and `predict --batch` both end here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.performance.calibration import CURRENT_YEAR, Physics
from tools.performance.features import configuration_features, lineage, load_features, years
from tools.performance.loads import KINDS, Loads, classes, loads, serve
from tools.performance.points import Floats, Points, points
from tools.performance.residual import Correction, Residual, corrections
from tools.performance.roofline import Costs, Serving
from tools.performance.rows import Workload

METRICS = ("output_tok_s", "ttft_ms", "tpot_ms")
_MS = 1e3


@dataclass(frozen=True, slots=True)
class Question:
    """Workloads as arrays, with the roofline's answer and the features that the residual compares."""

    points: Points
    loads: Loads
    cost: Costs
    served: Serving
    configuration: Floats
    load: Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """Means per replica, one entry per point; `half_width` is the 80 % interval's, in logs (points × METRICS)."""

    ttft_ms: Floats
    tpot_ms: Floats
    output_tok_s: Floats
    half_width: Floats
    correction: Correction
    question: Question


def question(work: Sequence[Workload], physics: Physics) -> Question:
    """The roofline's answer to `work`."""
    where = points([each.configuration for each in work])
    asked = loads(work)
    distinct, member = classes(work)
    cost, served = serve(where, physics.effects(distinct).take(member), asked, physics)
    cards = [each.configuration.accelerator for each in work]
    families = {id(card): lineage(card.architecture, card.vendor) for card in cards}
    return Question(
        points=where,
        loads=asked,
        cost=cost,
        served=served,
        configuration=configuration_features(
            where,
            asked,
            engines=[each.configuration.engine for each in work],
            lineages=[families[id(card)] for card in cards],
            year=np.array([CURRENT_YEAR if each.year is None else each.year for each in work], dtype=np.float64),
        ),
        load=load_features(asked, served),
    )


def estimate(work: Sequence[Workload], physics: Physics, residual: Residual) -> Estimate:
    """Estimates of all `work`."""
    asked = question(_dated(work, residual), physics)
    correction = corrections(residual, asked.configuration, asked.load)
    factor = np.exp(correction.log)
    served = asked.served
    ttft, tpot = served.ttft_ms * factor[:, 1], served.tpot_ms * factor[:, 2]
    rate = served.output_tok_s * factor[:, 0]
    return Estimate(
        ttft_ms=ttft,
        tpot_ms=tpot,
        output_tok_s=_consistent_rate(asked.loads, rate, ttft, tpot),
        half_width=half_widths(
            residual.widths, correction.distance, np.array([each.complete for each in work], dtype=np.bool_)
        ),
        correction=correction,
        question=asked,
    )


def _dated(work: Sequence[Workload], residual: Residual) -> Sequence[Workload]:
    """Workloads whose engine's age is unknown get that of the measurements of the same engine on the same card."""
    if all(each.year is not None for each in work):
        return work
    measured: dict[tuple[str, str], list[float]] = {}
    for (_, gpu_type, _, engine, _), year in zip(
        residual.labels.tolist(), years(residual.configurations).tolist(), strict=True
    ):
        measured.setdefault((gpu_type, engine), []).append(year)
    usual = {key: float(np.median(known)) for key, known in measured.items()}
    return [
        each
        if each.year is not None
        else replace(
            each,
            year=usual.get((each.configuration.accelerator.gpu_type, each.configuration.engine), CURRENT_YEAR),
        )
        for each in work
    ]


def _consistent_rate(load: Loads, rate: Floats, ttft: Floats, tpot: Floats) -> Floats:
    """In a closed loop the rate follows from the times by Little's law; nothing is served that did not arrive."""
    closed = load.kind == KINDS.index("closed")
    stay = ttft + (load.osl - 1) * tpot
    arriving = np.where(load.kind == KINDS.index("open"), load.request_rate_rps * load.osl, np.inf)
    return np.where(closed, load.concurrency * load.osl / stay * _MS, np.minimum(rate, arriving))


def half_widths(widths: Mapping[str, Any], distance: Floats, complete: npt.NDArray[np.bool_]) -> Floats:
    """Half-width of the 80 % interval in logs (points × METRICS).

    It depends on the distance to the nearest measured point, and on whether every input of the roofline was known.
    """
    known, guessed = (
        np.stack([np.interp(distance, table["distance"], table[metric]) for metric in METRICS], axis=1)
        for table in (widths["complete"], widths["incomplete"])
    )
    return np.asarray(np.where(complete[:, None], known, guessed))
