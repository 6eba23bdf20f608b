"""What an evaluation found: figures per script and overall, as JSON, JUnit and a small page; beside a baseline."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from evals.checks import SlotCounts
from evals.player import Played
from knowledge.errors import BadInput
from knowledge.files import save_as

Json = dict[str, Any]
HIGHER_IS_BETTER = ("slot_precision", "slot_recall", "slot_f1", "goals_reached", "passed", "recovered")
LOWER_IS_BETTER = ("false_slots", "redundant_questions", "turns_to_plan", "turns_to_approval", "regret_percent")
INFORMATIVE = ("cpu_ms", "turn_cpu_p50_ms", "turn_cpu_p95_ms")
TOLERANCE = {"regret_percent": 1.0}
"""How much worse a figure may be before it counts: bills move with the planner by less than that."""


def summary(played: Sequence[Played]) -> Json:
    """Figures per scenario and overall. Times are CPU milliseconds of this process per turn."""
    slots = sum((item.slots for item in played), SlotCounts())
    times = sorted(turn.cpu_ms for item in played for turn in item.turns)
    return {
        "scenarios": [_row(item) for item in played],
        "overall": {
            "scenarios": len(played),
            "passed": _share(item.passed for item in played),
            "goals_reached": _share(item.goal_reached for item in played),
            **_slot_figures(slots),
            "false_slots": slots.false,
            "turns": sum(len(item.turns) for item in played),
            "redundant_questions": sum(item.redundant_questions for item in played),
            "recovered": _share(taken for item in played for taken in item.corrections),
            "turns_to_plan": _mean(item.turns_to_plan for item in played),
            "turns_to_approval": _mean(item.turns_to_approval for item in played),
            "regret_percent": _mean(item.regret_percent for item in played),
            "turn_cpu_p50_ms": _quantile(times, 0.5),
            "turn_cpu_p95_ms": _quantile(times, 0.95),
        },
    }


def regressions(found: Json, baseline: Json) -> list[str]:
    """Where the figures fell below the committed baseline, overall or in a script that passed before."""
    worse = [
        f"{name}: {found['overall'][name]:.4f}, baseline {baseline['overall'][name]:.4f}"
        for name in HIGHER_IS_BETTER
        if found["overall"][name] < baseline["overall"][name] - 1e-9
    ]
    worse += [
        f"{name}: {found['overall'][name]:.4f}, baseline {baseline['overall'][name]:.4f}"
        for name in LOWER_IS_BETTER
        if (found["overall"][name] or 0) > (baseline["overall"][name] or 0) + TOLERANCE.get(name, 1e-9)
    ]
    now = {row["id"]: row["passed"] for row in found["scenarios"]}
    return worse + [
        f"scenario {row['id']} passed before"
        for row in baseline["scenarios"]
        if row["passed"] and not now.get(row["id"])
    ]


def baseline_of(result: Json) -> Json:
    """The part of a report that a baseline keeps: figures that do not depend on the machine."""
    rows = [{name: row[name] for name in row if name not in INFORMATIVE} for row in result["scenarios"]]
    overall = {name: value for name, value in result["overall"].items() if name not in INFORMATIVE}
    return {"scenarios": rows, "overall": overall}


def write_report(result: Json, file: Path) -> None:
    """Write the report in the form that the name asks for: .json, .xml (JUnit) or .html. Raises BadInput."""
    writers = {".json": _json, ".xml": _junit, ".html": _html}
    writer = writers.get(file.suffix)
    if writer is None:
        raise BadInput(f"unknown report form {file.suffix or file.name!r}", f"use one of {', '.join(writers)}")
    save_as(file, writer(result), field="report")


def read_baseline(file: Path) -> Json:
    """The committed figures. Raises BadInput."""
    try:
        baseline: Json = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot read the baseline {file}: {error}", "give the .json of an earlier report") from error
    return baseline


def _row(item: Played) -> Json:
    return {
        "id": item.scenario.id,
        "channel": item.scenario.channel,
        "passed": item.passed,
        "goal_reached": item.goal_reached,
        **_slot_figures(item.slots),
        "false_slots": item.slots.false,
        "turns": len(item.turns),
        "redundant_questions": item.redundant_questions,
        "turns_to_plan": item.turns_to_plan,
        "turns_to_approval": item.turns_to_approval,
        "regret_percent": item.regret_percent,
        "cpu_ms": round(sum(turn.cpu_ms for turn in item.turns), 1),
        "faults": [
            *(f"turn {number}: {fault}" for number, turn in enumerate(item.turns, 1) for fault in turn.faults),
            *(f"goal: {fault}" for fault in item.goal_faults),
        ],
    }


def _slot_figures(slots: SlotCounts) -> Json:
    return {"slot_precision": slots.precision, "slot_recall": slots.recall, "slot_f1": slots.f1}


def _share(values: Any) -> float:
    flags = list(values)
    return sum(flags) / len(flags) if flags else 1.0


def _mean(values: Iterable[float | None]) -> float | None:
    """Mean of the known values; None when there are none."""
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 4) if known else None


def _quantile(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else 0.0


def _json(result: Mapping[str, Any]) -> str:
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def _junit(result: Mapping[str, Any]) -> str:
    rows = result["scenarios"]
    suite = Element("testsuite", name="sextant", tests=str(len(rows)), failures=str(sum(not r["passed"] for r in rows)))
    for row in rows:
        case = SubElement(suite, "testcase", name=row["id"], time=f"{row['cpu_ms'] / 1000:.3f}")
        if not row["passed"]:
            SubElement(case, "failure", message=row["faults"][0]).text = "\n".join(row["faults"])
    return tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _html(result: Mapping[str, Any]) -> str:
    head = "".join(f"<tr><th>{escape(k)}</th><td>{v}</td></tr>" for k, v in result["overall"].items())
    body = "".join(
        f"<tr class={'ok' if row['passed'] else 'bad'}><td>{escape(row['id'])}</td><td>{row['slot_f1']:.3f}</td>"
        f"<td>{row['turns']}</td><td>{row['cpu_ms']}</td><td>{escape('; '.join(row['faults']))}</td></tr>"
        for row in result["scenarios"]
    )
    return (
        "<!doctype html><meta charset=utf-8><title>Sextant evaluation</title>"
        "<style>body{font:14px system-ui;margin:2rem}table{border-collapse:collapse;margin:1rem 0}"
        "td,th{padding:.25rem .75rem;border-bottom:1px solid #ddd;text-align:left}.bad{background:#fee}</style>"
        f"<h1>Sextant evaluation</h1><table>{head}</table><table><tr><th>script<th>slot F1<th>turns"
        f"<th>CPU ms<th>faults</tr>{body}</table>\n"
    )
