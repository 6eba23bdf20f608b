"""The picks of a plan as simulated, beside what screening found: neither figure replaces the other."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group, RenderableType
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from ui.rendering.plan import headline
from ui.rendering.width import console_of_width

if TYPE_CHECKING:
    from tools.planner import Plan
    from tools.planner.refinement import Refined

Json = Mapping[str, Any]

_SHOWN = ("p50", "p90", "p99")


def refined_with_progress(plan: "Plan") -> "dict[str, Refined]":
    """Simulate the picks; a terminal sees how far it is."""
    from tools.planner.refinement import finalists, refine

    console, picks = console_of_width(), finalists(plan)
    columns = (TextColumn("simulating the picks"), BarColumn(), TextColumn("{task.completed} of {task.total}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("simulate", total=len(picks))
        return refine(plan, picks, seen=lambda _: progress.advance(task))


def show_refined(plan: Json, refined: Mapping[str, Json]) -> None:
    """Print the simulated figures of the picks (the JSON of each) below those of screening."""
    if refined:
        console_of_width().print(refined_view(plan, refined))


def refined_view(plan: Json, refined: Mapping[str, Json]) -> RenderableType:
    """Two rows per pick and its verdict."""
    options = {option["id"]: option for option in plan["options"]}
    perceived = plan["slo"]["e2e_basis"] == "perceived"
    end = "perceived_ms" if perceived else "e2e_ms"
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title_justify="left")
    table.title = "Simulated at the peak, ms"
    for name in ("pick", "", "TTFT p50", "p90", "p99", "TPOT p50", "p90", "p99"):
        table.add_column(name, justify="left" if name in ("pick", "") else "right")
    for name in (f"E2E{' perceived' if perceived else ''} p50", "p90", "p99"):
        table.add_column(name, justify="right")
    verdicts = []
    for key, found in refined.items():
        option = options[key]
        name = f"{_named(option)}, {option['replicas']} replica{'s' if option['replicas'] > 1 else ''}"
        table.add_row(name, Text("screened", style="dim"), *_times(option["predicted"], end))
        classes = found.get("classes", ())
        table.add_row("", "simulated", *_times(found, end), end_section=not classes)
        for place, each in enumerate(classes, start=1):
            label = (
                f"  {each['name']}{'' if each['streaming'] else ' (not streamed)'}: {each['goodput_share']:.0%} on time"
            )
            table.add_row(label, "", *_times(each, "e2e_ms"), style="dim", end_section=place == len(classes))
        style = "green" if found["holds"] else "bold red"
        verdicts.append(Text.assemble((f"{_named(option)}: ", "bold"), (found["text"], style)))
    return Group(table, *verdicts)


def _named(option: Json) -> str:
    return headline(option) + (", with settings" if option.get("tuned") else "")


def _times(values: Json, end: str) -> list[str]:
    return [f"{values[name][each]:,.{digits}f}" for name, digits in _fields(end) for each in _SHOWN]


def _fields(end: str) -> tuple[tuple[str, int], ...]:
    return ("ttft_ms", 0), ("tpot_ms", 1), (end, 0)
