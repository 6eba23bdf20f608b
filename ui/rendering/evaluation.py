"""An evaluation in a terminal."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table


def print_evaluation(result: dict[str, Any], worse: list[str]) -> None:
    """The figures per script, overall, and what fell below the baseline."""
    console = Console()
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("script")
    for column in ("slot F1", "turns", "CPU ms", "goal"):
        table.add_column(column, justify="right")
    table.add_column("faults", overflow="fold")
    for row in result["scenarios"]:
        style = "" if row["passed"] else "red"
        goal = "reached" if row["goal_reached"] else "missed"
        table.add_row(
            row["id"],
            f"{row['slot_f1']:.3f}",
            str(row["turns"]),
            f"{row['cpu_ms']:.0f}",
            goal,
            "\n".join(row["faults"]),
            style=style,
        )
    console.print(table)
    overall = result["overall"]
    console.print(
        f"{overall['scenarios']} scripts, {overall['passed']:.1%} passed, goals {overall['goals_reached']:.1%}; "
        f"slots P {overall['slot_precision']:.3f} R {overall['slot_recall']:.3f} F1 {overall['slot_f1']:.3f}, "
        f"{overall['false_slots']} false; {overall['redundant_questions']} redundant questions; "
        f"corrections taken up {overall['recovered']:.1%}; regret {_known(overall['regret_percent'])} %; "
        f"turns to a plan {_known(overall['turns_to_plan'])}, to approval {_known(overall['turns_to_approval'])}; "
        f"CPU per turn p50 {overall['turn_cpu_p50_ms']:.0f} ms, p95 {overall['turn_cpu_p95_ms']:.0f} ms",
        highlight=False,
    )
    for line in worse:
        console.print(f"below the baseline: {line}", style="red", markup=False)


def _known(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
