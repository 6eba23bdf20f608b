"""What outcomes teach: how far measurements lie from predictions for a model, accelerator and engine.

How much one load test counts follows from the spread of the prediction and the error of the measurement
(`shrinkage.py`). Simulated and real engines have different names and never mix. A prediction that was corrected
already counts as it was before, so that learning does not unlearn itself.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.learning.shrinkage import Comparison, Correction, correction

if TYPE_CHECKING:  # planning reads corrections alone: the store of records need not be loaded
    from knowledge.records import Measure, Outcome

MOST_FAILED = 0.05
LEAST_SERVED = 0.8
"""Share of the offered rate that must have been served; below it times are those of a growing queue."""
METRICS = ("ttft_ms", "tpot_ms", "e2e_ms")
PREDICTED_SD = {"ttft_ms": 0.49, "tpot_ms": 0.23, "e2e_ms": 0.23}
"""Spread of the log of measured over predicted where the outcome does not tell the interval of its prediction: that of
pairs of model and accelerator which the latency model has not seen, in its cross-validation."""
LASTING_SHARE = {"ttft_ms": 0.58, "tpot_ms": 0.72, "e2e_ms": 0.72}
"""How much of that variance all loads of such a pair share (both: `python -m evals.benchmarks.learning`)."""
_Z95 = 1.959964
_STATISTICS = ("p50", "mean", "p90")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a correction is for."""

    model_id: str
    gpu_type: str
    engine: str
    metric: str


def corrections(outcomes: "Iterable[Outcome]") -> Mapping[Subject, Correction]:
    """A correction for every model, accelerator, engine and metric that outcomes speak of."""
    seen: dict[Subject, list[Comparison]] = {}
    for outcome in sorted(outcomes, key=lambda entry: (entry.measured_at, entry.outcome_id)):
        for metric in METRICS:
            found = comparison(outcome, metric)
            if found is not None and outcome.gpu_type is not None and teaches(outcome):
                subject = Subject(outcome.model_id, outcome.gpu_type, outcome.engine, metric)
                seen.setdefault(subject, []).append(found)
    return {subject: correction(found) for subject, found in seen.items()}


def teaches(outcome: "Outcome") -> bool:
    """Whether its times are those of the latency model's steady state: hardly a failure, and no growing queue."""
    served, offered = (outcome.report.get(name) for name in ("achieved_rps", "request_rate_rps"))
    keeps_up = not (isinstance(served, int | float) and isinstance(offered, int | float)) or (
        served >= LEAST_SERVED * offered
    )
    return keeps_up and outcome.errors <= MOST_FAILED * outcome.requests


def comparison(outcome: "Outcome", metric: str) -> Comparison | None:
    """Measured over predicted at the steadiest statistic that has both, with how sure either is."""
    found: dict[str, Measure] = {entry.statistic: entry for entry in outcome.measures if entry.metric == metric}
    for statistic in _STATISTICS:
        entry = found.get(statistic)
        if entry is not None and entry.measured and entry.predicted and min(entry.measured, entry.predicted) > 0:
            return Comparison(
                ratio=entry.measured
                / entry.predicted
                * _told(outcome, f"{metric.removesuffix('_ms')}_correction", 1.0),
                error_sd=_error_sd(entry, outcome.requests),
                predicted_sd=_told(outcome, f"{metric.removesuffix('_ms')}_log_sd", PREDICTED_SD[metric]),
                lasting_share=LASTING_SHARE[metric],
            )
    return None


def _error_sd(entry: "Measure", requests: int) -> float:
    """Standard error of a measurement's log: from its 95 % interval, else as of times that vary like their mean."""
    if entry.low and entry.high and entry.low > 0:
        return math.log(max(entry.high / entry.low, 1.0)) / (2 * _Z95)
    return 1 / math.sqrt(max(requests, 1))


def _told(outcome: "Outcome", name: str, default: float) -> float:
    """A positive number that the outcome's prediction holds, such as the factor by which it was corrected already."""
    predicted = outcome.report.get("predicted")
    known = predicted.get(name) if isinstance(predicted, Mapping) else None
    return float(known) if isinstance(known, int | float) and math.isfinite(known) and known > 0 else default
