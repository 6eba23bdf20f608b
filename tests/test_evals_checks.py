"""Checks, figures and reports of evaluations: a check that cannot fail proves nothing."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, get_args

import pytest

from agent.backends.completion import SCHEMA
from agent.backends.protocol import Message
from agent.events import Asked, Failed, Report, Said
from evals.checks import SlotCounts, faults, same, slot_counts
from evals.recorded import readings, rekeyed
from evals.report import read_baseline, regressions, write_report
from evals.scenario import Expectation, read_scenarios
from knowledge.errors import BadInput
from templates.prompts import prompt
from tools.loadtest.report import Verdict
from ui.crashing import crashed

ROW = {
    "id": "one", "channel": "chat", "passed": True, "goal_reached": True, "slot_f1": 1.0, "turns": 2, "cpu_ms": 3.0,
    "faults": [],
}  # fmt: skip
OVERALL: dict[str, Any] = {
    "slot_precision": 1.0, "slot_recall": 1.0, "slot_f1": 1.0, "goals_reached": 1.0, "passed": 1.0, "recovered": 1.0,
    "false_slots": 0, "redundant_questions": 0, "turns_to_plan": 1.2, "turns_to_approval": 2.0, "regret_percent": 0.0,
}  # fmt: skip


def result(row: dict[str, Any] | None = None, **overall: Any) -> dict[str, Any]:
    return {"scenarios": [ROW | (row or {})], "overall": OVERALL | overall}


@pytest.mark.parametrize(
    ("expected", "found", "holds"),
    [
        (5, 5.0000001, True), (5, 5.1, False), ({"min": 3}, 4, True), ({"min": 3, "max": 3.5}, 4, False),
        ({"min": 3}, None, False), (["a", "b"], ["b", "a"], True), (["a"], ["a", "b"], False), ("x", "y", False),
        ({"gpu": "H100"}, {"gpu": "H100", "count": 8}, True), (None, None, True),
    ],
)  # fmt: skip
def test_values_are_compared_as_scripts_mean_them(expected: Any, found: Any, holds: bool) -> None:
    assert same(expected, found) is holds


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_a_script_can_expect_every_verdict_of_a_load_test(verdict: Verdict) -> None:
    others = [Report({"verdict": each}) for each in get_args(Verdict) if each != verdict]
    expected = Expectation(verdict=verdict)
    assert not faults(expected, [Report({"verdict": verdict})], None, None)
    assert faults(expected, others, None, None)


def test_a_wrong_value_is_missed_and_false() -> None:
    expected = Expectation(slots={"total_users": 5, "task_type": "chatbot", "peak_qps": 2}, not_slots=("priority",))
    counts = slot_counts(expected, {"total_users": 6, "task_type": "chatbot", "peak_qps": None, "priority": "cost"})
    assert counts == SlotCounts(right=1, missed=2, false=2)
    assert counts.precision == pytest.approx(1 / 3)
    assert counts.recall == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("expected", "fault"),
    [
        (Expectation(asks=()), "asked about"), (Expectation(asks=("budget",)), "asked about"),
        (Expectation(), "failed: broken"),
        (Expectation(errors=("other",)), "no error about"), (Expectation(says=("unsaid",)), "was not said"),
        (Expectation(events=("report",)), "no event of type"), (Expectation(awaiting="review"), "awaiting words"),
        (Expectation(verdict="met"), "verdict"), (Expectation(plan={"kind": "api"}), "plan kind"),
        (Expectation(slots={"total_users": 1}), "slot total_users"),
    ],
)  # fmt: skip
def test_each_expectation_can_fail(expected: Expectation, fault: str) -> None:
    events = (Said("words"), Asked("total_users", "How many?"), Failed("broken", "mend it"))
    assert any(fault in found for found in faults(expected, events, None, None))


@pytest.mark.parametrize(
    ("worse", "named"),
    [
        ({"slot_f1": 0.9}, "slot_f1"), ({"recovered": 0.5}, "recovered"), ({"redundant_questions": 1}, "redundant"),
        ({"turns_to_plan": 1.3}, "turns_to_plan"), ({"regret_percent": 5.0}, "regret"),
        ({"false_slots": 2}, "false_slots"),
    ],
)  # fmt: skip
def test_a_fall_below_the_baseline_is_named(worse: dict[str, Any], named: str) -> None:
    (line,) = regressions(result(**worse), result())
    assert named in line


def test_a_scenario_that_passed_before_or_is_gone_is_named() -> None:
    assert regressions(result({"passed": False}), result()) == ["scenario one passed before"]
    assert regressions({**result(), "scenarios": []}, result()) == ["scenario one passed before"]
    assert regressions(result(), result()) == []


def test_reports_are_json_junit_and_a_page(tmp_path: Path) -> None:
    failed = result({"passed": False, "faults": ["turn 1: <slot> & more"]})
    for name in ("report.json", "report.xml", "report.html"):
        write_report(failed, tmp_path / name)
    assert json.loads((tmp_path / "report.json").read_text()) == failed
    suite = ET.fromstring((tmp_path / "report.xml").read_text())  # noqa: S314  # written two lines above
    assert suite.get("failures") == "1"
    assert "&lt;slot&gt; &amp; more" in (tmp_path / "report.html").read_text()
    with pytest.raises(BadInput, match="unknown report form"):
        write_report(failed, tmp_path / "report.doc")
    with pytest.raises(BadInput, match="cannot read the baseline"):
        read_baseline(tmp_path / "none.json")


@pytest.mark.parametrize(
    "script",
    [
        "id: a\nturns: []", "id: a\nturns: [{user: x, action: undo}]", "id: a\nturns: [{user: x, expect: {slot: {}}}]",
        "id: a\nturns: [{action: undo, crash: profile}]", "turns: [{user: x}]", ": : :",
    ],
)  # fmt: skip
def test_a_misspelt_script_is_refused(script: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(script)
    with pytest.raises(BadInput):
        read_scenarios((file,))


def test_a_recording_answers_only_what_was_recorded(tmp_path: Path) -> None:
    file = tmp_path / "helper.jsonl"
    file.write_text(rekeyed('{"said": "hello", "answer": "{}"}\n', "recorded:helper"))
    helper = readings(file)
    assert helper.answer([Message("system", prompt("extract")), Message("user", "hello")], SCHEMA) == "{}"
    assert not helper.answer([Message("user", "phrase this")], None)
    with pytest.raises(BadInput, match="not recorded"):
        helper.answer([Message("system", prompt("extract")), Message("user", "something else")], SCHEMA)


async def test_a_crash_in_a_step_that_never_begins_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="never began"):
        await crashed(tmp_path, "t", "hello", "deploy")
