"""How much of a deployment this machine can simulate, and how fast, before it measures itself instead."""

from dataclasses import dataclass

from tools.deploy.specification import DeploymentSpec

MAX_TOKENS_PER_S = 8000.0
"""Streamed tokens per second of wall clock that two cores simulate and measure without falling behind."""
PROMPT_WEIGHT = 0.05
"""What a prompt token costs beside a streamed one."""
OVERHEAD_MS = 4.0
"""What client, network and simulator add to a first token, in ms of wall clock; the time factor multiplies it."""
OVERHEAD_SHARE = 0.2
"""Share of the tightest TTFT objective that this overhead may take."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Processes to start and the time factor they run at; `note` says what was lowered and why, empty if nothing."""

    replicas: int
    time_factor: float
    note: str = ""


def pace(spec: DeploymentSpec, *, wanted_factor: float, max_replicas: int) -> Pace:
    """As many replicas as planned and allowed, at the wanted factor or the highest that can be measured honestly.

    Below 1 the simulation is slower than real time: a heavy load still meets a simulator that keeps up.
    """
    traffic = spec.traffic
    share_rps = traffic.request_rate_rps / spec.replicas
    tokens_per_s = share_rps * (traffic.osl.mean + PROMPT_WEIGHT * traffic.isl.mean)
    replicas = max(1, min(spec.replicas, max_replicas, int(MAX_TOKENS_PER_S / tokens_per_s)))
    by_load = MAX_TOKENS_PER_S / (replicas * tokens_per_s)
    bounds_ms = [entry.bound_ms for entry in spec.objectives if entry.metric == "ttft"]
    by_overhead = max(1.0, OVERHEAD_SHARE * min(bounds_ms) / OVERHEAD_MS) if bounds_ms else wanted_factor
    factor = min(wanted_factor, by_load, by_overhead)
    rounded = float(f"{factor:.2g}")
    if factor == wanted_factor or rounded >= wanted_factor:
        return Pace(replicas, wanted_factor)
    why = "the load in tokens" if factor == by_load else "the tight TTFT objective"
    return Pace(replicas, rounded, f"time factor {rounded:g} instead of {wanted_factor:g}, because of {why}")
