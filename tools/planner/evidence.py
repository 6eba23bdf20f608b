"""What the predictions of the shown options rest on, and how wide they are: one look-up for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from tools.performance.calibration import load_physics
from tools.performance.configuration import Configuration
from tools.performance.estimation import METRICS, Estimate, estimate
from tools.performance.evidence import evidence_kinds
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.performance.prediction import workload
from tools.performance.residual import Residual, nearest_points
from tools.performance.rows import Workload
from tools.planner.traffic import TrafficProfile

NEIGHBOURS = 3
"""Measured points that are named beside an interpolated prediction; a modelled one names the nearest."""


Asked = tuple[Configuration, float]
"""A configuration and the requests a second that one replica of it gets."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """Evidence of one prediction. `widths` are factors: 80 % of measurements lie within mean ÷ and × the factor."""

    widths: Mapping[str, float]
    evidence: Mapping[str, Any]


def widths(asked: Sequence[Asked], traffic: TrafficProfile, experience: Experience) -> list[dict[str, float]]:
    """How wide the predictions of configurations are, each under its own request rate per replica."""
    _, answer = _estimated(asked, traffic, experience)
    return [_widths(answer, at) for at in range(len(asked))]


def grounds(asked: Sequence[Asked], traffic: TrafficProfile, experience: Experience = NO_EXPERIENCE) -> list[Grounds]:
    """Evidence of configurations, each under its own request rate per replica."""
    if not asked:
        return []
    learned = experience.learned
    work, answer = _estimated(asked, traffic, experience)
    kinds = evidence_kinds(work, answer, learned)
    return [
        Grounds(
            _widths(answer, at),
            {
                "kind": kind,
                "distance": round(float(answer.correction.distance[at]), 3),
                "neighbours": _neighbours(learned, answer, at, 1 if kind == "modelled" else NEIGHBOURS),
                **_own(experience, asked[at][0]),
            },
        )
        for at, kind in enumerate(kinds)
    ]


def _estimated(
    asked: Sequence[Asked], traffic: TrafficProfile, experience: Experience
) -> tuple[list[Workload], Estimate]:
    work = [workload(each, isl=traffic.isl.mean, osl=traffic.osl.mean, request_rate_rps=rate) for each, rate in asked]
    return work, estimate(work, load_physics(), experience.learned)


def _widths(answer: Estimate, at: int) -> dict[str, float]:
    return {name: exp(float(answer.half_width[at, column])) for column, name in enumerate(METRICS)}


def _own(experience: Experience, configuration: Configuration) -> dict[str, Any]:
    known = experience.evidence(configuration)
    return {"own": known} if known else {}


def _neighbours(learned: Residual, answer: Estimate, at: int, count: int) -> list[dict[str, Any]]:
    """The nearest measured points by name."""
    asked = answer.question
    return [
        {
            "row_id": str(learned.row_ids[row]),
            "source": str(learned.sources[row]),
            "distance": round(distance, 3),
            "what": " ".join([
                *learned.labels[learned.configuration_of[row]].tolist(), str(learned.load_labels[learned.load_of[row]])
            ]),
        }
        for row, distance in nearest_points(learned, asked.configuration[at], asked.load[at], count)
    ]  # fmt: skip
