"""What a simulation found: percentiles, rates, use of the replicas, and how well an SLO was kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_PERCEIVED_TOKENS, _PERCEIVED_FACTOR = 20, 1.2


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Mean and percentiles of a time in ms; all NaN when nothing was observed."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float

    def at(self, percentile: int) -> float:
        """The given percentile: 50, 90, 95 or 99."""
        return float({50: self.p50, 90: self.p90, 95: self.p95, 99: self.p99}[percentile])


def percentiles(values: Floats) -> Percentiles:
    """Summarise times (ms)."""
    if not len(values):
        nothing = float("nan")
        return Percentiles(nothing, nothing, nothing, nothing, nothing)
    p50, p90, p95, p99 = np.percentile(values, (50, 90, 95, 99))
    return Percentiles(float(values.mean()), float(p50), float(p90), float(p95), float(p99))


@dataclass(frozen=True, slots=True)
class Slo:
    """Latency targets in ms, each `None` when there is none, at a percentile.

    With `e2e_basis` `perceived` the E2E target counts TTFT and 1.2 times the first 20 tokens, as the reader of a stream
    waits; with `full` the whole answer.
    """

    ttft_ms: float | None = None
    tpot_ms: float | None = None
    e2e_ms: float | None = None
    percentile: Literal[50, 90, 95, 99] = 90
    e2e_basis: Literal["full", "perceived"] = "full"


@dataclass(frozen=True, slots=True, eq=False)
class SimulationResult:
    """One simulated run of a deployment.

    Times are ms, rates per second of simulated time, all over the whole deployment. `completed + rejected` is
    `requests`. Percentiles leave out the warm-up. `utilization` is the share of replica time spent in iterations,
    `running_mean` the sequences in the batch of a replica, averaged over its time; `kv_usage_peak` the largest share of
    KV blocks in use. `replica_hours` counts from a replica's start (cold start included) to its end. The arrays
    (one entry per completed request after warm-up, in order of arrival) are for further statistics.
    """

    requests: int
    completed: int
    rejected: int
    duration_s: float
    request_rate_rps: float
    requests_per_s: float
    output_tok_s: float
    ttft_ms: Percentiles
    tpot_ms: Percentiles
    e2e_ms: Percentiles
    queue_ms: Percentiles
    utilization: float
    running_mean: float
    waiting_mean: float
    kv_usage_peak: float
    preemptions: int
    replicas_mean: float
    replicas_peak: int
    replica_hours: float
    samples: Mapping[str, Floats] = field(repr=False)

    def attainment(self, slo: Slo) -> float:
        """Share of the requests (refused ones included) that meet every target of `slo`."""
        met = np.ones(len(self.samples["ttft_ms"]), dtype=bool)
        for name, target in (("ttft_ms", slo.ttft_ms), ("tpot_ms", slo.tpot_ms), (_e2e(slo), slo.e2e_ms)):
            if target is not None:
                met &= self.samples[name] <= target
        share = float(met.mean()) if len(met) else 0.0
        return share * self.completed / self.requests

    def goodput_rps(self, slo: Slo) -> float:
        """Requests per second that meet every target of `slo`."""
        return self.attainment(slo) * self.requests / self.duration_s

    def meets(self, slo: Slo) -> bool:
        """Whether each target holds at its percentile (refused requests count as missed)."""
        allowed = 1 - slo.percentile / 100
        if self.rejected > allowed * self.requests:
            return False
        checks = (("ttft_ms", slo.ttft_ms), ("tpot_ms", slo.tpot_ms), (_e2e(slo), slo.e2e_ms))
        return all(
            target is None or float(np.percentile(self.samples[name], slo.percentile)) <= target
            for name, target in checks
        )


def _e2e(slo: Slo) -> str:
    return "perceived_ms" if slo.e2e_basis == "perceived" else "e2e_ms"


def perceived_ms(ttft_ms: Floats, tpot_ms: Floats, output_tokens: Floats) -> Floats:
    """What the reader of a stream waits for."""
    return np.asarray(ttft_ms + _PERCEIVED_FACTOR * np.minimum(output_tokens, _PERCEIVED_TOKENS) * tpot_ms)
