"""A sweep in a terminal: one row per combination, with what its picks cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from templates.numbers import amount, dollars
from ui.rendering.width import console_of_width

if TYPE_CHECKING:
    from tools.planner.sweep import Pick, Swept


def show_sweep(fields: Sequence[str], found: "Sequence[Swept]") -> None:
    """Print the balanced and the cheapest pick of every point."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in (*fields, "peak/s", "balanced", "a month", "lowest cost", "a month"):
        table.add_column(name, justify="right" if name in ("a month", "peak/s") else "left")
    for each in found:
        values = [str(value) for value in each.changes.values()]
        peak = amount(each.peak_qps) if each.peak_qps is not None else ""
        if not each.picks:
            table.add_row(*values, peak, Text(each.error or "nothing serves this", style="red"), "", "", "")
            continue
        cells = [cell for name in ("balanced", "lowest_cost") for cell in _cells(each.picks.get(name))]
        table.add_row(*values, peak, *cells)
    console_of_width().print(table)


def _cells(pick: "Pick | None") -> tuple[Text, str]:
    if pick is None:
        return Text(""), ""
    model = pick.model_id.rsplit("/", 1)[-1]
    where = f"{pick.gpu_count} × {pick.runs_on}" if pick.gpu_count else f"by {pick.runs_on}"
    held = {True: ("  holds", "green"), False: ("  misses when simulated", "red"), None: ("", "")}[pick.holds]
    return Text.assemble(f"{model} {where}", held), dollars(pick.monthly_usd)
