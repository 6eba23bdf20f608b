"""`sextant plan` and `sextant compare` as programs and people meet them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

INTENT: dict[str, Any] = {
    "task_type": "chatbot",
    "total_users": 1000,
    "preferred_models": ["meta-llama/Llama-3.1-8B-Instruct"],
    "gpu_types": ["NVIDIA-L4-24GB", "NVIDIA-H100-80GB-SXM"],
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(sextant: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "160")
    return sextant


@pytest.fixture
def spec(tmp_path: Path) -> str:
    return write(tmp_path, INTENT)


def write(folder: Path, value: object, name: str = "intent.json") -> str:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


def test_json_carries_schema_snapshot_and_the_plan(run: Run, spec: str) -> None:
    code, out, err = run("plan", "--spec", spec, "--json", "--limit", "3")
    plan = json.loads(out)
    assert (code, err) == (0, "")
    assert plan["schema_version"] == 1
    assert plan["snapshot"]
    assert plan["options"][0]["model_id"] == "meta-llama/Llama-3.1-8B-Instruct"
    assert run("plan", "--spec", spec, "--json", "--limit", "3")[1] == out


def test_words_are_understood_and_their_span_kept(run: Run) -> None:
    code, out, _ = run("plan", "a chatbot for 1000 users, under $5000 a month", "--json", "--limit", "1")
    plan = json.loads(out)
    assert code == 0
    assert plan["intent"]["total_users"] == 1000
    assert plan["intent"]["budget"]["max_monthly_cost_usd"] == 5000
    assert plan["traffic"]["provenance"]["task_type"]["text"] == "chatbot"


def test_people_see_specification_picks_options_and_what_was_left_out(run: Run, spec: str) -> None:
    code, out, _ = run("plan", "--spec", spec)
    assert code == 0
    for part in ("Specification", "Picks", "Options", "Left out", "derived", "template", "lowest cost"):
        assert part in out


def test_people_see_the_picks_simulated_and_programs_when_they_ask(run: Run, spec: str) -> None:
    assert "Simulated at the peak" in run("plan", "--spec", spec)[1]
    assert "Simulated at the peak" not in run("plan", "--spec", spec, "--no-refine")[1]
    plain, refined = (json.loads(run("plan", "--spec", spec, "--json", *more)[1]) for more in ((), ("--refine",)))
    figures = refined.pop("refined")
    assert refined == plain
    assert {plain["lists"]["balanced"][0], plain["lists"]["lowest_cost"][0]} <= set(figures)
    assert all(each["ttft_ms"]["p99"] >= each["ttft_ms"]["p50"] > 0 for each in figures.values())


def test_a_mix_of_classes_stands_beside_the_intent(run: Run, tmp_path: Path) -> None:
    classes = [
        {"name": "short", "share": 0.9, "prompt_length_avg": 300, "generation_length_avg": 80},
        {"name": "long", "share": 0.1, "prompt_length_avg": 5000, "generation_length_avg": 400, "streaming": False},
    ]
    path = write(tmp_path, {"intent": INTENT, "classes": classes})
    shown = json.loads(run("plan", "--spec", path, "--json")[1])["traffic"]
    assert shown["isl"]["mean"] == pytest.approx(0.9 * 300 + 0.1 * 5000)
    assert [each["streaming"] for each in shown["classes"]] == [True, False]
    assert shown["concurrency_peak"] > shown["concurrency_average"] > 0
    assert json.loads(run("plan", "--spec", write(tmp_path, {**INTENT, "classes": classes}), "--json")[1])
    assert "long (not streamed)" in run("plan", "--spec", path)[1]
    code, _, err = run("plan", "--spec", write(tmp_path, {"intent": INTENT, "classes": classes[:1]}))
    assert code == 2
    assert "add up to 0.9" in err


def test_a_wrapped_intent_and_set_fields_are_read(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path, {"intent": INTENT})
    _, out, _ = run(
        "plan", "--spec", path, "--set", "total_users=50", "--set", "budget.max_monthly_cost_usd=900", "--json"
    )
    intent = json.loads(out)["intent"]
    assert intent["total_users"] == 50
    assert intent["budget"]["max_monthly_cost_usd"] == 900


def test_infeasible_exits_with_3_and_still_says_why(run: Run, spec: str) -> None:
    code, out, _ = run("plan", "--spec", spec, "--set", "budget.max_monthly_cost_usd=1", "--json")
    plan = json.loads(out)
    assert code == 3
    assert plan["options"] == []
    assert plan["feasible"] is False
    assert plan["rejected"]["counts"]["budget"] > 0
    assert any(miss["change"] for miss in plan["rejected"]["nearest"])
    code, out, _ = run("plan", "--spec", spec, "--set", "budget.max_monthly_cost_usd=1")
    assert code == 3
    assert "--set budget.max_monthly_cost_usd=" in out


def test_several_intents_are_a_portfolio(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path, [INTENT, INTENT | {"total_users": 4000}])
    code, out, _ = run("plan", "--spec", path, "--json", "--limit", "2")
    found = json.loads(out)
    assert code == 0
    assert len(found["plans"]) == 2
    assert found["portfolio"]["total_monthly_usd"]["lowest_cost"] > 0
    assert "Portfolio" in run("plan", "--spec", path)[1]


def test_one_candidate_is_explained(run: Run, spec: str) -> None:
    _, out, _ = run("plan", "--spec", spec, "--why", "meta-llama/Llama-3.3-70B-Instruct@L4:4:fp8", "--json")
    assert json.loads(out)["candidate"]["admitted"] is False


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--set", "total_userz=5"), "total_users"),
        (("--set", "expected_qps=NaN"), "expected_qps"),
        (("--set", "total_users=-5"), "total_users"),
        (("--set", "total_users=0"), "total_users"),
        (("--set", "prompt_length_avg=1e99"), "prompt_length_avg"),
        (("--set", "gpu_types=H1000"), "H1000"),
        (("--set", "preferred_models=acme/unheard-of-9b"), "acme/unheard-of-9b"),
        (("--set", "total_users"), "field=value"),
    ],
)
def test_bad_values_are_one_clear_line_and_exit_2(run: Run, spec: str, arguments: tuple[str, ...], names: str) -> None:
    code, out, err = run("plan", "--spec", spec, *arguments)
    assert code == 2
    assert out == ""
    assert names in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "content", ["", "not json", "[]", "3", '{"total_users": NaN}', '{"total_users": -1}', '{"surprise": 1}']
)
def test_bad_files_are_one_clear_line_and_exit_2(run: Run, tmp_path: Path, content: str) -> None:
    code, out, err = run("plan", "--spec", write(tmp_path, content))
    assert (code, out) == (2, "")
    assert err.count("\n") <= 2


def test_missing_files_empty_words_and_neither_are_refused(run: Run, tmp_path: Path) -> None:
    for arguments in (("--spec", str(tmp_path / "none.json")), ("   ",), (), ("words", "--spec", "x.json")):
        assert run("plan", *arguments)[0] == 2


def test_compare_shows_both_plans_and_the_difference(run: Run, spec: str) -> None:
    code, out, _ = run("compare", "--spec", spec, "--vs", "total_users=20000", "--json", "--limit", "2")
    found = json.loads(out)
    fields = {row["field"]: row for row in found["difference"]}
    assert code == 0
    assert fields["intent.total_users"]["after"] == 20000
    assert fields["balanced.cost.monthly_usd"]["difference"] > 0
    assert found["before"]["options"]
    assert found["after"]["options"]
    assert "difference" in run("compare", "--spec", spec, "--vs", "total_users=20000")[1]


def test_compare_needs_something_to_compare_with(run: Run, spec: str) -> None:
    code, _, err = run("compare", "--spec", spec)
    assert code == 2
    assert "--vs" in err
