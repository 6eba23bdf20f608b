"""What is written for Prometheus and Grafana, judged by promtool: it loads, and alerts wake whom they should."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from knowledge.errors import BadInput, Conflict
from knowledge.records import Deployment, Replica
from tools.deploy import read_specification
from tools.observe.alerts import alerts
from tools.observe.monitoring import FILES, monitoring, write_files

LENGTHS = {"mean": 100.0, "p50": 90.0, "p90": 200.0, "p99": 400.0}
SPEC = read_specification(
    {
        "option_id": "o1",
        "kind": "rental",
        "model_id": "odd\"model\\name<&'",
        "gpu_type": "NVIDIA-L4-24GB",
        "quantization": "fp8",
        "gpu_count": 1,
        "monthly_cost_usd": 500.0,
        "objectives": [
            {"metric": "ttft", "percentile": 90, "bound_ms": 200},
            {"metric": "tpot", "percentile": 99, "bound_ms": 50},
            {"metric": "e2e", "percentile": 90, "bound_ms": 3000},
            {"metric": "e2e_perceived", "percentile": 90, "bound_ms": 3000},
        ],
        "traffic": {"request_rate_rps": 8.0, "isl": LENGTHS, "osl": LENGTHS},
    }
)
DEPLOYMENT = Deployment(
    deployment_id="d-0123456789",
    owner="ann",
    thread="t",
    plan_hash="h",
    target="local",
    state="applied",
    revision=1,
    spec=SPEC.to_json(),
    model_id=SPEC.model_id,
    gpu_type=SPEC.gpu_type,
    gpu_count=1,
    engine="vllm",
    time_factor=1.0,
    monthly_cost_usd=500.0,
    snapshot="s",
    replicas=(Replica("http://127.0.0.1:8100"), Replica("http://127.0.0.1:8101")),
    reason="",
    created_at="2026-11-21T09:00:00Z",
    updated_at="2026-11-21T09:00:00Z",
)
LABELS = 'deployment="d-0123456789",instance="a"'
# 3 of 10 answers within the bound of 200 ms: 70 % are late where 10 % are allowed.
SERIES = {
    f'vllm:time_to_first_token_seconds_bucket{{{LABELS},le="0.2"}}': "0+3x120",
    f'vllm:time_to_first_token_seconds_bucket{{{LABELS},le="+Inf"}}': "0+10x120",
    f"vllm:time_to_first_token_seconds_count{{{LABELS}}}": "0+10x120",
    f"vllm:num_requests_waiting{{{LABELS}}}": "9x120",
    f"vllm:num_requests_running{{{LABELS}}}": "4x120",
    f'up{{{LABELS},job="sextant"}}': "1x60 0x60",
}


def promtool(folder: Path, *arguments: str) -> str:
    path = shutil.which("promtool")
    if path is None:
        reason = "promtool is not installed (Debian: apt-get install prometheus)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run([path, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_what_is_written(tmp_path: Path) -> None:
    written = write_files(monitoring(DEPLOYMENT), tmp_path / "made" / "here")
    assert tuple(path.name for path in written) == FILES
    promtool(written[0].parent, "check", "config", "prometheus.yml")
    assert "12 rules found" in promtool(written[0].parent, "check", "rules", "rules.yml")


def test_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    write_files(monitoring(DEPLOYMENT), tmp_path)
    rules = yaml.safe_load((tmp_path / "rules.yml").read_text())["groups"][0]["rules"]
    annotations = {rule["alert"]: rule["annotations"] for rule in rules}
    severity = {rule["alert"]: rule["labels"]["severity"] for rule in rules}

    def firing(name: str, **labels: str) -> dict[str, object]:
        own = {"severity": severity[name], "deployment": "d-0123456789", **labels}
        return {"exp_labels": own, "exp_annotations": annotations[name]}

    expected = [
        {"eval_time": "50m", "alertname": "TTFTP90BudgetBurnsFast", "exp_alerts": [firing("TTFTP90BudgetBurnsFast")]},
        {"eval_time": "50m", "alertname": "RequestsWait", "exp_alerts": [firing("RequestsWait")]},
        {"eval_time": "50m", "alertname": "ReplicaDown", "exp_alerts": []},
        {"eval_time": "50m", "alertname": "TPOTP99BudgetBurnsFast", "exp_alerts": []},
        {"eval_time": "50m", "alertname": "RequestsFail", "exp_alerts": []},
        {
            "eval_time": "90m",
            "alertname": "ReplicaDown",
            "exp_alerts": [firing("ReplicaDown", instance="a", job="sextant")],
        },
    ]
    series = [{"series": name, "values": values} for name, values in SERIES.items()]
    cases = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "alert_rule_test": expected}],
    }
    (tmp_path / "cases.yml").write_text(yaml.safe_dump(cases))
    promtool(tmp_path, "test", "rules", "cases.yml")


def test_a_dashboard_is_grafana_json_with_the_objectives_as_lines() -> None:
    board = json.loads(monitoring(DEPLOYMENT)["dashboard.json"])
    assert SPEC.model_id in board["title"]
    lines = {panel["title"]: panel["fieldConfig"]["defaults"]["thresholds"]["steps"] for panel in board["panels"]}
    assert lines["Time to first token"][1]["value"] == 0.2
    assert lines["Whole answer"][1]["value"] == 3.0
    assert len(lines["Time in the queue"]) == 1
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]}) == len(board["panels"])


def test_scrape_targets_carry_the_deployment_as_label() -> None:
    config = yaml.safe_load(monitoring(DEPLOYMENT)["prometheus.yml"])
    (job,) = config["scrape_configs"]
    assert job["static_configs"] == [
        {"targets": ["127.0.0.1:8100", "127.0.0.1:8101"], "labels": {"deployment": "d-0123456789"}}
    ]


def test_an_objective_that_servers_do_not_export_has_no_alert() -> None:
    names = [alert.name for alert in alerts(SPEC, 'a="b"')]
    assert not any("PERCEIVED" in name for name in names)
    assert names.count("TTFTP90BudgetBurns") == 1


def test_a_time_factor_moves_the_bound() -> None:
    (fast, *_) = alerts(SPEC, 'a="b"', factor=2.0)
    assert 'le="0.1"' in fast.expression
    assert 'le="0.2"' not in fast.expression


def test_what_cannot_be_written_or_scraped_says_so(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="does not run"):
        monitoring(replace(DEPLOYMENT, replicas=()))
    with pytest.raises(BadInput, match="is no interval"):
        monitoring(DEPLOYMENT, scrape_interval="often")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        write_files({"rules.yml": ""}, blocked)
