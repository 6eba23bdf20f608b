"""Every committed scenario through the one door: goals, questions, expectations, and no fall below the baseline."""

import asyncio
from pathlib import Path

import pytest

from evals.player import Played
from evals.report import baseline_of, read_baseline, regressions, summary
from evals.scenario import Scenario, read_scenarios
from ui.evaluating import evaluated

EVALS = Path(__file__).parent.parent / "evals"
SCENARIOS = read_scenarios((EVALS / "scenarios",))
REPLAYED_TWICE = (
    "three_pieces", "budget_relaxed", "why_not_the_big_one", "model_fills_a_gap", "killed_while_planning",
    "transcription",
)  # fmt: skip


@pytest.fixture(scope="module")
def played() -> dict[str, Played]:
    found = asyncio.run(evaluated(SCENARIOS))
    return {each.scenario.id: each for each in found.played}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_the_scenario_goes_as_written(scenario: Scenario, played: dict[str, Played]) -> None:
    found = played[scenario.id]
    assert [list(turn.faults) for turn in found.turns] == [[] for _ in found.turns]
    assert list(found.goal_faults) == []
    assert found.redundant_questions == 0


def test_no_figure_falls_below_the_committed_baseline(played: dict[str, Played]) -> None:
    assert regressions(summary(tuple(played.values())), read_baseline(EVALS / "baseline.json")) == []


def test_every_correction_is_taken_up_at_once_and_every_goal_reached(played: dict[str, Played]) -> None:
    overall = summary(tuple(played.values()))["overall"]
    assert overall["recovered"] == 1.0
    assert overall["goals_reached"] == 1.0
    assert overall["redundant_questions"] == 0
    assert overall["false_slots"] == 0


def test_at_most_one_question_a_turn(played: dict[str, Played]) -> None:
    for found in played.values():
        for turn in found.turns:
            assert sum(type(event).__name__ == "Asked" for event in turn.events) <= 1, found.scenario.id


def test_the_scenarios_cover_what_they_must(played: dict[str, Played]) -> None:
    assert len(played) >= 60
    assert {scenario.channel for scenario in SCENARIOS} == {"chat", "slack", "api"}
    assert sum(any(turn.crash for turn in scenario.turns) for scenario in SCENARIOS) >= 2
    assert sum(scenario.recording is not None for scenario in SCENARIOS) >= 3
    tasks = {turn.expect.slots.get("task_type") for scenario in SCENARIOS for turn in scenario.turns} - {None}
    kinds = {turn.expect.slots.get("workload_type") for scenario in SCENARIOS for turn in scenario.turns} - {None}
    assert len(tasks) == 12
    assert len(kinds) == 8
    assert sum(each.turns_to_approval is not None for each in played.values()) in (1, 2)


def test_the_same_script_gives_the_same_events() -> None:
    chosen = tuple(scenario for scenario in SCENARIOS if scenario.id in REPLAYED_TWICE)
    assert len(chosen) == len(REPLAYED_TWICE)
    assert asyncio.run(evaluated(chosen, twice=True)).varying == ()


def test_a_baseline_holds_no_times(played: dict[str, Played]) -> None:
    kept = baseline_of(summary(tuple(played.values())))
    assert not any("cpu" in name for row in (kept["overall"], *kept["scenarios"]) for name in row)
