"""Deploying to a cluster with kill -9 at every step, and with two processes at once: one truth is left behind."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from knowledge.records import Records
from knowledge.snapshot import load
from tools.deploy import DeploymentSpec, read_specification
from tools.kubernetes.cluster import Cluster
from tools.kubernetes.settings import read_settings
from tools.kubernetes.target import KubernetesTarget

RUNNER = Path(__file__).with_name("kubernetes_runner.py")
FEW = {"simulator": True, "monitoring": "none", "autoscaling": "none", "network_policy": False}
KINDS = [("v1", "ConfigMap"), ("v1", "Service"), ("serving.kserve.io/v1beta1", "InferenceService"),
         ("serving.kserve.io/v1alpha1", "ServingRuntime"), ("policy/v1", "PodDisruptionBudget")]  # fmt: skip


def specification(replicas: int = 1) -> DeploymentSpec:
    lengths = {"mean": 100.0, "p50": 90.0, "p90": 200.0, "p99": 300.0}
    values = {
        "option_id": "abc12345", "kind": "rental", "quantization": "bf16", "gpu_count": replicas,
        "replicas": replicas, "model_id": "Qwen/Qwen3-8B", "gpu_type": "NVIDIA-H100-80GB-SXM",
        "engine": {"max_model_len": 8192}, "traffic": {"request_rate_rps": 4.0, "isl": lengths, "osl": lengths},
    }  # fmt: skip
    return read_specification(values)


@dataclass
class Runner:
    """Processes that carry out orders and may be killed; see `kubernetes_runner.py`."""

    process: subprocess.Popen[str]
    kubeconfig: Path

    def begin(self, home: Path, name: str, **order: Any) -> None:
        given = {"home": str(home), "kubeconfig": str(self.kubeconfig), "settings": {**FEW, "name": name}, **order}
        assert self.process.stdin
        self.process.stdin.write(json.dumps(given) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def __call__(self, home: Path, name: str, **order: Any) -> dict[str, Any]:
        self.begin(home, name, **order)
        return self.answer()


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory, start_double: Any) -> Iterator[Path]:
    with start_double(tmp_path_factory.mktemp("double")) as found:
        yield found


@pytest.fixture(scope="module")
def runners(kubeconfig: Path) -> Iterator[list[Runner]]:
    """Two, that can be at work at the same time."""
    command = [sys.executable, str(RUNNER)]
    made = [
        Runner(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True), kubeconfig)
        for _ in range(2)
    ]
    yield made
    for runner in made:
        runner.process.communicate()


@pytest.fixture
def door(kubeconfig: Path, tmp_path: Path) -> Callable[..., KubernetesTarget]:
    """Makes targets for a release of that name, with the same records."""

    def made(name: str, home: Path = tmp_path) -> KubernetesTarget:
        settings = read_settings({**FEW, "name": name})
        return KubernetesTarget(home, load(), settings=settings, kubeconfig=kubeconfig, ready_s=60)

    return made


def left(kubeconfig: Path, name: str) -> list[str]:
    """Everything of a release on the cluster."""
    cluster, label = Cluster(kubeconfig), f"app.kubernetes.io/instance={name}"
    found = [entry for kind in KINDS for entry in cluster.list(*kind, "inference", labelSelector=label)]
    return [f"{entry['kind']}/{entry['metadata']['name']}" for entry in found]


def shown(kubeconfig: Path, name: str) -> str:
    """The plan that a release on the cluster says it is."""
    live = Cluster(kubeconfig).get({"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
                                    "metadata": {"name": name, "namespace": "inference"}})  # fmt: skip
    assert live is not None
    return str(live["metadata"]["annotations"]["sextant.dev/plan-hash"])


@pytest.mark.parametrize("recovery", ["apply again", "reconcile"])
def test_killed_before_any_effect_of_an_apply_it_is_finished_or_undone(
    recovery: str, runners: list[Runner], door: Callable[..., KubernetesTarget], kubeconfig: Path, tmp_path: Path
) -> None:
    spec = specification()
    step = 0
    while True:
        step += 1
        name, home = f"{recovery[0]}{step}", tmp_path / str(step)
        answer = runners[0](home, name, spec=spec.to_json(), die_at=step)
        if not answer.get("killed"):
            break
        target = door(name, home)
        if recovery == "reconcile":
            for changed in target.reconcile():
                assert changed.state == ("applied" if changed.replicas else "failed")
            assert target.reconcile() == ()
            running = [entry for entry in Records(home).deployments.all() if entry.replicas]
            assert bool(running) == bool(left(kubeconfig, name)), step
        deployment = target.apply(spec, owner="ann", thread="t")
        assert (deployment.state, len(Records(home).deployments.all())) == ("applied", 1)
        assert target.drift(deployment.deployment_id) == ()
        assert target.reconcile() == ()
        assert target.rollback(deployment.deployment_id, who="ann").state == "rolled_back"
        assert left(kubeconfig, name) == []
    assert answer.get("state") == "applied", answer
    assert answer["effects"] == step - 1 > 8


@pytest.mark.parametrize("name", ["before", "nothing"])
def test_killed_before_any_effect_of_a_rollback_it_comes_to_its_end(
    name: str,
    runners: list[Runner],
    door: Callable[..., KubernetesTarget],
    kubeconfig: Path,
    tmp_path: Path,
) -> None:
    target, records = door(name), Records(tmp_path).deployments
    before = target.apply(specification(1), owner="ann", thread="t").deployment_id if name == "before" else None
    step = 0
    answer: dict[str, Any] = {"killed": True}
    while answer.get("killed"):
        step += 1
        identity = target.apply(specification(2), owner="ann", thread="t").deployment_id
        answer = runners[0](tmp_path, name, rollback=identity, die_at=step)
        if step % 2:
            target.reconcile()
            assert target.reconcile() == ()
        assert target.rollback(identity, who="ann").state == "rolled_back"
        assert records.get(identity).replicas == ()
        if before is None:
            assert left(kubeconfig, name) == []
        else:
            assert records.get(before).state == "applied"
            assert target.drift(before) == ()
            assert shown(kubeconfig, name) == records.get(before).plan_hash
    assert answer.get("state") == "rolled_back", answer
    assert answer["effects"] == step - 1 > 6


def test_the_same_plan_applied_twice_at_once_is_one_deployment(
    runners: list[Runner], kubeconfig: Path, tmp_path: Path
) -> None:
    for runner in runners:
        runner.begin(tmp_path, "same", spec=specification().to_json())
    first, second = (runner.answer() for runner in runners)
    assert (first["id"], first["state"]) == (second["id"], second["state"])
    assert len(list((tmp_path / "kubernetes").glob("*/[0-9]*.json"))) == 1
    assert shown(kubeconfig, "same") == specification().plan_hash


def test_while_a_plan_is_applied_another_for_the_same_name_is_refused_at_once(
    runners: list[Runner], kubeconfig: Path, tmp_path: Path
) -> None:
    first, second = runners
    first.begin(tmp_path, "busy", spec=specification(1).to_json(), hold_at="applying", signs=str(tmp_path))
    wait_for(tmp_path / "held", first)
    refused = second(tmp_path, "busy", spec=specification(2).to_json())
    (tmp_path / "go").touch()
    winner = first.answer()
    assert refused["error"] == "Conflict"
    assert f"{winner['id']} is being applied as busy in inference" in refused["message"]
    assert winner["id"] in refused["cure"]
    assert [(entry.deployment_id, entry.state) for entry in Records(tmp_path).deployments.all()] == [
        (winner["id"], "applied")
    ]
    assert shown(kubeconfig, "busy") == specification(1).plan_hash


def test_of_two_plans_that_race_one_wins_and_the_records_agree(
    runners: list[Runner], door: Callable[..., KubernetesTarget], kubeconfig: Path, tmp_path: Path
) -> None:
    for replicas, runner in enumerate(runners, start=1):
        runner.begin(tmp_path, "race", spec=specification(replicas).to_json())
    answers = [runner.answer() for runner in runners]
    lost = [answer for answer in answers if "error" in answer]
    # Whoever only came when the other was done has replaced it, in order; in a true race the later is refused.
    assert all(answer["error"] == "Conflict" for answer in lost)
    assert len(lost) < 2
    (running,) = [entry for entry in Records(tmp_path).deployments.all() if entry.replicas]
    assert running.state == "applied"
    assert shown(kubeconfig, "race") == running.plan_hash
    assert {entry.state for entry in Records(tmp_path).deployments.all()} <= {"applied", "rolled_back"}
    assert door("race").drift(running.deployment_id) == ()


def test_two_sextants_with_notes_of_their_own_never_overwrite_each_other(
    runners: list[Runner], door: Callable[..., KubernetesTarget], kubeconfig: Path, tmp_path: Path
) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    for home, runner in zip(homes, runners, strict=True):
        runner.begin(home, "shared", spec=specification(1 + (home.name == "two")).to_json())
    answers = [runner.answer() for runner in runners]
    ((winner, home),) = [(a, home) for a, home in zip(answers, homes, strict=True) if "error" not in a]
    ((loser, other),) = [(a, home) for a, home in zip(answers, homes, strict=True) if "error" in a]
    assert loser["error"] == "Conflict"
    assert "shared in inference was deployed by another Sextant" in loser["message"]
    (kept,) = Records(home).deployments.all()
    assert (kept.state, shown(kubeconfig, "shared")) == ("applied", kept.plan_hash)
    (failed,) = Records(other).deployments.all()
    assert (failed.state, failed.replicas) == ("failed", ())
    assert door("shared", home).drift(winner["id"]) == ()
    assert [entry.severity for entry in door("shared", other).check(specification()) if entry.field == "metadata"] == [
        "error"
    ]
    door("shared", home).rollback(winner["id"], who="ann")
    assert door("shared", other).apply(specification(), owner="ann", thread="t").state == "applied"


def test_a_deployment_whose_notes_are_elsewhere_is_not_called_undone(
    door: Callable[..., KubernetesTarget], kubeconfig: Path, tmp_path: Path
) -> None:
    deployment = door("elsewhere").apply(specification(), owner="ann", thread="t")
    records = Records(tmp_path)
    stranger = KubernetesTarget(tmp_path / "stranger", load(), kubeconfig=kubeconfig, records=records)
    with pytest.raises(Exception, match="from another state directory"):
        stranger.rollback(deployment.deployment_id, who="bob")
    assert records.deployments.get(deployment.deployment_id) == deployment


def wait_for(sign: Path, runner: Runner) -> None:
    """Until a process has left a sign; it has a minute, and must not have ended."""
    for _ in range(6000):
        if sign.exists():
            return
        assert runner.process.poll() is None
        subprocess.run(["sleep", "0.01"], check=True)
    pytest.fail(f"{sign} never came")
