"""What somebody brings along counts: models that were added and approved, and prices that were negotiated."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from knowledge.snapshot import load
from knowledge.store.models import AddedModel, approve_model, put_model, with_added_models

Run = Callable[..., tuple[int, str, str]]
HOUSE = "acme/house-8b"
ON_AWS = {
    "task_type": "chatbot",
    "total_users": 1000,
    "preferred_models": ["meta-llama/Llama-3.1-8B-Instruct"],
    "gpu_types": ["NVIDIA-H100-80GB-SXM"],
    "clouds": ["aws"],
    "regions": ["us-east-1"],
    "deployment_model": "cloud_rental",
    "billing": ["on_demand"],
}


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SEXTANT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEXTANT_PRICE_FOLDER", str(tmp_path / "prices"))
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, sextant: Run) -> Run:
    assert not home.exists()
    return sextant


def added() -> AddedModel:
    model = replace(load().models["meta-llama/Llama-3.1-8B-Instruct"], model_id=HOUSE, family="House")
    return AddedModel(model, "https://hub.example", "abc", "2026-11-21T09:00:00Z", needs_remote_code=False)


def spec(folder: Path, **values: Any) -> str:
    path = folder / "intent.json"
    path.write_text(json.dumps(values))
    return str(path)


def test_an_added_model_is_planned_predicted_and_compared_by_name(run: Run, home: Path, tmp_path: Path) -> None:
    asked = ("--spec", spec(tmp_path, task_type="chatbot", total_users=100, preferred_models=[HOUSE]), "--json")
    assert run("plan", *asked)[0] == 2
    put_model(home, added())
    plan = json.loads(run("plan", *asked)[1])
    assert plan["options"][0]["model_id"] == HOUSE
    assert plan["options"][0]["quality"]["score"] is None
    assert plan["snapshot"].startswith(f"{load().version}+")
    assert run("predict", "--model", HOUSE, "--gpu", "H100", "--json")[0] == 0
    assert run("compare", *asked, "--vs", "total_users=200")[0] == 0


def test_planning_can_be_limited_to_approved_models(run: Run, home: Path, tmp_path: Path) -> None:
    put_model(home, added())
    path = spec(tmp_path, task_type="chatbot", total_users=100, preferred_models=[HOUSE])
    commands = (
        ("plan", "--spec", path, "--json"),
        ("compare", "--spec", path, "--vs", "total_users=200", "--json"),
        ("predict", "--model", HOUSE, "--gpu", "H100", "--json"),
    )
    assert [run(*each, "--approved-only")[0] for each in commands] == [2, 2, 2]
    assert [run(*each)[0] for each in commands] == [0, 0, 0]
    approve_model(home, HOUSE, by="ada", at="2026-11-21T10:00:00Z")
    assert [run(*each, "--approved-only")[0] for each in commands] == [0, 0, 0]


def test_another_process_gets_the_added_models_too(home: Path) -> None:
    put_model(home, added())
    extended = with_added_models(load(), home)
    again = pickle.loads(pickle.dumps(extended))  # noqa: S301  # our own bytes
    assert (again.version, set(again.models)) == (extended.version, set(extended.models))


def test_a_negotiated_price_overrides_the_list_in_a_plan(run: Run, tmp_path: Path) -> None:
    asked = ("plan", "--spec", spec(tmp_path, **ON_AWS), "--json")
    listed = json.loads(run(*asked)[1])["options"][0]
    machine = listed["instance_type"]
    cards = next(row.gpu_count for row in load().instances if row.instance_type == machine and row.cloud == "aws")
    hourly = listed["cost"]["monthly_usd"] / listed["instance_count"] / 730
    folder = tmp_path / "prices"
    folder.mkdir()
    (folder / "aws.csv").write_text(
        "model_key,unit_price_usd,unit_name,workload_type,gpu_count,sku_name,region\n"
        f"NVIDIA-H100-80GB-SXM,{hourly / 2:.4f},instance_hour,gpu,{cards},{machine},us-east-1\n"
    )
    code, _, err = run("catalog", "sync", "--providers", "folder")
    assert (code, "Traceback" in err) == (0, False)
    negotiated = json.loads(run(*asked)[1])["options"][0]
    assert (negotiated["instance_type"], negotiated["instance_count"]) == (machine, listed["instance_count"])
    assert negotiated["cost"]["monthly_usd"] == pytest.approx(listed["cost"]["monthly_usd"] / 2, rel=0.001)
