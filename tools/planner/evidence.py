"""What the predictions of the shown options rest on, and how wide they are: one look-up for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from tools.performance.calibration import load_physics
from tools.performance.configuration import Configuration
from tools.performance.estimation import METRICS, estimate
from tools.performance.evidence import evidence_of
from tools.performance.prediction import workload
from tools.performance.residual import load_residual
from tools.planner.traffic import TrafficProfile


@dataclass(frozen=True, slots=True)
class Grounds:
    """Evidence of one prediction. `widths` are factors: 80 % of measurements lie within mean ÷ and × the factor."""

    widths: Mapping[str, float]
    evidence: Mapping[str, Any]


def grounds(asked: Sequence[tuple[Configuration, float]], traffic: TrafficProfile) -> list[Grounds]:
    """Evidence of configurations, each under its own request rate per replica."""
    if not asked:
        return []
    learned = load_residual()
    work = [workload(each, isl=traffic.isl.mean, osl=traffic.osl.mean, request_rate_rps=rate) for each, rate in asked]
    answer = estimate(work, load_physics(), learned)
    found = []
    for at, each in enumerate(work):
        known = evidence_of(each, answer, learned, at)
        neighbours = [
            {"row_id": near.row_id, "source": near.source, "distance": round(near.distance, 3), "what": near.what}
            for near in known.neighbours[:3]
        ]
        widths = {name: exp(float(answer.half_width[at, column])) for column, name in enumerate(METRICS)}
        found.append(Grounds(widths, {"kind": known.kind, "distance": known.distance, "neighbours": neighbours}))
    return found
