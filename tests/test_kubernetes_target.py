"""The Kubernetes target on the project's double (a double, not Kubernetes): applied once, followed, undone.

`tests/test_kubernetes_contract.py` holds the double to what a real API server answers.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge.errors import BadInput, Conflict, SextantError, Unavailable
from knowledge.records import NewDeployment, Records
from knowledge.snapshot import load
from tools.deploy import DeploymentSpec, DeployProgress, read_specification
from tools.kubernetes.cluster import Cluster
from tools.kubernetes.own import own_manifests, rights
from tools.kubernetes.rendering import objects_of
from tools.kubernetes.settings import Settings, TargetName, read_settings
from tools.kubernetes.target import KubernetesTarget

SIMULATED = {"simulator": True}
NAMESPACED = re.compile(r"^(\w+) /(?:api/v1|apis/([^/]+)/[^/]+)/namespaces/[^/]+/([^/?]+)(/[^/?]+)?(\?watch)?$")
VERBS = {"GET": "get", "PATCH": "patch", "DELETE": "delete", "POST": "create"}


def specification(**changes: Any) -> DeploymentSpec:
    lengths = {"mean": 100.0, "p50": 90.0, "p90": 200.0, "p99": 300.0}
    values: dict[str, Any] = {
        "option_id": "abc12345", "kind": "rental", "quantization": "bf16", "gpu_count": 2, "replicas": 2,
        "model_id": "Qwen/Qwen3-8B", "gpu_type": "NVIDIA-H100-80GB-SXM", "engine": {"max_model_len": 8192},
        "objectives": [{"metric": "ttft", "percentile": 90, "bound_ms": 2000}],
        "traffic": {"request_rate_rps": 4.0, "isl": lengths, "osl": lengths},
    }  # fmt: skip
    return read_specification({**values, **changes})


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory, start_double: Any) -> Iterator[Path]:
    with start_double(tmp_path_factory.mktemp("double")) as found:
        yield found


@pytest.fixture
def cluster(kubeconfig: Path) -> Cluster:
    made = Cluster(kubeconfig)
    made.request("POST", "/_double", body={"reset": True})
    return made


@pytest.fixture
def target(cluster: Cluster, tmp_path: Path) -> Callable[..., KubernetesTarget]:
    """Makes targets with these settings on the same cluster and records."""

    def made(patience_s: float = 60.0, hopeless_s: float = 0.0, **settings: Any) -> KubernetesTarget:
        return KubernetesTarget(tmp_path, load(), settings=read_settings({**SIMULATED, **settings}),
                                kubeconfig=cluster.kubeconfig, ready_s=patience_s, hopeless_s=hopeless_s)  # fmt: skip

    return made


def faults(cluster: Cluster, **wanted: Any) -> None:
    cluster.request("POST", "/_double", body=wanted)


def held(cluster: Cluster) -> set[str]:
    """`Kind/name` of everything of Sextant's in the namespace."""
    kinds = [("v1", "ConfigMap"), ("v1", "Service"), ("apps/v1", "Deployment"), ("keda.sh/v1alpha1", "ScaledObject"),
             ("serving.kserve.io/v1beta1", "InferenceService"), ("serving.kserve.io/v1alpha1", "ServingRuntime"),
             ("serving.kserve.io/v1alpha2", "LLMInferenceService"), ("policy/v1", "PodDisruptionBudget")]  # fmt: skip
    return {
        f"{kind}/{entry['metadata']['name']}"
        for version, kind in kinds
        for entry in cluster.list(version, kind, "inference", labelSelector="app.kubernetes.io/managed-by=sextant")
    }


