"""Deployments and load tests for a terminal: tables on stdout, progress on stderr."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from templates.numbers import amount, dollars
from ui.rendering.width import console_of_width

if TYPE_CHECKING:
    from knowledge.records import Deployment
    from tools.deploy.target import OnProgress as OnDeployProgress
    from tools.loadtest import LoadReport
    from tools.loadtest.runner import LoadProgress, OnProgress
    from tools.loadtest.saturation import Saturation

VERDICT_STYLE = {"met": "bold green", "not_met": "bold red", "inconclusive": "bold yellow"}
STATE_STYLE = {"verified": "green", "applied": "cyan", "pending": "yellow", "failed": "red", "rolled_back": "dim"}


@contextmanager
def _bar(what: str) -> Iterator[tuple[Progress, Any]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[note]}"))
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bars:
        yield bars, bars.add_task(what, total=1.0, note="")


@contextmanager
def deploy_progress(what: str) -> Iterator["OnDeployProgress"]:
    """A bar that follows a deployment."""
    with _bar(what) as (bars, task):
        yield lambda event: bars.update(task, completed=event.fraction, note=event.note)


@contextmanager
def load_progress(what: str) -> Iterator["OnProgress"]:
    """A bar that follows a load test, with what was sent, answered and failed so far."""
    with _bar(what) as (bars, task):

        def show(event: "LoadProgress") -> None:
            ttft = "" if event.ttft_p90_ms is None else f", TTFT p90 {amount(event.ttft_p90_ms)} ms"
            note = f"{event.sent} sent, {event.completed} answered, {event.failed} failed, {event.in_flight} open{ttft}"
            bars.update(task, completed=event.fraction, note=note)

        yield show


def show_deployment(deployment: "Deployment", lines: Sequence[tuple[str, str]] = ()) -> None:
    """One deployment, its facts one per line."""
    from tools.deploy.simulator_command import ENGINE as SIMULATED

    sheet = Table(box=None, show_header=False, pad_edge=False)
    sheet.add_column(style="dim")
    sheet.add_column(overflow="fold")
    state = Text(deployment.state, style=STATE_STYLE[deployment.state])
    sheet.add_row("deployment", deployment.deployment_id)
    sheet.add_row("state", state if not deployment.reason else state + Text(f": {deployment.reason}", style="default"))
    sheet.add_row("model", f"{deployment.model_id} on {deployment.gpu_count} × {deployment.gpu_type}")
    sheet.add_row("endpoint", ", ".join(dict.fromkeys(deployment.endpoints)) or "none")
    if deployment.time_factor != 1:
        sheet.add_row("time factor", f"{deployment.time_factor:g} (the simulator runs that much faster than real time)")
    free = " (the simulator itself is free)" if deployment.engine == SIMULATED else ""
    sheet.add_row("planned cost", f"{dollars(deployment.monthly_cost_usd)} a month{free}")
    for name, value in lines:
        sheet.add_row(name, value)
    console().print(sheet)


def show_deployments(rows: Sequence[Mapping[str, Any]]) -> None:
    """All deployments, one per line."""
    if not rows:
        console().print("nothing was deployed yet; begin with `sextant deploy`")
        return
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("deployment", "state", "model", "accelerators", "endpoint", "USD a month", "verdict", "changed"):
        sheet.add_column(column, justify="right" if column.startswith("USD") else "left", overflow="fold")
    for row in rows:
        sheet.add_row(
            row["deployment_id"],
            Text(row["state"], style=STATE_STYLE[row["state"]]),
            row["model_id"],
            f"{row['gpu_count']} × {row['gpu_type']}",
            row["endpoint"] or "",
            dollars(row["monthly_cost_usd"]),
            verdict_text(row["verdict"]),
            row["updated_at"][:16].replace("T", " "),
        )
    console().print(sheet)


def show_report(report: "LoadReport") -> None:
    """The verdict, each objective measured beside predicted, and what was noticed."""
    out = console()
    out.print(verdict_text(report.verdict), Text(report.reason))
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("objective", "bound", "measured", "95 % interval", "predicted", "verdict", ""):
        sheet.add_column(column, justify="left" if column in ("objective", "verdict", "") else "right", overflow="fold")
    for slo in report.slos:
        interval = "" if slo.low is None and slo.high is None else f"{amount(slo.low)} to {amount(slo.high)}"
        sheet.add_row(
            slo.name,
            amount(slo.bound),
            amount(slo.measured),
            interval,
            amount(slo.predicted),
            verdict_text(slo.verdict),
            slo.note,
        )
    out.print(sheet)
    out.print(
        f"{report.requests} requests at {amount(report.request_rate_rps)}/s, {report.failed} failed, "
        f"{amount(report.output_tok_s)} tokens/s, goodput {amount(report.goodput_rps)}/s, "
        f"uptime {amount(report.uptime_percent)} %"
    )
    for error in report.errors:
        out.print(Text(f"{error.count} × {error.kind}: {error.example}", style="red"))
    for warning in report.warnings:
        out.print(Text(f"note: {warning}", style="dim"))


def show_saturation(found: "Saturation") -> None:
    """The rates that were tried and the highest that held."""
    out = console()
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("requests/s", "completed/s", "tokens/s", "held", ""):
        sheet.add_column(column, justify="right" if "/s" in column else "left", overflow="fold")
    for step in found.steps:
        held = Text("yes", style="green") if step.sustained else Text("no", style="red")
        sheet.add_row(
            amount(step.request_rate_rps), amount(step.achieved_rps), amount(step.output_tok_s), held, step.reason
        )
    out.print(sheet)
    limit = " (the search went no higher)" if found.bounded else ""
    out.print(f"holds up to {amount(found.highest_rps)} requests/s{limit}")


def verdict_text(verdict: str | None) -> Text:
    """A verdict in its colour."""
    return Text((verdict or "").replace("_", " "), style=VERDICT_STYLE.get(verdict or "", "default"))


def console() -> Console:
    """A terminal as wide as it is; a pipe as wide as a table needs."""
    return console_of_width(200)
