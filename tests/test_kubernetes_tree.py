"""The command `sextant manifests` and the trees that it writes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SPEC = {
    "option_id": "abc12345", "kind": "rental", "quantization": "bf16", "gpu_count": 1,
    "model_id": "Qwen/Qwen3-8B", "gpu_type": "NVIDIA-H100-80GB-SXM", "engine": {"max_model_len": 8192},
    "traffic": {"request_rate_rps": 1.0, "isl": {"mean": 100, "p50": 90, "p90": 200, "p99": 300},
                "osl": {"mean": 100, "p50": 90, "p90": 200, "p99": 300}},
}  # fmt: skip


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC))
    return path


def sextant(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("sextant")
    return subprocess.run(
        [str(program), *(str(argument) for argument in arguments)], capture_output=True, text=True, check=False
    )


def test_manifests_are_printed_and_findings_stand_apart(spec: Path) -> None:
    run = sextant("manifests", "--spec", spec)
    assert run.returncode == 0
    kinds = [entry["kind"] for entry in yaml.safe_load_all(run.stdout) if entry]
    assert "InferenceService" in kinds
    assert run.stderr == "nothing found wrong without a cluster\n"


def test_json_holds_manifests_and_findings(spec: Path) -> None:
    run = sextant("manifests", "--spec", spec, "--target", "vanilla", "--simulator", "--json", "--set",
                  "kubernetes_version=1.30")  # fmt: skip
    body = json.loads(run.stdout)
    assert body["release"] == "qwen3-8b"
    assert {"file", "text"} == set(body["manifests"][0])
    assert all(finding["severity"] != "error" for finding in body["findings"])


def test_values_for_the_production_stack_are_written_and_the_limits_of_their_check_said(
    spec: Path, tmp_path: Path
) -> None:
    run = sextant("manifests", "--spec", spec, "--target", "production-stack", "--out", tmp_path)
    assert (run.returncode, run.stdout) == (0, f"{tmp_path / 'production_stack_values.yaml'}\n")
    values = yaml.safe_load((tmp_path / "production_stack_values.yaml").read_text())
    assert values["servingEngineSpec"]["modelSpec"][0]["modelURL"] == "Qwen/Qwen3-8B"
    assert "no Helm ran" in run.stderr
    refused = sextant("manifests", "--spec", spec, "--target", "production-stack", "--gitops", tmp_path)
    assert refused.returncode == 2
    assert "values are for Helm" in refused.stderr


def test_what_must_be_mended_gives_exit_code_3(spec: Path) -> None:
    run = sextant("manifests", "--spec", spec, "--set", "quota_gpus=1", "--set", "max_replicas=5")
    assert run.returncode == 3
    assert "the quota allows 1" in run.stderr


def test_a_wrong_setting_is_one_line_and_a_cure(spec: Path) -> None:
    run = sextant("manifests", "--spec", spec, "--set", "imagge=x")
    assert run.returncode == 2
    assert run.stderr.splitlines()[0].startswith("Kubernetes settings: imagge:")
    assert "known settings" in run.stderr


def test_files_are_written_and_a_tree_is_committed(spec: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "unrelated").write_text("mine")
    for command in (("init", "-q"), ("config", "user.email", "a@example.org"), ("config", "user.name", "a")):
        subprocess.run(["git", "-C", str(repository), *command], check=True)
    arguments = ("manifests", "--spec", spec, "--gitops", repository / "llm", "--commit", "--set",
                 "repository_url=https://git.example.org/p.git", "--set", "repository_path=llm", "--json")  # fmt: skip
    body = json.loads(sextant(*arguments).stdout)
    assert len(body["commit"]) == 40
    listed = yaml.safe_load((repository / "llm/base/kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted(
        path.name for path in (repository / "llm/base").iterdir() if path.name != "kustomization.yaml"
    )
    application = yaml.safe_load((repository / "llm/argocd/application.yaml").read_text())
    assert application["spec"]["source"]["path"] == "llm/base"
    status = subprocess.run(["git", "-C", str(repository), "status", "--porcelain"], capture_output=True, text=True,
                            check=True)  # fmt: skip
    assert status.stdout == "?? unrelated\n"
    assert json.loads(sextant(*arguments).stdout)["commit"] == ""