@pytest.mark.parametrize("kind", ["kserve", "vanilla", "llmisvc"])
def test_a_deployment_runs_until_it_is_rolled_back_to_nothing(
    kind: str, target: Callable[..., KubernetesTarget], cluster: Cluster, tmp_path: Path
) -> None:
    steps: list[DeployProgress] = []
    door = target(target=kind, access="nodeport")
    deployment = door.apply(specification(), owner="ann", thread="t", on_progress=steps.append)
    assert deployment.state == "applied"
    assert deployment.endpoint is not None
    assert deployment.endpoint.startswith("http://127.0.0.1:")
    assert [health.ready for health in door.health(deployment)] == [True, True]
    assert [step.fraction for step in steps] == sorted(step.fraction for step in steps)
    assert {"reserved", "checking", "applying", "applied"} <= {step.step for step in steps}
    assert door.drift(deployment.deployment_id) == ()
    assert held(cluster)

    rolled_back = door.rollback(deployment.deployment_id, who="ann")
    assert rolled_back.state == "rolled_back"
    assert door.rollback(deployment.deployment_id, who="ann") == rolled_back
    assert held(cluster) == set()
    assert cluster.list("v1", "Pod", "inference") == []
    audit = [(entry.action, entry.result) for entry in Records(tmp_path).audit.entries()]
    assert [action for action, _ in audit] == ["deploy", "deploy", "apply", "rollback"]
    assert "digest" in audit[2][1]


def test_applying_twice_changes_nothing(target: Callable[..., KubernetesTarget], cluster: Cluster) -> None:
    first = target().apply(specification(), owner="ann", thread="t")
    versions = {entry["metadata"]["resourceVersion"] for entry in cluster.list("v1", "Service", "inference")}
    assert target().apply(specification(), owner="ann", thread="t") == first
    assert {entry["metadata"]["resourceVersion"] for entry in cluster.list("v1", "Service", "inference")} == versions


def test_a_new_plan_replaces_the_old_and_a_rollback_brings_it_back(
    target: Callable[..., KubernetesTarget], cluster: Cluster, tmp_path: Path
) -> None:
    records = Records(tmp_path).deployments
    old = target(dashboard=True).apply(specification(), owner="ann", thread="t")
    new = target(dashboard=False).apply(specification(replicas=1, gpu_count=1), owner="ann", thread="t")
    assert "ConfigMap/qwen3-8b-dashboard" not in held(cluster)
    assert (records.get(old.deployment_id).state, records.get(old.deployment_id).endpoint) == ("rolled_back", None)
    assert len(cluster.list("v1", "Pod", "inference")) == 1

    target().rollback(new.deployment_id, who="ann")
    assert records.get(old.deployment_id).state == "applied"
    assert records.get(old.deployment_id).endpoint is not None
    assert "ConfigMap/qwen3-8b-dashboard" in held(cluster)
    assert len(cluster.list("v1", "Pod", "inference")) == 2
    target().rollback(old.deployment_id, who="ann")
    assert held(cluster) == set()


def test_a_change_by_somebody_else_is_seen_and_never_forced_over(
    target: Callable[..., KubernetesTarget], cluster: Cluster, tmp_path: Path
) -> None:
    deployment = target().apply(specification(), owner="ann", thread="t")
    theirs = {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
              "metadata": {"name": "qwen3-8b", "namespace": "inference"},
              "spec": {"predictor": {"minReplicas": 7}}}  # fmt: skip
    cluster.request("PATCH", cluster._path(theirs), body=theirs, query={"fieldManager": "bob", "force": "true"},
                    content_type="application/apply-patch+yaml")  # fmt: skip
    (seen,) = target().drift(deployment.deployment_id)
    assert (seen.subject, seen.field) == ("InferenceService/qwen3-8b", "spec.predictor.minReplicas")
    assert (seen.applied, seen.live, seen.manager) == (2, 7, "bob")
    with pytest.raises(BadInput, match=r"bob.*minReplicas.*nothing was forced"):
        target().apply(specification(replicas=3, gpu_count=3), owner="ann", thread="t")
    live = cluster.get(theirs)
    assert live is not None
    assert live["spec"]["predictor"]["minReplicas"] == 7
    still = Records(tmp_path).deployments.get(deployment.deployment_id)
    assert (still.state, still.endpoint) == ("applied", deployment.endpoint)


