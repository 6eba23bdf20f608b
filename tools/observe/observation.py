"""What was seen of a deployment in one window. None means that Prometheus does not know, never zero."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["met", "not_met", "unknown"]


@dataclass(frozen=True, slots=True)
class Compliance:
    """One objective: the percentile as measured, the edges it lies between, and the share of answers within the bound.

    `measured_ms` is None with a `lower_ms` when it lies beyond the histogram's last edge.
    """

    slo: str
    bound_ms: float
    measured_ms: float | None
    lower_ms: float | None
    upper_ms: float | None
    share_within: float | None
    verdict: Verdict
    note: str = ""


@dataclass(frozen=True, slots=True)
class Times:
    """One time in milliseconds; the mean is exact, percentiles are linear between a histogram's edges."""

    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What came: all replicas together, rates per second."""

    requests: float | None
    request_rate_rps: float | None
    peak_rate_rps: float | None
    isl_mean: float | None
    isl_p90: float | None
    osl_mean: float | None
    osl_p90: float | None
    prompt_tok_s: float | None
    output_tok_s: float | None
    error_share: float | None
    refused: float | None
    prefix_hit_share: float | None


@dataclass(frozen=True, slots=True)
class Engine:
    """How the replicas fared. Shares are 0 to 1; `running_most` is of one replica, GPU figures are DCGM's."""

    replicas: int
    answering: int | None
    up_share: float | None
    running_mean: float | None
    running_most: float | None
    waiting_mean: float | None
    waiting_most: float | None
    queue_ms: float | None
    kv_mean: float | None
    kv_most: float | None
    preemptions: float | None
    idle_share: float | None
    gpu_utilization: float | None
    gpu_memory_gib: float | None


@dataclass(frozen=True, slots=True)
class Costs:
    """What the observed replicas cost as planned, spread over what they served. `before`: in the window before."""

    usd_per_hour: float | None
    usd_per_month: float | None
    usd_per_1k_tokens: float | None
    usd_per_1k_tokens_before: float | None
    usd_per_1k_tokens_at_plan: float | None
    usd_per_request: float | None
    idle_usd_per_month: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure beside the one that was planned with."""

    what: str
    planned: float
    measured: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Observation:
    """A deployment in a window. A simulator's time factor is taken out of times, rates and costs, not of the window."""

    deployment_id: str
    source: str
    at: str
    window_s: float
    covered_s: float
    time_factor: float
    slos: tuple[Compliance, ...]
    times: Mapping[str, Times]
    traffic: Traffic
    engine: Engine
    costs: Costs
    forecast: tuple[Compared, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)
