"""The commands around deployments as a person and a program meet them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from knowledge.errors import StateUnusable
from knowledge.records import Records
from knowledge.records.outcome import Outcomes
from tools.deploy import process
from tools.deploy.local import LocalTarget
from tools.deploy.process import Place
from ui.cli import app

SEXTANT = str(Path(sys.executable).with_name("sextant"))
LENGTHS = {"mean": 40, "p50": 40, "p90": 40, "p99": 40}
SPECIFICATION = {
    "option_id": "o1",
    "kind": "rental",
    "model_id": "meta-llama/Llama-3.1-8B-Instruct",
    "gpu_type": "NVIDIA-H100-80GB-SXM",
    "quantization": "fp8",
    "gpu_count": 1,
    "monthly_cost_usd": 1800.0,
    "objectives": [{"metric": "ttft", "percentile": 90, "bound_ms": 60_000}],
    "predicted": {"ttft_p90_ms": 25.0},
    "traffic": {"request_rate_rps": 20.0, "isl": LENGTHS, "osl": {"mean": 10, "p50": 10, "p90": 10, "p99": 10}},
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "home"
    yield place
    if place.is_dir():
        for entry in Records(place).deployments.all():
            LocalTarget(place).rollback(entry.deployment_id, who="test")


def sextant(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SEXTANT_HOME": str(home), "COLUMNS": "200"}
    return subprocess.run(
        [SEXTANT, *arguments], capture_output=True, text=True, env=environment, check=False, timeout=120
    )


def answer(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.returncode == 0, result.stderr
    body: dict[str, Any] = json.loads(result.stdout)
    assert body["schema_version"] == 1
    assert body["snapshot"]
    return body


def test_a_deployment_from_start_to_end(home: Path, tmp_path: Path) -> None:
    spec, report = tmp_path / "spec.json", tmp_path / "report.html"
    spec.write_text(json.dumps(SPECIFICATION))
    made = answer(sextant(home, "deploy", "--spec", str(spec), "--time-factor", "5", "--json"))["deployment"]
    assert (made["state"], made["time_factor"]) == ("applied", 5.0)
    again = answer(sextant(home, "deploy", "--spec", str(spec), "--json"))["deployment"]
    assert again == made

    checked = answer(sextant(home, "validate", "--duration", "5", "--report", str(report), "--json"))
    assert (checked["verdict"], checked["deployment"]["state"]) == ("met", "verified")
    assert checked["slos"][0]["predicted"] == 25.0
    assert "<svg" in report.read_text()

    by_address = sextant(
        home, "validate", made["endpoint"], "--rate", "20", "--duration", "1", "--slo", "ttft_p50=0.001"
    )
    assert by_address.returncode == 3
    assert "not met" in by_address.stdout

    kept = tmp_path / "outcomes.jsonl"
    assert "2 outcomes written" in sextant(home, "outcomes", "export", str(kept)).stdout
    assert "0 of 2 outcomes added" in sextant(home, "outcomes", "import", str(kept)).stdout
    (learned,) = answer(sextant(home, "outcomes", "list", "--json"))["corrections"]
    assert (learned["metric"], learned["engine"], learned["outcomes"]) == ("ttft_ms", "vllm-simulator", 1)
    (listed,) = answer(sextant(home, "deployments", "--json"))["deployments"]
    assert (listed["deployment_id"], listed["verdict"]) == (made["deployment_id"], "met")
    shown = sextant(home, "status", made["deployment_id"][:6]).stdout
    assert "ready" in shown
    assert "verified" in shown
    gone = answer(sextant(home, "rollback", made["deployment_id"], "--json"))["deployment"]
    assert (gone["state"], gone["endpoint"]) == ("rolled_back", None)
    assert "nothing runs" in sextant(home, "status").stdout


def test_nothing_was_deployed_yet(home: Path) -> None:
    assert "nothing was deployed yet" in sextant(home, "deployments").stdout
    assert answer(sextant(home, "deployments", "--json"))["deployments"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rollback", "d-nothing"], "unknown deployment"),
        (["validate"], "no deployment runs"),
        (["validate", "http://example.com:8000"], "example.com is not one of your deployments"),
        (["validate", "http://127.0.0.1:1"], "http://127.0.0.1:1 does not answer"),
        (["validate", "http://127.0.0.1:1", "--model", "m", "--slo", "fast"], "not an SLO: 'fast'"),
        (
            ["validate", "http://127.0.0.1:1", "--model", "m", "--rate", "nan"],
            "request_rate_rps must be a positive number",
        ),
        (["validate", "http://127.0.0.1:1", "--model", "m", "--duration", "-1"], "duration must be a positive number"),
        (["validate", "http://127.0.0.1:1", "--model", "m", "--trace", "/nowhere"], "/nowhere cannot be read"),
        (["validate", "http://127.0.0.1:1", "--report", "/nowhere/it.html"], "/nowhere/it.html cannot be written"),
        (["deploy"], "say what to deploy"),
        (["deploy", "a chatbot", "--target", "moon"], "unknown target: 'moon'"),
    ],
)
def test_bad_input_is_one_clear_line(home: Path, arguments: list[str], said: str) -> None:
    result = sextant(home, *arguments)
    assert result.returncode == (1 if "does not answer" in said else 2)
    assert said in result.stderr.splitlines()[0]
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_an_endpoint_that_refuses_is_inconclusive_and_not_an_accident(home: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    result = sextant(home, "validate", url, "--model", "m", "--json")
    assert result.returncode == 3
    report = json.loads(result.stdout)
    assert report["verdict"] == "inconclusive"
    assert report["errors"] == [{"kind": "refused", "count": 1, "example": f"{url}: nothing listens on {url}"}]
    assert "Traceback" not in result.stderr


def test_a_state_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = sextant(tmp_path / "file", "deployments")
    assert result.returncode == 2
    assert str(tmp_path / "file") in result.stderr.splitlines()[0]
    assert "SEXTANT_HOME" in result.stderr


def test_a_load_test_that_cannot_be_kept_is_shown_all_the_same(
    home: Path, start_simulator: Callable[..., AbstractContextManager[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bool:
        raise StateUnusable("records.sqlite could not be written: disk full")

    monkeypatch.setattr(Outcomes, "add", full)
    monkeypatch.setenv("SEXTANT_HOME", str(home))
    with start_simulator("--model", "m", "--ttft-ms", "2", "--tpot-ms", "1") as url:
        result = CliRunner().invoke(app, ["validate", url, "--rate", "20", "--duration", "1"])
    assert isinstance(result.exception, StateUnusable)
    assert "0 failed" in result.stdout
    assert "error_rate_percent" in result.stdout


def test_ctrl_c_says_that_it_stopped_and_leaves_nothing_half_done(home: Path, tmp_path: Path) -> None:
    plan = tmp_path / "specification.json"
    plan.write_text(json.dumps(SPECIFICATION))
    environment = {**os.environ, "SEXTANT_HOME": str(home)}
    command = [SEXTANT, "deploy", "--spec", str(plan)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as deploying:
        deadline = time.monotonic() + 60
        while not list(home.glob("deployments/*/*.run")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        deploying.send_signal(signal.SIGINT)
        said = deploying.communicate(timeout=60)[1]
    (left,) = Records(home).deployments.all()
    if deploying.returncode:  # else it was up before the signal came
        assert (deploying.returncode, said) == (130, "stopped\n")
        assert (left.state, left.reason) == ("failed", "stopped by Ctrl-C")
        assert not any(process.find(Place(path, path)) for path in home.glob("deployments/*/*.run"))
