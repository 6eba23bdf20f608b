"""What a load test found, as records that go into JSON, HTML and the outcomes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tools.loadtest.percentiles import Distribution

Verdict = Literal["met", "not_met", "inconclusive"]


@dataclass(frozen=True, slots=True)
class SloResult:
    """One objective: its bound, what was measured with the 95 % interval, what was predicted, and the verdict.

    `measured` is None when it lies beyond every bound (too many failed requests) or nothing was measured; `note`
    says why a verdict is what it is where the numbers alone do not.
    """

    name: str
    bound: float
    measured: float | None
    low: float | None
    high: float | None
    predicted: float | None
    verdict: Verdict
    note: str = ""


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """How often one kind of error came, with one example."""

    kind: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Bin:
    """A stretch of the run, by the time at which requests were due."""

    begin_s: float
    due: int
    failed: int
    ttft_p50_ms: float | None
    ttft_p90_ms: float | None
    output_tok_s: float


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The result of one run. All times and rates are model time; counts are those after the warm-up.

    `curves` holds for each latency its value at whole percents; `late_p99_ms` is how late the load generator itself
    was; `goodput_rps` counts only requests within all latency objectives; `uptime_percent` is the share of seconds
    with requests due in which at least one of them was answered.
    """

    endpoints: tuple[str, ...]
    model: str
    started_at: str
    verdict: Verdict
    reason: str
    slos: tuple[SloResult, ...]
    metrics: Mapping[str, Distribution]
    predicted: Mapping[str, float]
    pattern: str
    seed: int
    time_factor: float
    request_rate_rps: float
    replicas_planned: int
    replicas_driven: int
    duration_s: float
    warmup_s: float
    requests: int
    completed: int
    failed: int
    errors: tuple[ErrorCount, ...]
    error_rate_percent: float
    uptime_percent: float
    achieved_rps: float
    goodput_rps: float
    output_tok_s: float
    isl_mean: float | None
    osl_mean: float | None
    late_p99_ms: float
    warnings: tuple[str, ...]
    timeline: tuple[Bin, ...]
    curves: Mapping[str, tuple[float | None, ...]]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
