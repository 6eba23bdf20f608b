"""A plan as a report: it loads nothing, escapes what people wrote, says the same in both forms, is whole or absent."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from knowledge.errors import BadInput
from knowledge.snapshot import Snapshot
from tools.intent import Intent
from tools.market import Market
from tools.planner import Plan, plan
from ui.cli import app
from ui.rendering.plan_report import plan_report, write_plan_report

NEED = Intent(
    task_type="chatbot", total_users=1000, use_case_description="<script>alert('x')</script> for | friends",
    preferred_models=("meta-llama/Llama-3.1-8B-Instruct",),
)  # fmt: skip


@pytest.fixture(scope="module")
def made(snapshot: Snapshot, market: Market) -> Plan:
    return plan(NEED, snapshot, market, limit=3)


def test_the_page_is_self_contained_and_harmless(made: Plan, snapshot: Snapshot, market: Market) -> None:
    text = plan_report(made, "html", snapshot, market)
    assert not re.search(r"<script|<link|<img|src=|@import|url\(", text)
    assert "&lt;script&gt;" in text
    assert text.count("<svg") == 5
    best = made.best("balanced")
    assert best is not None
    assert best.model_id in text
    assert made.snapshot in text
    assert made.market in text


def test_markdown_says_the_same_picks_in_unbroken_tables(made: Plan, snapshot: Snapshot, market: Market) -> None:
    text = plan_report(made, "md", snapshot, market)
    for name in ("## What is needed", "## Picks", "## Simulated at the peak", "## Options"):
        assert name in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert widths <= {4, 5, 9, 10}
    assert "\\<script>" in text


def test_a_chosen_option_is_told_in_detail(made: Plan, snapshot: Snapshot, market: Market) -> None:
    other = made.options[1]
    assert other.why in plan_report(made, "md", snapshot, market, other)


def test_a_plan_that_nothing_serves_is_a_report_too(snapshot: Snapshot, market: Market) -> None:
    need = NEED.model_copy(update={"target_ttft_p90_ms": 0.5, "deployment_model": "cloud_rental"})
    none = plan(need, snapshot, market)
    assert not none.feasible
    for form in ("html", "md"):
        text = plan_report(none, form, snapshot, market)
        assert "Nothing serves this within the rules" in text
        assert "What was left out" in text


def test_speech_is_reported_without_targets_that_do_not_apply(snapshot: Snapshot, market: Market) -> None:
    text = plan_report(plan(Intent(workload_type="speech_to_text"), snapshot, market), "md", snapshot, market)
    assert "# Plan for speech to text" in text
    assert "Time to first token" not in text


def test_a_report_is_written_whole_or_not_at_all(
    made: Plan, snapshot: Snapshot, market: Market, tmp_path: Path
) -> None:
    write_plan_report([made], tmp_path / "plan.md", snapshot, market)
    assert (tmp_path / "plan.md").read_text().startswith("# Plan for chatbot")
    for plans, name, words in (([made], "plan.pdf", "pdf"), ([made, made], "two.html", "one plan")):
        with pytest.raises(BadInput, match=words):
            write_plan_report(plans, tmp_path / name, snapshot, market)
    with pytest.raises(BadInput, match="cannot be written"):
        write_plan_report([made], tmp_path / "nowhere" / "plan.md", snapshot, market)
    assert [each.name for each in tmp_path.iterdir()] == ["plan.md"]


def test_the_command_line_writes_one(tmp_path: Path) -> None:
    file = tmp_path / "plan.html"
    result = CliRunner().invoke(app, ["plan", "a chatbot for 500 users", "--json", "--report", str(file)])
    assert result.exit_code == 0, result.output
    assert "<svg" in file.read_text()