def test_a_change_of_settings_is_a_revision_of_the_same_deployment(
    target: Callable[..., KubernetesTarget], cluster: Cluster, tmp_path: Path
) -> None:
    first = target(network_policy=True).apply(specification(), owner="ann", thread="t")
    second = target(network_policy=False).apply(specification(), owner="ann", thread="t")
    assert second.deployment_id == first.deployment_id
    assert cluster.list("networking.k8s.io/v1", "NetworkPolicy", "inference") == []

    faults(cluster, webhook="no Fridays")
    with pytest.raises(BadInput, match="no Fridays"):
        target().apply(specification(), owner="ann", thread="t", time_factor=3)
    faults(cluster, webhook="")
    assert Records(tmp_path).deployments.get(first.deployment_id).state == "applied"

    back = target().rollback(first.deployment_id, who="ann")
    assert (back.state, back.reason) == ("applied", "restored by a rollback")
    assert len(cluster.list("networking.k8s.io/v1", "NetworkPolicy", "inference")) == 1
    assert target().rollback(first.deployment_id, who="ann").state == "rolled_back"
    assert held(cluster) == set()


def test_what_belongs_to_somebody_else_is_never_taken_over(
    target: Callable[..., KubernetesTarget], cluster: Cluster
) -> None:
    cluster.request("POST", "/api/v1/namespaces/inference/configmaps",
                    body={"metadata": {"name": "qwen3-8b-plan"}, "data": {"mine": "yes"}})  # fmt: skip
    with pytest.raises(BadInput, match="belongs to somebody else"):
        target().apply(specification(), owner="ann", thread="t")
    assert held(cluster) == set()
    (kept,) = cluster.list("v1", "ConfigMap", "inference")
    assert kept["data"] == {"mine": "yes"}


FAILURES: dict[str, tuple[dict[str, Any], dict[str, Any], type[SextantError], str]] = {
    "forbidden": ({"denied": [["create", "services"]]}, {}, BadInput, r"you may not create services in inference"),
    "watch forbidden": ({"denied": [["watch", "*"]]}, {}, BadInput, r"watch InferenceService.*you are not allowed"),
    "pods forbidden": ({"denied": [["list", "pods"]]}, {}, BadInput, r"list Pod: you are not allowed"),
    "discovery": (
        {"denied": [["get", "namespaces"]]}, {"create_namespace": True}, BadInput, r"may not get namespaces",
    ),
    "webhook": ({"webhook": "no Fridays"}, {}, BadInput, r"inferenceservice\.kserve.* refuses it: no Fridays"),
    "kserve missing": ({"missing": ["serving.kserve.io"]}, {}, BadInput, r"needs KServe, which this cluster does not"),
    "operator missing": ({"missing": ["keda.sh"]}, {"autoscaling": "keda"}, BadInput, r"no KEDA"),
    "namespace missing": ({}, {"namespace": "nowhere"}, BadInput, r'namespaces "nowhere" not found'),
    "storage class missing": ({}, {"cache_storage_class": "fast", "simulator": False}, BadInput, r"storage class fast"),
    "image": ({"pods": "ImagePullBackOff"}, {}, Unavailable, r"the image sextant:0\.1\.0 cannot be pulled"),
    "crash": ({"pods": "CrashLoopBackOff"}, {}, Unavailable, r"ends right after its start \(4 times\): ValueError"),
    "memory": ({"pods": "OOMKilled"}, {}, Unavailable, r"killed for using too much memory"),
    "quota of objects": (
        {"failing": [{"verb": "patch", "resource": "services", "times": 99, "code": 403, "reason": "Forbidden",
                      "message": 'services "a" is forbidden: exceeded quota: team, requested: count/services=1, used: '
                                 "count/services=9, limited: count/services=9"}]},
        {}, BadInput, r"quota team is used up: asked count/services=1, used count/services=9, limit count/services=9",
    ),
    "changed meanwhile": (
        {"failing": [{"verb": "patch", "resource": "inferenceservices", "times": 99, "code": 409, "reason": "Conflict",
                      "message": "the object has been modified"}]},
        {}, BadInput, r"apply InferenceService/qwen3-8b: the object has been modified",
    ),
    "secret missing": (
        {"pods": "CreateContainerConfigError"}, {}, Unavailable, r'cannot be made: secret "hub" not found',
    ),
    "broken": (
        {"failing": [{"verb": "patch", "resource": "inferenceservices", "times": 99, "code": 500,
                      "reason": "InternalError", "message": "etcd is away"}]},
        {}, Unavailable, r"etcd is away",
    ),
    "patience": (
        {"failing": [{"verb": "list", "resource": "events", "times": 9, "code": 429, "reason": "TooManyRequests",
                      "message": "too many requests", "retry_after_s": 1}], "pods": "Never"},
        {}, Unavailable, r"asks for patience",
    ),
}  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES)
def test_every_failure_of_a_cluster_is_one_clear_line_and_leaves_nothing(
    failure: str, target: Callable[..., KubernetesTarget], cluster: Cluster, tmp_path: Path
) -> None:
    broken, settings, kind, words = FAILURES[failure]
    faults(cluster, **broken)
    with pytest.raises(kind, match=words) as caught:
        target(**settings).apply(specification(), owner="ann", thread="t")
    assert "\n" not in caught.value.message
    assert caught.value.cure
    faults(cluster, denied=[], missing=[], webhook="", failing=[], pods="")
    assert held(cluster) == set()
    for deployment in Records(tmp_path).deployments.all():
        assert (deployment.state, deployment.endpoint) == ("failed", None)


