"""Alerts of a deployment: how fast its error budgets burn, and what breaks an objective before it shows.

Burn rates over two windows each as in Google's SRE workbook (chapter 5). With a target of 90 % nothing can burn faster
than ten times, so the limits are lowered to what is reachable.
"""

from dataclasses import dataclass

from tools.deploy.buckets import bound_s
from tools.deploy.specification import DeploymentSpec, Objective
from tools.observe import queries

METRICS = {"ttft": queries.TTFT, "tpot": queries.TPOT, "e2e": queries.E2E}
"""Histograms of what an objective can be about."""
_WINDOWS = (("1h", "5m", 14.4, 0.5, "critical", "2m"), ("6h", "30m", 6.0, 0.3, "warning", "15m"))
"""Long window, short window, burn rate, share of answers beyond which it need not rise, severity, duration."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule; `action` says what to do."""

    name: str
    expression: str
    lasting: str
    severity: str
    summary: str
    action: str


def alerts(spec: DeploymentSpec, labels: str, *, factor: float = 1.0) -> tuple[Alert, ...]:
    """All alerts on the series that `labels` selects; `factor` is the time factor of a simulated deployment."""
    burning = [alert for objective in spec.objectives for alert in _burning(objective, labels, factor)]
    return (*burning, *_states(labels, spec.monthly_cost_usd is not None))


def late_share(metric: str, bound_ms: float, labels: str, window: str, factor: float = 1.0) -> str:
    """Share of answers beyond a bound: exact, for every deployment's histograms are given it as an edge."""
    name, edge = METRICS[metric], bound_s(bound_ms, factor)
    within, all_of_them = (
        f"sum(rate(vllm:{name}_{series}}}[{window}]))"
        for series in (f'bucket{{{labels},le="{edge!r}"', f"count{{{labels}")
    )
    return f"1 - {within} / {all_of_them}"


def _burning(objective: Objective, labels: str, factor: float) -> list[Alert]:
    if objective.metric not in METRICS:
        return []
    budget, found = 1 - objective.percentile / 100, []
    for long, short, rate, reachable, severity, lasting in _WINDOWS:
        limit = min(rate * budget, reachable)
        shares = [late_share(objective.metric, objective.bound_ms, labels, each, factor) for each in (long, short)]
        found.append(
            Alert(
                f"{objective.metric.upper()}P{objective.percentile}BudgetBurns"
                + ("Fast" if severity == "critical" else ""),
                " and ".join(f"({share}) > {limit:.4g}" for share in shares),
                lasting,
                severity,
                f"more than {limit:.0%} of answers miss {objective.metric} of {objective.bound_ms:g} ms over {long}"
                f" (allowed: {budget:.0%})",
                "sextant observe: if requests wait, add replicas; if none wait, compare hardware and prompt lengths",
            )
        )
    return found


def _states(labels: str, priced: bool) -> list[Alert]:
    idle = Alert(
        "NothingIsServed",
        f"sum(increase(vllm:request_success_total{{{labels}}}[6h])) == 0",
        "30m",
        "warning",
        "no request was finished in six hours, and the accelerators are paid for",
        "scale down, or end the deployment",
    )
    return [
        Alert("ReplicaDown", f"up{{{labels}}} == 0", "2m", "critical",
              "a replica, or an exporter beside it, does not answer", "sextant status; then look at its log"),
        Alert("RequestsWait",
              f"sum(vllm:num_requests_waiting{{{labels}}}) > sum(vllm:num_requests_running{{{labels}}})",
              "10m", "warning", "more requests wait than run", "add a replica, or plan again with the present traffic"),
        Alert("CacheIsFull",
              f"max(vllm:kv_cache_usage_perc{{{labels}}}) > 0.95"
              f" and sum(rate(vllm:num_preemptions_total{{{labels}}}[10m])) > 0",
              "10m", "warning", "the KV cache is full and requests are preempted",
              "store the cache in 8 bits, shorten max-model-len, or add a replica"),
        Alert("RequestsRefused", f"sum(rate(vllm:admission_rejections_total{{{labels}}}[5m])) > 0", "5m", "warning",
              "requests are refused because the queue is full", "add a replica; callers should retry with a pause"),
        Alert("RequestsFail",
              f'sum(rate(vllm:request_success_total{{{labels},finished_reason="error"}}[5m]))'
              f" / sum(rate(vllm:request_success_total{{{labels}}}[5m])) > 0.01",
              "5m", "critical", "more than 1 % of requests end in an error", "read the server's log"),
        *([idle] if priced else []),
    ]  # fmt: skip
