"""An observation for a terminal: objectives, resources, cost and traffic beside the plan, then what to do."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from templates.numbers import amount, dollars
from ui.rendering.deployments import console

if TYPE_CHECKING:
    from knowledge.records import Deployment
    from tools.deploy.specification import DeploymentSpec
    from tools.observe import Finding, Observation

_STYLE = {"met": "green", "not_met": "bold red", "unknown": "dim", "critical": "bold red", "warning": "yellow",
          "advice": "cyan"}  # fmt: skip


def show_observation(
    deployment: "Deployment",
    spec: "DeploymentSpec",
    seen: "Sequence[Observation]",
    findings: "Sequence[Finding]",
) -> None:
    """The whole answer."""
    out, first = console(), seen[0]
    out.print(Text(f"{deployment.deployment_id}: {spec.model_id} on {deployment.gpu_count} × {spec.gpu_type}", "bold"))
    covered = f", of which {first.covered_s:,.0f} s are covered" if first.covered_s < 0.95 * first.window_s else ""
    out.print(f"the last {first.window_s:,.0f} s{covered}, as {first.source} saw them at {first.at[:19]}Z")
    if deployment.time_factor != 1:
        out.print(Text(f"simulated {deployment.time_factor:g} times faster than real; figures are as if it were real"))
    out.print(_objectives(seen))
    sheet = Table(box=None, show_header=False, pad_edge=False)
    sheet.add_column(style="dim")
    sheet.add_column(overflow="fold")
    for name, value in (*_resources(first), *_costs(first), *_traffic(first)):
        sheet.add_row(name, value)
    out.print(sheet)
    if not findings:
        out.print("nothing to act on in this window")
    for each in findings:
        saving = each.saving_usd_per_month
        price = "" if saving is None else f" ({'saves' if saving >= 0 else 'costs'} {dollars(abs(saving))} a month)"
        out.print(Text(each.severity, _STYLE[each.severity]) + Text(f": {each.text}{price}", "default"))
        out.print(Text(f"  → {each.action}", "dim"))


def _objectives(seen: "Sequence[Observation]") -> Table:
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("objective", "window", "bound", "measured", "between", "in time", "verdict"):
        sheet.add_column(column, justify="left" if column in ("objective", "window", "verdict") else "right")
    for each in seen:
        for slo in each.slos:
            between = "" if slo.lower_ms is None else f"{amount(slo.lower_ms)} to {amount(slo.upper_ms)}"
            share = "" if slo.share_within is None else f"{slo.share_within:.1%}"
            verdict = Text(slo.verdict.replace("_", " "), _STYLE[slo.verdict])
            told = verdict + Text(f" ({slo.note})" if slo.note else "", "dim")
            sheet.add_row(slo.slo, f"{each.window_s:,.0f} s", amount(slo.bound_ms), amount(slo.measured_ms), between,
                          share, told)  # fmt: skip
    return sheet


def _resources(seen: "Observation") -> Iterator[tuple[str, str]]:
    engine = seen.engine
    yield "replicas", f"{amount(engine.answering)} of {engine.replicas} answer, up {_percent(engine.up_share)}"
    yield (
        "batch",
        f"{amount(engine.running_mean)} running on average, at most {amount(engine.running_most)} in a replica",
    )
    yield "queue", f"{amount(engine.waiting_mean)} waiting on average, at most {amount(engine.waiting_most)}"
    yield "KV cache", f"{_percent(engine.kv_mean)} on average, {_percent(engine.kv_most)} at most"
    told = "not exported (no DCGM)" if engine.gpu_utilization is None else _percent(engine.gpu_utilization)
    memory = "" if engine.gpu_memory_gib is None else f", {amount(engine.gpu_memory_gib)} GiB per card"
    yield "GPU use", told + memory
    yield "idle", _percent(engine.idle_share)


def _costs(seen: "Observation") -> Iterator[tuple[str, str]]:
    costs = seen.costs
    if costs.usd_per_month is None:
        yield "cost", "unknown: the plan has no price"
        return
    yield "cost", f"{dollars(costs.usd_per_month)} a month for these replicas, as planned"
    per_1k, full = dollars(costs.usd_per_1k_tokens), dollars(costs.usd_per_1k_tokens_at_plan)
    yield "per 1,000 tokens", f"{per_1k} ({full} at the planned peak)"
    yield "per request", dollars(costs.usd_per_request)
    yield "idle cost", f"{dollars(costs.idle_usd_per_month)} a month"


def _traffic(seen: "Observation") -> Iterator[tuple[str, str]]:
    traffic = seen.traffic
    yield (
        "requests",
        f"{amount(traffic.requests)}, {amount(traffic.request_rate_rps)}/s, {_percent(traffic.error_share)} failed",
    )
    yield "throughput", f"{amount(traffic.output_tok_s)} tokens/s written, {amount(traffic.prompt_tok_s)} read"
    yield "prefix cache", f"{_percent(traffic.prefix_hit_share)} of prompt tokens"
    for each in seen.forecast:
        yield each.what, f"{amount(each.measured)} {each.unit} (planned: {amount(each.planned)})"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}"
