"""What will arrive and what is promised: lengths, load and targets, each value with where it is from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from knowledge.facts import Lengths
from tools.intent import Burstiness, E2eBasis, Provenance, QualityThreshold, SloPercentile, TaskType, WorkloadType
from tools.planner.mix import ClassProfile, RequestClass

SECONDS_PER_DAY = 86_400.0
DAYS_PER_MONTH = 30.42
HOURS_PER_MONTH = 730.0

Z = {50: 0.0, 90: 1.2816, 95: 1.6449, 99: 2.3263}
"""Standard normal quantiles of the percentiles that a target may name."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Latency targets at `percentile`, throughput, quality and reliability.

    An E2E target of basis `full` counts the whole answer; `perceived` counts TTFT and the first 20 tokens times 1.2.
    """

    percentile: SloPercentile
    ttft_ms: float
    tpot_ms: float
    e2e_ms: float
    e2e_basis: E2eBasis
    throughput_rps: float | None
    quality: QualityThreshold | None
    reliability_percent: float


@dataclass(frozen=True, slots=True)
class TrafficProfile:
    """Demand on the service. Rates are requests per second.

    `qps` is the mean over the hours in which requests arrive (`active_hours_per_day`, 24 but for batch windows),
    `peak_qps` what must be carried; `requests_per_day` and `tokens_per_day` count whole days. `isl` and `osl` are those
    of all requests; `classes` tell them apart where a mix was said (`said_classes`).
    """

    workload_type: WorkloadType
    task_type: TaskType
    isl: Lengths
    osl: Lengths
    qps: float
    peak_qps: float
    burstiness: Burstiness
    interarrival_cv: float
    prefix_reuse_share: float
    active_hours_per_day: float
    requests_per_day: float
    tokens_per_day: float
    context_tokens: int
    targets: Targets
    provenance: Mapping[str, Provenance]
    classes: tuple[ClassProfile, ...] = ()
    said_classes: tuple[RequestClass, ...] = ()

    def concurrency(self, answer_ms: float) -> dict[str, float]:
        """Requests under way when one takes `answer_ms` on average, by Little's law: on average and at the peak."""
        return {
            "concurrency_average": round(self.qps * answer_ms / 1000, 2),
            "concurrency_peak": round(self.peak_qps * answer_ms / 1000, 2),
        }

    @property
    def peak_to_average(self) -> float:
        """How far the peak is over the mean."""
        return self.peak_qps / self.qps

    @property
    def hours_per_month(self) -> float:
        """Hours of a month in which requests arrive."""
        return HOURS_PER_MONTH * self.active_hours_per_day / 24

    @property
    def requests_per_month(self) -> float:
        """Requests of a month of 30.42 days."""
        return self.requests_per_day * DAYS_PER_MONTH

    def to_json(self) -> dict[str, Any]:
        """`traffic` of the plan, with the provenance of each value beside it."""
        values = {name: getattr(self, name) for name in _SHOWN}
        values |= {"isl": asdict(self.isl), "osl": asdict(self.osl), "peak_to_average": self.peak_to_average}
        if self.classes:
            values["classes"] = [each.to_json() for each in self.classes]
        return values | {"provenance": self._entries(lambda name: not name.startswith("slo."))}

    def slo_json(self) -> dict[str, Any]:
        """`slo` of the plan."""
        entries = self._entries(lambda name: name.startswith("slo."))
        return asdict(self.targets) | {
            "provenance": {name.removeprefix("slo."): entry for name, entry in entries.items()}
        }

    def _entries(self, wanted: Any) -> dict[str, Any]:
        shown = {name: entry for name, entry in self.provenance.items() if wanted(name)}
        return {name: entry.model_dump(exclude_none=True) for name, entry in shown.items()}


_SHOWN = (
    "workload_type",
    "task_type",
    "qps",
    "peak_qps",
    "burstiness",
    "interarrival_cv",
    "prefix_reuse_share",
    "active_hours_per_day",
    "requests_per_day",
    "tokens_per_day",
    "context_tokens",
)
