"""What a load test does: how much, how long, of what, and against which objectives. All times and rates are model time.

Model time is the time of the deployment that is tested. A simulator at time factor k lives k times faster than the
clock on the wall: its requests are sent k times faster, its measured latencies are multiplied by k.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from knowledge.errors import BadInput
from knowledge.facts import Lengths
from tools.loadtest.arrivals import Pattern, Stage
from tools.loadtest.slo import Slo

MAX_RATE_RPS = 2000.0
MAX_DURATION_S = 3600.0
MAX_REQUESTS = 100_000
MAX_IN_FLIGHT = 4000
MIN_MODEL_LEN = 128
MAX_TOKENS = 131_072


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One load test. Raises BadInput when it is out of bounds.

    `request_rate_rps` is what is sent to all tested endpoints together, spread evenly. `sweep` replaces it by
    several stages. Bounds hold for the wall clock: the rate and duration that really happen.
    """

    model: str
    request_rate_rps: float
    duration_s: float
    isl: Lengths
    osl: Lengths
    pattern: Pattern = "poisson"
    cv: float = 1.0
    sweep: tuple[Stage, ...] = ()
    trace_s: tuple[float, ...] = ()
    warmup_s: float = 0.0
    prefix_share: float = 0.0
    prefix_groups: int = 8
    max_model_len: int = MAX_TOKENS
    """Prompt and answer together stay within it, as the server would refuse longer requests."""
    max_requests: int = MAX_REQUESTS
    request_timeout_s: float = 300.0
    time_factor: float = 1.0
    seed: int = 0
    chat: bool = True
    slos: tuple[Slo, ...] = ()
    predicted: Mapping[str, float] = field(default_factory=dict)
    """Predicted values by name: `ttft_p90_ms`, `tpot_mean_ms`, …"""
    replicas_planned: int = 1
    replicas_driven: int = 1

    def __post_init__(self) -> None:
        numbers = {
            "request_rate_rps": self.request_rate_rps,
            "duration_s": self.duration_s,
            "time_factor": self.time_factor,
            "request_timeout_s": self.request_timeout_s,
            "cv": self.cv,
            "isl": min(self.isl.mean, self.isl.p50),
            "osl": min(self.osl.mean, self.osl.p50),
        }
        for name, number in numbers.items():
            if not math.isfinite(number) or number <= 0:
                raise BadInput(f"{name} must be a positive number, not {number}", field=name)
        if not 0 <= self.prefix_share <= 1:
            raise BadInput(f"prefix_share must lie between 0 and 1, not {self.prefix_share}", field="prefix_share")
        if self.pattern == "trace" and not self.trace_s:
            raise BadInput("a trace needs arrival times", "give them with --trace FILE", field="trace")
        if not MIN_MODEL_LEN <= self.max_model_len <= MAX_TOKENS:
            raise BadInput(f"max_model_len must lie between {MIN_MODEL_LEN} and {MAX_TOKENS}", field="max_model_len")
        if not 1 <= self.max_requests <= MAX_REQUESTS:
            raise BadInput(f"max_requests must lie between 1 and {MAX_REQUESTS}", field="max_requests")
        if not 0 <= self.warmup_s < self.total_s:
            raise BadInput("the warm-up must be shorter than the run", field="warmup_s")
        highest_rps = max(stage.rate_rps for stage in self.stages) * self.time_factor
        if self.pattern != "trace" and highest_rps > MAX_RATE_RPS:
            raise BadInput(
                f"{highest_rps:g} requests per second on the wall clock are more than the {MAX_RATE_RPS:g} allowed",
                "lower the rate or the time factor",
                field="request_rate_rps",
            )
        if self.total_s / self.time_factor > MAX_DURATION_S:
            raise BadInput(
                f"a run of {self.total_s / self.time_factor:g} s is longer than the {MAX_DURATION_S:g} s allowed",
                "shorten the run",
                field="duration_s",
            )

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The rates, one after the other."""
        return self.sweep or (Stage(self.request_rate_rps, self.duration_s),)

    @property
    def mean_rate_rps(self) -> float:
        """The mean rate over all stages."""
        return sum(stage.rate_rps * stage.duration_s for stage in self.stages) / self.total_s

    @property
    def total_s(self) -> float:
        """Length of the run in model time, without draining."""
        return sum(stage.duration_s for stage in self.stages)