class Seen(Exception):
    """Ends an `apply` once it has said what the test waits for, however long the cluster took."""


def until(words: str) -> Callable[[DeployProgress], None]:
    def look(progress: DeployProgress) -> None:
        if re.search(words, progress.note):
            raise Seen

    return look


def test_a_trouble_that_may_mend_itself_is_told_while_waiting(
    target: Callable[..., KubernetesTarget], cluster: Cluster, tmp_path: Path
) -> None:
    faults(cluster, pods="Probe")
    told = until(r"does not answer yet: Startup probe failed: HTTP probe failed with statuscode: 503")
    with pytest.raises(Seen):
        target().apply(specification(), owner="ann", thread="t", on_progress=told)
    assert held(cluster) == set()
    (failed,) = Records(tmp_path).deployments.all()
    assert (failed.state, failed.reason) == ("failed", "stopped by Seen")


def test_what_does_not_become_ready_in_time_is_taken_back(
    target: Callable[..., KubernetesTarget], cluster: Cluster
) -> None:
    faults(cluster, pods="Never")
    with pytest.raises(Unavailable, match=r"not ready within 1 s"):
        target(patience_s=1.0).apply(specification(), owner="ann", thread="t")
    assert held(cluster) == set()


def test_cards_that_are_taken_are_told_by_node(target: Callable[..., KubernetesTarget], cluster: Cluster) -> None:
    spec = specification(replicas=3, tensor_parallel=8, gpu_count=24, model_id="meta-llama/Llama-3.1-70B-Instruct")
    door = target(simulator=False)
    (warning,) = [finding for finding in door.check(spec) if finding.field == "cards"]
    assert "free: 8 on node-0, 8 on node-1" in warning.problem
    told = until(r"no node with 8 free nvidia.com/gpu: 0 free on node-0, 0 free on node-1")
    with pytest.raises(Seen):
        door.apply(spec, owner="ann", thread="t", on_progress=told)
    assert cluster.list("v1", "Pod", "inference") == []


def test_a_quota_that_is_used_up_is_told_with_its_numbers_until_it_is_larger(
    target: Callable[..., KubernetesTarget], cluster: Cluster
) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team", "namespace": "inference"},
             "spec": {"hard": {"requests.nvidia.com/gpu": "1"}}}  # fmt: skip
    cluster.request("POST", "/api/v1/namespaces/inference/resourcequotas", body=quota)
    with pytest.raises(Unavailable, match=r"exceeded quota: team, requested: requests.nvidia.com/gpu=1.*limited: .*=1"):
        target(simulator=False).apply(specification(), owner="ann", thread="t")
    cluster.delete(quota)
    # The event about the old quota is still there, and no longer true.
    door = target(simulator=False, hopeless_s=60.0)
    assert door.apply(specification(), owner="ann", thread="t").state == "applied"


