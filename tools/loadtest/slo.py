"""Service-level objectives as a load test checks them."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from knowledge.errors import BadInput

Metric = Literal["ttft", "tpot", "e2e", "e2e_perceived", "error_rate", "throughput"]
LATENCIES: tuple[Metric, ...] = ("ttft", "tpot", "e2e", "e2e_perceived")

_METRICS: dict[str, Metric] = {name: name for name in get_args(Metric)}
_WRITTEN = re.compile(r"(?:(ttft|tpot|e2e|e2e_perceived)_p(\d{1,2})(?:_ms)?|(error_rate|throughput))=([0-9.eE+]+)")


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective.

    Latencies are upper bounds in ms at a percentile; `error_rate` an upper bound in percent of requests;
    `throughput` a lower bound in completed requests per second. `e2e_perceived` is what the reader of a stream waits
    for: TTFT + 1.2 × min(20, output tokens) × TPOT.
    """

    metric: Metric
    bound: float
    percentile: int | None = None

    def __post_init__(self) -> None:
        if (self.metric in LATENCIES) != (self.percentile is not None):
            raise ValueError(f"a percentile belongs to latencies and to nothing else: {self}")

    @property
    def name(self) -> str:
        """`ttft_p90_ms`, `error_rate_percent`, `throughput_rps`: unit last."""
        if self.metric == "error_rate":
            return "error_rate_percent"
        return "throughput_rps" if self.metric == "throughput" else f"{self.metric}_p{self.percentile}_ms"


def read_slo(text: str) -> Slo:
    """`ttft_p90=200`, `e2e_p99=2000`, `error_rate=1` or `throughput=5`; BadInput shows how to write one."""
    cure = "write it like ttft_p90=200, tpot_p50=40, e2e_p99=3000, error_rate=1 (percent) or throughput=5 (requests/s)"
    match = _WRITTEN.fullmatch(text.strip().lower())
    if match is None:
        raise BadInput(f"not an SLO: {text[:80]!r}", cure, field="slo")
    latency, percentile, other, number = match.groups()
    try:
        bound = float(number)
    except ValueError as error:
        raise BadInput(f"not a number in the SLO {text[:80]!r}", cure, field="slo") from error
    if not 0 < bound < 1e12 or (percentile is not None and not 1 <= int(percentile) <= 99):
        raise BadInput(f"out of range: the SLO {text[:80]!r}", cure, field="slo")
    return Slo(_METRICS[latency or other], bound, int(percentile) if percentile else None)
