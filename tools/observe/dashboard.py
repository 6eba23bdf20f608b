"""The panels of a deployment's dashboard: objectives first, then what explains them, then what it costs."""

from dataclasses import dataclass

from tools.deploy.specification import DeploymentSpec
from tools.observe import queries
from tools.planner.traffic import HOURS_PER_MONTH


@dataclass(frozen=True, slots=True)
class Query:
    """One line of a panel."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel; `bound` is drawn as a line where an objective sets one. Units are Grafana's names."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    bound: float | None = None
    description: str = ""


def panels(
    spec: DeploymentSpec, labels: str, *, gpu_labels: str, replicas: int, factor: float = 1.0, rate: str = "5m"
) -> tuple[Panel, ...]:
    """The panels of a deployment of `replicas` observed replicas; `rate` is the stretch that rates are taken over."""
    bounds = {entry.metric: entry.bound_ms / 1000 for entry in spec.objectives}
    top = max((entry.percentile for entry in spec.objectives), default=90) / 100
    slower, faster = (f" * {factor:g}", f" / {factor:g}") if factor != 1 else ("", "")

    def latency(title: str, name: str, bound: float | None) -> Panel:
        inner = f"sum by (le) (rate(vllm:{name}_bucket{{{labels}}}[{rate}]))"
        lines = [
            Query(f"histogram_quantile({share:g}, {inner}){slower}", f"p{100 * share:g}")
            for share in sorted({0.5, top})
        ]
        mean = f"sum(rate(vllm:{name}_sum{{{labels}}}[{rate}])) / sum(rate(vllm:{name}_count{{{labels}}}[{rate}]))"
        return Panel(title, "s", (*lines, Query(mean + slower, "mean")), bound)

    def speed(name: str) -> str:
        return f"sum(rate(vllm:{name}_total{{{labels}}}[{rate}])){faster}"

    hourly = (spec.monthly_cost_usd or 0.0) * min(replicas / spec.replicas, 1.0) / HOURS_PER_MONTH
    tokens = f"({speed('prompt_tokens')} + {speed('generation_tokens')})"
    cost = (
        Panel(
            "Cost of 1,000 tokens",
            "currencyUSD",
            (Query(f"{hourly / 3600 * 1000:.6g} / {tokens}", "prompts and answers"),),
            description=f"Planned price of {replicas} replicas, {hourly:.4g} USD an hour, over what they serve",
        ),
    )
    running, waiting = (f"sum(vllm:num_requests_{state}{{{labels}}})" for state in ("running", "waiting"))
    hits = f"{speed('prefix_cache_hits')} / {speed('prefix_cache_queries')}"
    peak_rps = spec.traffic.request_rate_rps * min(replicas / spec.replicas, 1.0)
    return (
        latency("Time to first token", queries.TTFT, bounds.get("ttft")),
        latency("Time per output token", queries.TPOT, bounds.get("tpot")),
        latency("Whole answer", queries.E2E, bounds.get("e2e")),
        latency("Time in the queue", queries.QUEUE, None),
        Panel("Requests per second", "reqps", (Query(speed("request_success"), "finished"),), peak_rps,
              "The line is the planned peak"),
        Panel("Tokens per second", "short",
              (Query(speed("prompt_tokens"), "read"), Query(speed("generation_tokens"), "written"))),
        Panel("Requests running and waiting", "short", (Query(running, "running"), Query(waiting, "waiting"))),
        Panel("KV cache in use", "percentunit",
              (Query(f"max(vllm:kv_cache_usage_perc{{{labels}}})", "fullest replica"),), 0.95),
        Panel("Prefix cache hits", "percentunit", (Query(hits, "share of prompt tokens"),)),
        Panel("Preempted and refused per second", "reqps",
              (Query(speed("num_preemptions"), "preempted"), Query(speed("admission_rejections"), "refused"))),
        Panel("Replicas that answer", "short", (Query(f"count(vllm:num_requests_running{{{labels}}})", "replicas"),)),
        Panel("GPU utilisation", "percent",
              (Query(f"avg({queries.GPU_UTILIZATION}{{{gpu_labels}}})", "mean of cards"),),
              description="Empty unless NVIDIA's DCGM exporter is scraped"),
        *(cost if spec.monthly_cost_usd is not None else ()),
    )  # fmt: skip