def test_a_cluster_that_goes_away_halfway_is_said_so_and_what_is_left_can_be_rolled_back(
    start_double: Any, tmp_path: Path
) -> None:
    with ExitStack() as running:
        short_lived = running.enter_context(start_double(tmp_path))
        door = KubernetesTarget(tmp_path, load(), settings=Settings(simulator=True), kubeconfig=short_lived)

        def leave(progress: DeployProgress) -> None:
            if progress.step == "applying":
                running.close()

        with pytest.raises(Unavailable, match="does not answer"):
            door.apply(specification(), owner="ann", thread="t", on_progress=leave)
    (failed,) = Records(tmp_path).deployments.all()
    assert failed.state == "failed"
    assert "what was applied is still there: the cluster at" in failed.reason
    with pytest.raises(Unavailable, match="does not answer"):
        door.rollback(failed.deployment_id, who="ann")


def test_settings_follow_what_the_cluster_offers(target: Callable[..., KubernetesTarget], cluster: Cluster) -> None:
    faults(cluster, missing=["keda.sh", "monitoring.coreos.com"])
    steps: list[DeployProgress] = []
    target().apply(specification(), owner="ann", thread="t", on_progress=steps.append)
    assert "no KEDA: autoscaling is none" in steps[0].note
    assert "no Prometheus operator" in steps[0].note
    faults(cluster, missing=[])
    assert "InferenceService/qwen3-8b" in held(cluster)
    assert not any(entry.startswith("ScaledObject") for entry in held(cluster))


def test_a_cluster_that_is_gone_is_said_so_at_once(tmp_path: Path, kubeconfig: Path) -> None:
    text = kubeconfig.read_text()
    port = text.partition("https://127.0.0.1:")[2].split()[0]
    gone = tmp_path / "gone.yaml"
    gone.write_text(text.replace(port, "1"))
    door = KubernetesTarget(tmp_path, load(), settings=Settings(simulator=True), kubeconfig=gone)
    with pytest.raises(Unavailable, match=r"the cluster at https://127.0.0.1:1 does not answer"):
        door.apply(specification(), owner="ann", thread="t")


def test_a_cluster_that_went_away_neither_changes_records_nor_stops_other_work(
    start_double: Any, tmp_path: Path, target: Callable[..., KubernetesTarget], cluster: Cluster
) -> None:
    (tmp_path / "other").mkdir()
    with start_double(tmp_path / "other") as short_lived:
        settings = read_settings({**SIMULATED, "name": "elsewhere"})
        there = KubernetesTarget(tmp_path, load(), settings=settings, kubeconfig=short_lived, ready_s=20)
        deployment = there.apply(specification(), owner="ann", thread="elsewhere")
    assert [health.ready for health in there.health(deployment)] == [False, False]
    assert "does not answer" in there.health(deployment)[0].detail
    assert target().reconcile() == ()
    with pytest.raises(Unavailable, match="does not answer"):
        there.rollback(deployment.deployment_id, who="ann")
    assert Records(tmp_path).deployments.get(deployment.deployment_id) == deployment
    assert target().apply(specification(), owner="ann", thread="here").state == "applied"
    assert "InferenceService/qwen3-8b" in held(cluster)


def test_a_login_that_is_not_known_is_said_so(tmp_path: Path, kubeconfig: Path) -> None:
    stranger = tmp_path / "stranger.yaml"
    stranger.write_text(kubeconfig.read_text().replace("double-token", "another"))
    door = KubernetesTarget(tmp_path, load(), settings=Settings(simulator=True), kubeconfig=stranger)
    with pytest.raises(BadInput, match="the cluster does not know you"):
        door.apply(specification(), owner="ann", thread="t")


