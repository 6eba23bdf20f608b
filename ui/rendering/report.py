"""The verdict of a deployment: each objective measured beside predicted, what it costs, where each number is from."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from templates.numbers import amount, dollars
from ui.rendering.deployments import VERDICT_STYLE

Json = Mapping[str, Any]


def report_panel(report: Json) -> RenderableType:
    """A load report (JSON of `LoadReport` with `deployment_id`, `monthly_cost_usd` and `sources`)."""
    verdict = str(report["verdict"])
    heading = Text.assemble((verdict.replace("_", " "), VERDICT_STYLE[verdict]), f"  {report['reason']}")
    facts = Text(
        f"{report['requests']:,} requests at {amount(report['request_rate_rps'])}/s, {report['failed']} failed; "
        f"{amount(report['output_tok_s'])} tokens/s; goodput {amount(report['goodput_rps'])}/s; "
        f"uptime {amount(report['uptime_percent'])} %"
    )
    cost = Text.assemble(f"cost {dollars(report['monthly_cost_usd'])} a month", ("  planned, from the catalog", "dim"))
    notes = [Text(f"note: {warning}", style="dim") for warning in report["warnings"]]
    sources = [Text(f"{name}: {text}", style="dim") for name, text in report.get("sources", {}).items()]
    failures = [Text(f"{each['count']} × {each['kind']}: {each['example']}", style="red") for each in report["errors"]]
    body = Group(heading, _objectives(report), facts, cost, *failures, *notes, *sources)
    return Panel(body, title=f"Verdict · {report['deployment_id']}", title_align="left", box=box.ROUNDED)


def _objectives(report: Json) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("objective", "bound", "measured", "95 % interval", "predicted", "verdict"):
        table.add_column(name, justify="left" if name in ("objective", "verdict") else "right")
    for slo in report["slos"]:
        interval = "" if slo["low"] is None else f"{amount(slo['low'])} to {amount(slo['high'])}"
        verdict = Text(slo["verdict"].replace("_", " "), style=VERDICT_STYLE[slo["verdict"]])
        cells = (amount(slo["bound"]), amount(slo["measured"]), interval, amount(slo["predicted"]))
        table.add_row(slo["name"], *cells, verdict)
    return table
