"""The whole path on the project's double of a cluster, with a real simulator behind it, from the command line."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tools.kubernetes.cluster import Cluster

SPEC = {
    "option_id": "abc12345", "kind": "rental", "quantization": "bf16", "gpu_count": 1, "replicas": 1,
    "model_id": "Qwen/Qwen3-8B", "gpu_type": "NVIDIA-H100-80GB-SXM", "engine": {"max_model_len": 8192},
    "objectives": [{"metric": "ttft", "percentile": 90, "bound_ms": 120_000}],  # any machine keeps it
    "traffic": {"request_rate_rps": 8.0, "isl": {"mean": 100, "p50": 90, "p90": 200, "p99": 300},
                "osl": {"mean": 20, "p50": 18, "p90": 40, "p99": 60}},
}  # fmt: skip
StartDouble = Callable[..., AbstractContextManager[Path]]


def test_from_a_plan_to_a_verdict_and_back(start_double: StartDouble, tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(SPEC))

    def sextant(*arguments: object, code: int = 0) -> Any:
        program = Path(sys.executable).with_name("sextant")
        run = subprocess.run(
            [str(program), *(str(argument) for argument in arguments), "--json"],
            capture_output=True, text=True, check=False, env={**os.environ, "SEXTANT_HOME": str(tmp_path / "home")},
        )  # fmt: skip
        assert run.returncode == code, run.stderr
        return json.loads(run.stdout)

    with start_double(tmp_path, "--simulators") as kubeconfig:
        deployed = sextant("deploy", "--spec", spec, "--target", "kserve", "--simulator", "--kubeconfig", kubeconfig,
                           "--time-factor", 5)["deployment"]  # fmt: skip
        assert (deployed["state"], deployed["engine"], deployed["time_factor"]) == ("applied", "vllm-simulator", 5)

        report = sextant("validate", deployed["deployment_id"], "--duration", 20)
        assert report["verdict"] == "met"

        cluster = Cluster(kubeconfig)
        cluster.delete({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                        "metadata": {"name": "qwen3-8b", "namespace": "inference"}})  # fmt: skip
        (status,) = sextant("status", deployed["deployment_id"])["deployments"]
        assert status["state"] == "verified"
        assert [entry["ready"] for entry in status["health"]] == [True]
        assert [entry["subject"] for entry in status["drift"]] == ["PodDisruptionBudget/qwen3-8b"]

        gone = sextant("rollback", deployed["deployment_id"])["deployment"]
        assert (gone["state"], gone["endpoints"]) == ("rolled_back", [])
        assert cluster.list("v1", "Pod", "inference") == []

    log = subprocess.run([str(Path(sys.executable).with_name("sextant")), "audit", "--format", "csv"],
                         capture_output=True, text=True, check=True,
                         env={**os.environ, "SEXTANT_HOME": str(tmp_path / "home")})  # fmt: skip
    actions = [row["action"] for row in csv.DictReader(log.stdout.splitlines())]
    assert actions == ["deploy", "deploy", "apply", "validate", "rollback"]
