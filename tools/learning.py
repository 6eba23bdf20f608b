"""What outcomes teach: how far measurements lie from predictions for a model, accelerator and engine.

The logarithm of measured over predicted is taken as normal: a prior around zero, as wide as the planner's errors on
pairs it has not seen, and a noise per load test. The correction is the mean of the posterior, so one odd run moves
little and many that agree move all the way. Simulated and real engines have different names and never mix. A prediction
that was corrected already counts as it was before, so that learning does not unlearn itself.
"""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from knowledge.facts import Benchmark
from knowledge.files import save_as

if TYPE_CHECKING:  # planning reads corrections alone: the store of records need not be loaded
    from knowledge.records import Measure, Outcome

PRIOR_SD = 0.25
"""Spread of log errors on unseen (model, accelerator) pairs: 18-25 % median absolute error in the planner's tests."""
NOISE_SD = 0.10
"""Spread of the log of a median between repeated load tests of one deployment."""
DRIFT_SIGMAS = 3.0
MOST_FAILED = 0.05
LEAST_SERVED = 0.8
"""Share of the offered rate that must have been served; below it times are those of a growing queue."""
_Z80 = 1.2816
_STATISTICS = ("p50", "mean", "p90")
METRICS = ("ttft_ms", "tpot_ms", "e2e_ms")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a correction is for."""

    model_id: str
    gpu_type: str
    engine: str
    metric: str


@dataclass(frozen=True, slots=True)
class Correction:
    """Multiply a prediction by `factor`; the true factor lies within `low` and `high` with 80 % probability.

    `raw_factor` is the geometric mean of what was seen, before shrinkage. `drifting`: the newer half of the outcomes
    differs from the older half by more than noise explains, so look at what changed before trusting either.
    """

    factor: float
    low: float
    high: float
    raw_factor: float
    outcomes: int
    drifting: bool

    @property
    def biased(self) -> bool:
        """Whether even the interval excludes that predictions are right."""
        return not self.low <= 1.0 <= self.high


def correction(ratios: Sequence[float], *, prior_sd: float = PRIOR_SD, noise_sd: float = NOISE_SD) -> Correction:
    """The correction from measured/predicted ratios, oldest first; without any it is 1, as wide as the prior."""
    logs = [math.log(ratio) for ratio in ratios]
    count, mean = len(logs), fmean(logs) if logs else 0.0
    variance = 1 / (1 / prior_sd**2 + count / noise_sd**2)
    centre, spread = variance * count * mean / noise_sd**2, math.sqrt(variance)
    return Correction(
        factor=math.exp(centre),
        low=math.exp(centre - _Z80 * spread),
        high=math.exp(centre + _Z80 * spread),
        raw_factor=math.exp(mean),
        outcomes=count,
        drifting=_drifting(logs, noise_sd),
    )


def corrections(outcomes: "Iterable[Outcome]") -> Mapping[Subject, Correction]:
    """A correction for every model, accelerator, engine and metric that outcomes speak of."""
    ratios: dict[Subject, list[float]] = {}
    for outcome in sorted(outcomes, key=lambda entry: (entry.measured_at, entry.outcome_id)):
        for metric in METRICS:
            ratio = _ratio(outcome, metric)
            if ratio is not None and outcome.gpu_type is not None and teaches(outcome):
                subject = Subject(outcome.model_id, outcome.gpu_type, outcome.engine, metric)
                ratios.setdefault(subject, []).append(ratio)
    return {subject: correction(found) for subject, found in ratios.items()}


def teaches(outcome: "Outcome") -> bool:
    """Whether its times are those of the latency model's steady state: hardly a failure, and no growing queue."""
    served, offered = (outcome.report.get(name) for name in ("achieved_rps", "request_rate_rps"))
    keeps_up = not (isinstance(served, int | float) and isinstance(offered, int | float)) or (
        served >= LEAST_SERVED * offered
    )
    return keeps_up and outcome.errors <= MOST_FAILED * outcome.requests


def benchmark_of(outcome: "Outcome") -> Benchmark | None:
    """An outcome as a measured point of one replica, named as the person's own; None when the hardware is unknown."""
    if outcome.gpu_type is None or outcome.tensor_parallel is None:
        return None
    measured = {(entry.metric, entry.statistic): entry.measured for entry in outcome.measures}
    return Benchmark(
        row_id=outcome.outcome_id,
        model_id=outcome.model_id,
        arch_model_id=None,
        gpu_type=outcome.gpu_type,
        gpu_count=outcome.tensor_parallel,
        tensor_parallel=outcome.tensor_parallel,
        pipeline_parallel=None,
        data_parallel=None,
        expert_parallel=None,
        quantization=outcome.quantization,
        engine=outcome.engine,
        engine_version=None,
        serving_mode="agg",
        load_kind="open-loop",
        isl=outcome.isl_mean,
        osl=outcome.osl_mean,
        concurrency=None,
        request_rate_rps=outcome.request_rate_rps,
        ttft_mean_ms=measured.get(("ttft_ms", "mean")),
        ttft_p50_ms=measured.get(("ttft_ms", "p50")),
        ttft_p90_ms=measured.get(("ttft_ms", "p90")),
        ttft_p99_ms=measured.get(("ttft_ms", "p99")),
        tpot_mean_ms=measured.get(("tpot_ms", "mean")),
        tpot_p50_ms=measured.get(("tpot_ms", "p50")),
        tpot_p90_ms=measured.get(("tpot_ms", "p90")),
        tpot_p99_ms=measured.get(("tpot_ms", "p99")),
        e2e_mean_ms=measured.get(("e2e_ms", "mean")),
        e2e_p90_ms=measured.get(("e2e_ms", "p90")),
        output_tok_s=outcome.output_tok_s,
        requests_per_s=None,
        measured_on=outcome.measured_at[:10],
        quality="A",
        notes=f"time factor {outcome.time_factor:g}" if outcome.time_factor != 1 else "",
        source="your own deployments",
    )


def write_benchmarks(points: Sequence[Benchmark], path: Path) -> None:
    """Measured points as CSV, one column per field, whole or not at all. BadInput when it cannot be written."""
    sheet = StringIO(newline="")
    writer = csv.DictWriter(sheet, [column.name for column in fields(Benchmark)])
    writer.writeheader()
    writer.writerows(asdict(point) for point in points)
    save_as(path, sheet.getvalue(), field="file")


def _ratio(outcome: "Outcome", metric: str) -> float | None:
    """Measured over predicted at the steadiest statistic that has both."""
    found: dict[str, Measure] = {entry.statistic: entry for entry in outcome.measures if entry.metric == metric}
    for statistic in _STATISTICS:
        entry = found.get(statistic)
        if entry is not None and entry.measured and entry.predicted and min(entry.measured, entry.predicted) > 0:
            return entry.measured / entry.predicted * _corrected_by(outcome, metric)
    return None


def _corrected_by(outcome: "Outcome", metric: str) -> float:
    """The factor that the outcome's prediction already held; 1 for plans made without any outcomes."""
    predicted = outcome.report.get("predicted")
    known = predicted.get(f"{metric.removesuffix('_ms')}_correction") if isinstance(predicted, Mapping) else None
    return float(known) if isinstance(known, int | float) and known > 0 else 1.0


def _drifting(logs: Sequence[float], noise_sd: float) -> bool:
    half = len(logs) // 2
    if half < 2:
        return False
    older, newer = logs[:-half], logs[-half:]
    error = noise_sd * math.sqrt(1 / len(older) + 1 / len(newer))
    return abs(fmean(newer) - fmean(older)) > DRIFT_SIGMAS * error
