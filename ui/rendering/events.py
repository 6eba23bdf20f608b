"""Session events in a terminal."""

from collections.abc import Callable
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.events import Asked, Card, Comparison, Event, Failed, Options, Progress, Replied, Report, Said
from templates.numbers import amount, dollars
from ui.rendering.badges import BADGES
from ui.rendering.plan import options_table


def render(event: Event, console: Console) -> None:
    """Print one event; progress is left to the caller's progress bar."""
    if not isinstance(event, Progress):
        console.print(_RENDERERS[type(event)](event))


def _said(event: Said) -> RenderableType:
    return Text(event.text)


def _asked(event: Asked) -> RenderableType:
    lines = Text(event.question, style="bold")
    for suggestion in event.suggestions:
        lines.append(f"\n  · {suggestion}", style="not bold")
    return lines


def _failed(event: Failed) -> RenderableType:
    text = Text(event.message, style="red")
    if event.what_to_do:
        text.append(f"\n{event.what_to_do}", style="dim")
    return text


def _card(event: Card) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("field")
    table.add_column("value", justify="right")
    table.add_column("unit", style="dim")
    table.add_column("from")
    for group in event.spec["groups"]:
        table.add_row(Text(group["name"], style="bold"), "", "", "")
        for field in group["fields"]:
            source = Text(field["source"], style=BADGES.get(field["source"], ""))
            if field.get("detail"):
                source.append(f"  {field['detail']}", style="dim")
            table.add_row(f"  {field['label']}", amount(field["value"]), field.get("unit") or "", source)
    title = f"{event.spec['title']} · revision {event.revision}"
    return Panel(
        table, title=title, title_align="left", box=box.ROUNDED, subtitle=_approval(event.spec), subtitle_align="left"
    )


def _approval(spec: dict[str, Any]) -> Text | None:
    """What `/approve` would do, and where; None when there is nothing to choose."""
    option, targets = spec["chosen"], spec.get("targets") or []
    if option is None or option["kind"] == "api" or len(targets) < 2:
        return None
    ways = " · ".join(f"/approve {each['name']}: {each['title']}" for each in targets)
    return Text(f"{ways} · planned {dollars(option['cost']['monthly_usd'])} a month", style="dim")


def _comparison(event: Comparison) -> RenderableType:
    table = Table(title=event.title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("", "before", "after", "difference"):
        table.add_column(column, justify="left" if not column else "right")
    for row in event.rows:
        percent = "" if row["percent"] is None else f"{row['percent']:+.0f} %"
        table.add_row(row["field"], amount(row["before"]), amount(row["after"]), percent)
    return table


def _options(event: Options) -> RenderableType:
    return options_table(event.options, event.lists, event.rejected, event.chosen)


def _replied(event: Replied) -> RenderableType:
    figures = [f"{event.output_tokens:,} tokens"]
    figures += [
        f"{name} {value:,.0f} ms" for name, value in (("TTFT", event.ttft_ms), ("TPOT", event.tpot_ms)) if value
    ]
    return Text(event.text) + Text(f"\n{', '.join(figures)}{'; ' + event.note if event.note else ''}", style="dim")


def _report(event: Report) -> RenderableType:
    from ui.rendering.report import report_panel

    return report_panel(event.report)


_RENDERERS: dict[type, Callable[[Any], RenderableType]] = {
    Said: _said,
    Asked: _asked,
    Failed: _failed,
    Card: _card,
    Comparison: _comparison,
    Options: _options,
    Replied: _replied,
    Report: _report,
}
