"""Histogram bounds for a deployment: those of vLLM with every objective's bound among them.

Only so can a histogram say which share of the answers kept an objective; between two bounds it could only be guessed.
"""

from tools.deploy.specification import DeploymentSpec
from tools.deploy.vllm_release import vllm_release

FAMILIES = {"ttft": "time_to_first_token", "tpot": "inter_token_latency", "e2e": "request_latency"}
"""What `--custom-histogram-buckets` calls the histograms of a metric. The perceived E2E time is in none."""


def bound_s(bound_ms: float, time_factor: float = 1.0) -> float:
    """An objective's bound as a histogram counts it: in seconds of the server's clock, which a simulator may speed up.

    Whoever sets a bound and whoever asks for it must round alike, so it is computed here alone.
    """
    return bound_ms / 1000 / time_factor


def histogram_buckets(spec: DeploymentSpec, *, time_factor: float = 1.0) -> dict[str, list[float]]:
    """Bounds by family, in seconds, for the families that an objective is about; none without objectives."""
    defaults = vllm_release().histogram_buckets_s
    bounds: dict[str, set[float]] = {}
    for objective in spec.objectives:
        family = FAMILIES.get(objective.metric)
        if family is not None:
            usual = {edge / time_factor for edge in defaults[family]}
            bounds.setdefault(family, usual).add(bound_s(objective.bound_ms, time_factor))
    return {family: sorted(found) for family, found in bounds.items()}
