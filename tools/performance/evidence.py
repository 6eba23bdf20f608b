"""What a prediction rests on: measured (this very point), interpolated (neighbours named) or modelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tools.performance.estimation import METRICS, Estimate
from tools.performance.points import Floats
from tools.performance.residual import Residual, nearest_points
from tools.performance.rows import Workload

EvidenceKind = Literal["measured", "interpolated", "modelled"]
SAME = 1e-3
NEAR = 1.0
"""Distance up to which a prediction counts as interpolated: twice the load and prompt, or half the model."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A measured point that a prediction leans on; `distance` 0 is this very point. None: unknown."""

    row_id: str
    source: str
    distance: float
    what: str
    output_tok_s: float | None
    ttft_ms: float | None
    tpot_ms: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Kind, the nearest measured points, the distance to the first of them, and what own deployments corrected."""

    kind: EvidenceKind
    neighbours: tuple[Neighbour, ...] = ()
    distance: float = float("inf")
    own: Mapping[str, Any] | None = None


def label(work: Workload) -> tuple[str, ...]:
    """Model, card, precision, engine and number of cards of a workload."""
    configuration = work.configuration
    return (
        configuration.model.model_id,
        configuration.accelerator.gpu_type,
        configuration.quantization,
        configuration.engine,
        f"{configuration.gpu_count * work.replicas:.0f}",
    )


def load_label(work: Workload) -> str:
    """Lengths and load of a workload."""
    load = f"concurrency {work.concurrency:g}" if work.concurrency else work.load
    if work.request_rate_rps:
        load = f"{work.request_rate_rps:g} requests/s"
    return f"isl {work.isl:g} osl {work.osl:g} {load}"


def evidence_kinds(work: Sequence[Workload], answer: Estimate, residual: Residual) -> list[EvidenceKind]:
    """Kind of evidence of every workload."""
    return _kinds(work, answer.correction.distance, residual)


def _kinds(work: Sequence[Workload], distance: Floats, residual: Residual) -> list[EvidenceKind]:
    here = np.flatnonzero(distance < SAME)
    names = _measured_names(residual) if len(here) else frozenset()
    kinds: list[EvidenceKind] = ["modelled" if far else "interpolated" for far in distance > NEAR]
    for at in here.tolist():
        if (*label(work[at]), load_label(work[at])) in names:
            kinds[at] = "measured"
    return kinds


def _measured_names(residual: Residual) -> frozenset[tuple[str, ...]]:
    pairs = np.unique(np.stack([residual.configuration_of, residual.load_of], axis=1), axis=0)
    labels, loads = residual.labels.tolist(), residual.load_labels.tolist()
    return frozenset((*labels[card], loads[load]) for card, load in pairs.tolist())


def evidence_of(work: Workload, answer: Estimate, residual: Residual) -> Evidence:
    """Evidence of the first workload of an estimate, neighbours named."""
    kind = _kinds([work], answer.correction.distance[:1], residual)[0]
    asked = answer.question
    near = nearest_points(residual, asked.configuration[0], asked.load[0], 1 if kind == "modelled" else 3)
    neighbours = tuple(_neighbour(residual, row, distance) for row, distance in near)
    return Evidence(kind, neighbours, round(float(answer.correction.distance[0]), 3))


def _neighbour(residual: Residual, row: int, distance: float) -> Neighbour:
    model, card, precision, engine, cards = residual.labels[residual.configuration_of[row]].tolist()
    values = {
        name: None if np.isnan(value) else float(value)
        for name, value in zip(METRICS, residual.observed[row].tolist(), strict=True)
    }
    return Neighbour(
        row_id=str(residual.row_ids[row]),
        source=str(residual.sources[row]),
        distance=round(distance, 3),
        what=f"{model} {precision} on {cards}x {card}, {engine}, {residual.load_labels[residual.load_of[row]]}",
        output_tok_s=values["output_tok_s"],
        ttft_ms=values["ttft_ms"],
        tpot_ms=values["tpot_ms"],
    )
