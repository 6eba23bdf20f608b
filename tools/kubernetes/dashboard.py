"""A Grafana dashboard of one release: objectives first, then what explains them."""

from typing import Any

from tools.kubernetes.alerts import selector
from tools.kubernetes.release import Release

_SCHEMA_VERSION = 39
_WIDTH, _HEIGHT = 12, 8


def dashboard(release: Release) -> dict[str, Any]:
    """The dashboard as Grafana's JSON; every query reads metrics that the pinned vLLM emits."""
    labels = selector(release)
    panels = [_panel(number, *panel) for number, panel in enumerate(_panels(release, labels))]
    return {
        "uid": f"sextant-{release.plan_hash[:12]}",
        "title": f"{release.spec.model_id} ({release.settings.namespace}/{release.name})",
        "tags": ["sextant", "vllm"],
        "schemaVersion": _SCHEMA_VERSION,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": panels,
    }


def _panels(release: Release, labels: str) -> list[tuple[str, str, list[tuple[str, str]], float | None]]:
    """Title, unit, queries with their legend, and the bound that an objective sets."""
    bounds = {entry.metric: entry.bound_ms / 1000 for entry in release.spec.objectives}
    quantile = max((entry.percentile for entry in release.spec.objectives), default=90) / 100

    def latency(histogram: str) -> list[tuple[str, str]]:
        rate = f"sum by (le) (rate(vllm:{histogram}_seconds_bucket{{{labels}}}[5m]))"
        return [(f"histogram_quantile({share:g}, {rate})", f"p{100 * share:g}") for share in sorted({0.5, quantile})]

    def total(metric: str) -> str:
        return f"sum(rate(vllm:{metric}_total{{{labels}}}[5m]))"

    return [
        ("Time to first token", "s", latency("time_to_first_token"), bounds.get("ttft")),
        ("Time per output token", "s", latency("inter_token_latency"), bounds.get("tpot")),
        ("Whole answer", "s", latency("e2e_request_latency"), bounds.get("e2e")),
        ("Requests per second", "reqps", [(total("request_success"), "finished")], None),
        ("Tokens per second", "short", [(total("prompt_tokens"), "read"), (total("generation_tokens"), "written")],
         None),
        ("Requests running and waiting", "short",
         [(f"sum(vllm:num_requests_running{{{labels}}})", "running"),
          (f"sum(vllm:num_requests_waiting{{{labels}}})", "waiting")], None),
        ("KV cache in use", "percentunit", [(f"max(vllm:kv_cache_usage_perc{{{labels}}})", "fullest replica")], 0.95),
        ("Prefix cache hits", "percentunit",
         [(f"{total('prefix_cache_hits')} / {total('prefix_cache_queries')}", "share of tokens")], None),
        ("Preemptions and refusals per second", "reqps",
         [(total("num_preemptions"), "preempted"), (total("admission_rejections"), "refused")], None),
        ("Time in the queue", "s", latency("request_queue_time"), None),
    ]  # fmt: skip


def _panel(number: int, title: str, unit: str, queries: list[tuple[str, str]], bound: float | None) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if bound is not None:
        steps.append({"color": "red", "value": bound})
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": source,
        "gridPos": {"h": _HEIGHT, "w": _WIDTH, "x": _WIDTH * (number % 2), "y": _HEIGHT * (number // 2)},
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "custom": {"thresholdsStyle": {"mode": "line" if bound is not None else "off"}},
                "thresholds": {"mode": "absolute", "steps": steps},
            },
            "overrides": [],
        },
        "targets": [
            {"refId": chr(ord("A") + position), "expr": query, "legendFormat": legend, "datasource": source}
            for position, (query, legend) in enumerate(queries)
        ],
    }
