"""Two plans side by side in a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from templates.numbers import amount
from ui.rendering.plan import rejections
from ui.rendering.width import console_of_width

Json = Mapping[str, Any]

_CHEAPER_IS_BETTER = ("_usd", "_ms", "ttft", "tpot", "e2e", "total", "gpu_count")


def show_comparison(before: Json, after: Json, rows: Sequence[Json]) -> None:
    """Print every field that differs, and why a side has no option."""
    console = console_of_width()
    console.print(comparison_table(rows))
    for name, side in (("before", before), ("after", after)):
        if not side["feasible"]:
            console.print(Text(f"{name}: nothing serves this within the rules", style="bold red"))
            console.print(rejections(side["rejected"]))


def comparison_table(rows: Sequence[Json]) -> Table:
    """Fields, both values and the difference."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("", "before", "after", "difference"):
        table.add_column(name, justify="left" if not name else "right")
    part = ""
    for row in rows:
        head, _, field = row["field"].partition(".")
        if head != part:
            table.add_row(Text(head.replace("_", " "), style="bold"), "", "", "")
            part = head
        table.add_row(f"  {field}", amount(row["before"]), amount(row["after"]), _gap(row))
    return table


def _gap(row: Json) -> Text:
    if row["difference"] is None:
        return Text("")
    percent = f" ({row['percent']:+.0f} %)" if row["percent"] is not None else ""
    better = row["difference"] < 0 if any(mark in row["field"] for mark in _CHEAPER_IS_BETTER) else None
    style = "" if better is None else "green" if better else "yellow"
    return Text(f"{row['difference']:+,.6g}{percent}", style=style)