def test_a_certificate_that_is_not_trusted_is_said_so(tmp_path: Path, kubeconfig: Path) -> None:
    doubted = yaml.safe_load(kubeconfig.read_text())
    del doubted["clusters"][0]["cluster"]["certificate-authority"]
    file = tmp_path / "doubted.yaml"
    file.write_text(yaml.safe_dump(doubted))
    with pytest.raises(BadInput, match="a certificate that is not trusted"):
        Cluster(file).version()


def test_sextant_on_a_cluster_deploys_to_that_cluster_as_its_service_account(tmp_path: Path, kubeconfig: Path) -> None:
    (files,) = [
        entry["data"]
        for entry in objects_of(own_manifests(read_settings({"namespace": "inference", "target": "vanilla"})))
        if entry["kind"] == "ConfigMap"
    ]
    assert read_settings(json.loads(files["settings.json"])).target == "vanilla"
    double = yaml.safe_load(kubeconfig.read_text())
    place, account = double["clusters"][0]["cluster"], "/var/run/secrets/kubernetes.io/serviceaccount"
    (tmp_path / "token").write_text(double["users"][0]["user"]["token"])
    within = tmp_path / "kubeconfig.yaml"
    within.write_text(
        files["kubeconfig.yaml"]
        .replace("https://kubernetes.default.svc", place["server"])
        .replace(f"{account}/ca.crt", place["certificate-authority"])
        .replace(f"{account}/token", str(tmp_path / "token"))
    )
    assert Cluster(within).version() == "1.36"


@pytest.mark.parametrize("content", ["", "{", "a: [", "apiVersion: v1"])
def test_a_kubeconfig_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    wrong = tmp_path / "kubeconfig.yaml"
    wrong.write_text(content)
    with pytest.raises(BadInput, match="no cluster"):
        Cluster(wrong).version()


@pytest.mark.parametrize("kind", ["kserve", "vanilla", "llmisvc"])
def test_the_rights_that_sextant_asks_for_are_the_ones_it_uses(
    kind: TargetName, target: Callable[..., KubernetesTarget], cluster: Cluster
) -> None:
    door = target(target=kind, access="nodeport", cache_storage_class="shared", simulator=False)
    deployment = door.apply(specification(), owner="ann", thread="t")
    door.rollback(deployment.deployment_id, who="ann")
    used = {
        ("watch" if watch else "list" if (method, name) == ("GET", "") else VERBS[method], group or "", plural)
        for entry in cluster.request("POST", "/_double", body={})["requests"]
        for method, group, plural, name, watch in NAMESPACED.findall(entry)
    }
    granted = {
        (verb, rule["apiGroups"][0], resource)
        for rule in rights(kind)
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert used
    assert used <= granted
    assert {verb for verb, _, _ in used} == {"get", "list", "patch", "delete", "watch"}


def test_what_another_state_directory_is_applying_is_left_to_it(
    target: Callable[..., KubernetesTarget], cluster: Cluster, tmp_path: Path
) -> None:
    records = Records(tmp_path).deployments
    theirs = records.reserve(
        NewDeployment(
            owner="bob", thread="t", plan_hash=specification().plan_hash, target="kubernetes", host="elsewhere",
            spec=specification().to_json(), model_id="m", gpu_type="g", gpu_count=1, engine="vllm", time_factor=1.0,
            monthly_cost_usd=None, snapshot="",
        )
    )  # fmt: skip
    assert target().reconcile() == ()
    with pytest.raises(Conflict, match="is being applied by another Sextant, elsewhere"):
        target().apply(specification(), owner="ann", thread="t")
    assert records.get(theirs.deployment_id) == theirs
    assert held(cluster) == set()


def test_what_vanished_from_the_cluster_is_recorded_as_failed(
    target: Callable[..., KubernetesTarget], cluster: Cluster
) -> None:
    deployment = target().apply(specification(), owner="ann", thread="t")
    cluster.delete({"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
                    "metadata": {"name": "qwen3-8b", "namespace": "inference"}})  # fmt: skip
    assert [health.ready for health in target().health(deployment)] == [False, False]
    (failed,) = target().reconcile()
    assert (failed.state, failed.reason) == ("failed", "InferenceService is gone from the cluster")
