"""SLO goodput: the largest request rate at which the latency percentiles hold."""

from dataclasses import dataclass, replace

import numpy as np

from tools.performance.step import StepCost
from tools.scheduler import Limits
from tools.simulation.result import SimulationResult, Slo
from tools.simulation.simulation import simulate
from tools.simulation.traffic import Traffic


@dataclass(frozen=True, slots=True)
class LargestRate:
    """The answer: `rate_rps` (0 when the SLO does not even hold for a lone request) and the run at that rate."""

    rate_rps: float
    result: SimulationResult


def saturation_rps(cost: StepCost, limits: Limits, traffic: Traffic) -> float:
    """Requests per second of a replica whose batch is always as full as its limits allow: no rate above can hold."""
    isl, osl = traffic.isl.mean, traffic.osl.mean
    held = isl + osl / 2
    most = max(1, min(limits.max_num_seqs, int(limits.kv_blocks * limits.block_tokens / held)))
    batches = np.unique(np.geomspace(1, most, 64).astype(int))
    token_ms = min(cost.decode_ms(int(batch)) / batch for batch in batches) + cost.kv_ms_per_token * held
    prefill_ms = cost.prefill_ms_per_token * isl * (1 - traffic.reused_share)
    return 1000.0 / float(prefill_ms + token_ms * osl)


def largest_rate(
    step_cost: StepCost,
    limits: Limits,
    slo: Slo,
    traffic: Traffic,
    *,
    replicas: int = 1,
    seed: int = 0,
    requests: int = 2000,
    precision: float = 0.02,
) -> LargestRate:
    """Bisect for the largest rate (requests per second, all replicas together) that meets `slo`.

    Every trial uses the same lengths and the same pattern of arrivals, compressed; `traffic.rate_rps` is ignored. The
    answer lies within `precision` (relative) below the true one. The first tenth of each run is warm-up.
    """

    def trial(rate_rps: float) -> SimulationResult:
        at_rate = replace(traffic, rate_rps=rate_rps)
        return simulate(step_cost, limits, at_rate, replicas, seed, requests=requests, warmup_share=0.1)

    high = saturation_rps(step_cost, limits, traffic) * replicas * 1.1
    low = high / 1000
    best = trial(low)
    if not best.meets(slo):
        return LargestRate(0.0, best)
    while high / low > 1 + precision:
        middle = high / 2 if low < high / 8 else (low * high) ** 0.5
        result = trial(middle)
        if result.meets(slo):
            low, best = middle, result
        else:
            high = middle
    return LargestRate(low, best)
