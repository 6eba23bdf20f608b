"""Alerts that follow from the objectives: how fast the error budget burns, over two windows each.

The method is the multiwindow burn rate of Google's SRE workbook (chapter 5). With a target of 90 % nothing can burn
faster than 10 times, so the factors are lowered to what is reachable.
"""

from tools.deploy.specification import Objective
from tools.kubernetes.release import Release
from tools.observe.alerts import METRICS, Alert, late_share

_WINDOWS = (("1h", "5m", 14.4, 0.5, "critical", "2m"), ("6h", "30m", 6.0, 0.3, "warning", "15m"))
"""Long window, short window, burn rate, share of requests beyond which it need not rise, severity, duration."""


def selector(release: Release) -> str:
    """PromQL labels of this release; both values are DNS names."""
    return f'namespace="{release.settings.namespace}",sextant_release="{release.name}"'


def alerts(release: Release) -> tuple[Alert, ...]:
    """Burn-rate alerts per objective, then those on what breaks an objective before it shows."""
    burning = [alert for objective in release.spec.objectives for alert in _burning(objective, release)]
    return (*burning, *_states(selector(release)))


def _burning(objective: Objective, release: Release) -> list[Alert]:
    if objective.metric not in METRICS:
        return []
    target, found = release.settings.slo_target or objective.percentile / 100, []
    for long, short, rate, reachable, severity, lasting in _WINDOWS:
        limit = min(rate * (1 - target), reachable)
        ratios = [f"({_late(objective, release, window)}) > {limit:.4g}" for window in (long, short)]
        name = f"{objective.metric.upper()}P{objective.percentile}BudgetBurns{'Fast' if severity == 'critical' else ''}"
        found.append(
            Alert(
                name,
                " and ".join(ratios),
                lasting,
                severity,
                f"more than {limit:.0%} of answers miss {objective.metric} of {objective.bound_ms:g} ms over {long}"
                f" (allowed: {1 - target:.0%})",
                "see the dashboard: if requests wait, add replicas; if none wait, compare hardware and prompt lengths",
            )
        )
    return found


def _late(objective: Objective, release: Release, window: str) -> str:
    """Share of answers beyond the bound; the simulator's clock may run faster."""
    factor = release.settings.time_factor if release.settings.simulator else 1.0
    return late_share(objective.metric, objective.bound_ms, selector(release), window, factor)


def _states(labels: str) -> list[Alert]:
    return [
        Alert(
            "NoReplicaAnswers",
            f"absent(vllm:num_requests_running{{{labels}}})",
            "5m",
            "critical",
            "no replica reports metrics",
            "see pods and their events; check that the monitor is selected by Prometheus",
        ),
        Alert(
            "RequestsWait",
            f"sum(vllm:num_requests_waiting{{{labels}}}) > sum(vllm:num_requests_running{{{labels}}})",
            "10m",
            "warning",
            "more requests wait than run",
            "raise max_replicas, or plan again with the present traffic",
        ),
        Alert(
            "CacheIsFull",
            f"max(vllm:kv_cache_usage_perc{{{labels}}}) > 0.95 and"
            f" sum(rate(vllm:num_preemptions_total{{{labels}}}[10m])) > 0",
            "10m",
            "warning",
            "the KV cache is full and requests are preempted",
            "more replicas, a shorter max-model-len, or kv_cache_dtype fp8",
        ),
        Alert(
            "RequestsRefused",
            f"sum(rate(vllm:admission_rejections_total{{{labels}}}[5m])) > 0",
            "5m",
            "warning",
            "requests are refused because the queue is full",
            "more replicas; callers should retry with a pause",
        ),
        Alert(
            "RequestsFail",
            f'sum(rate(vllm:request_success_total{{{labels},finished_reason="error"}}[5m]))'
            f" / sum(rate(vllm:request_success_total{{{labels}}}[5m])) > 0.01",
            "5m",
            "critical",
            "more than 1 % of requests end in an error",
            "see the server's log",
        ),
    ]
