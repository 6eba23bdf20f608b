"""What a Kubernetes API server answers, tried on the best one at hand; see the header of the test run for which.

A real cluster by SEXTANT_TEST_KUBECONFIG, else real binaries by KUBEBUILDER_ASSETS, else the project's own double,
which is no Kubernetes: these tests are how it is held to what Kubernetes does.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knowledge.errors import BadInput, Conflict
from tools.kubernetes.cluster import APPLY, Cluster
from tools.kubernetes.failures import Refused

GROUP = "/apis/serving.kserve.io/v1beta1/namespaces/inference/inferenceservices"
GATEWAYS = "/apis/gateway.networking.k8s.io/v1/namespaces/inference/gateways"
LLM = "/apis/serving.kserve.io/v1alpha2/namespaces/inference/llminferenceservices"


class Api:
    """Requests whose refusals are values."""

    def __init__(self, name: str, kubeconfig: Path) -> None:
        self.name, self.cluster = name, Cluster(kubeconfig)

    def __call__(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, dict[str, Any]]:
        content = "application/json"
        if method == "APPLY":
            method, content = "PATCH", APPLY
        elif method == "PATCH":
            content = "application/merge-patch+json"
        try:
            return 200, self.cluster.request(method, path, body=body, query=query, content_type=content)
        except Refused as refused:
            found = refused.refusal
            return found.code, {"reason": found.reason, "message": found.message, "causes": list(found.causes)}

    def events(self, path: str, **query: str) -> list[dict[str, Any]]:
        """What a watch of one second says."""
        answer = self.cluster._answer("GET", path, query={"watch": "true", "timeoutSeconds": "1", **query})
        with answer:
            return [json.loads(line) for line in answer.read().splitlines() if line]


@pytest.fixture(scope="session")
def api(any_cluster: tuple[str, Path]) -> Api:
    return Api(*any_cluster)


@pytest.fixture
def name(api: Api) -> Iterator[str]:
    made = f"c{uuid.uuid4().hex[:10]}"
    yield made
    for path in (GROUP, LLM):
        api("DELETE", f"{path}/{made}")


def service(name: str, **predictor: Any) -> dict[str, Any]:
    body = {"model": {"modelFormat": {"name": "vLLM"}}, "minReplicas": 1, "maxReplicas": 2, **predictor}
    return {"apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
            "metadata": {"name": name, "namespace": "inference"}, "spec": {"predictor": body}}  # fmt: skip


def llm(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "serving.kserve.io/v1alpha2", "kind": "LLMInferenceService",
            "metadata": {"name": name, "namespace": "inference"},
            "spec": {"model": {"uri": "hf://a/b", "name": "b"}, **spec}}  # fmt: skip


def noted(name: str, **notes: str) -> dict[str, Any]:
    """An object of a custom kind with annotations: also a server of custom kinds alone can be asked about it."""
    entry = service(name)
    return {**entry, "metadata": {**entry["metadata"], "annotations": notes}}


def test_discovery_lists_groups_and_kinds(api: Api) -> None:
    assert "v1beta1" in api.cluster.served()["serving.kserve.io"]
    assert api.cluster.resource("apps/v1", "Deployment").path("a", "b") == "/apis/apps/v1/namespaces/a/deployments/b"
    assert tuple(int(part) for part in api.cluster.version().split(".")) >= (1, 25)


def test_a_new_object_begins_at_generation_1_with_its_author_noted(api: Api, name: str) -> None:
    code, made = api("POST", GROUP, service(name), fieldManager="me")
    assert code == 200
    assert made["metadata"]["generation"] == 1
    (entry,) = made["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"], entry["fieldsType"]) == ("me", "Update", "FieldsV1")
    assert "f:predictor" in entry["fieldsV1"]["f:spec"]
    code, again = api("POST", GROUP, service(name))
    assert (code, again["reason"]) == (409, "AlreadyExists")


def test_an_unknown_field_is_pruned_or_refused(api: Api, name: str) -> None:
    wrong = service(name, minReplicaz=1)
    code, refused = api("POST", GROUP, wrong, fieldValidation="Strict")
    assert code == 400
    assert refused["reason"] == "BadRequest"
    assert 'strict decoding error: unknown field "spec.predictor.minReplicaz"' in refused["message"]
    code, made = api("POST", GROUP, wrong)
    assert code == 200
    assert "minReplicaz" not in made["spec"]["predictor"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (service("x", minReplicas="one"), "spec.predictor.minReplicas"),
        (llm("x", model={"name": "b"}), "spec.model.uri"),
        (service("Bad_Name"), "metadata.name"),
    ],
)
def test_what_is_invalid_names_its_field(api: Api, body: dict[str, Any], field: str) -> None:
    code, refused = api("POST", LLM if body["kind"].startswith("LLM") else GROUP, body)
    assert (code, refused["reason"]) == (422, "Invalid")
    assert field in {cause["field"] for cause in refused["causes"]}
    if field == "metadata.name":
        assert "RFC 1123" in refused["message"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"scaling": {"maxReplicas": 2}}, "scaling"),
        ({"replicas": 1, "scaling": {"maxReplicas": 2, "wva": {"keda": {}}}}, "mutually exclusive"),
    ],
)
def test_the_rules_of_the_llm_kind_hold(api: Api, spec: dict[str, Any], words: str, name: str) -> None:
    code, refused = api("POST", LLM, llm(name, **spec))
    assert code == 422
    assert words in refused["message"]


def test_apply_creates_changes_and_leaves_alone(api: Api, name: str) -> None:
    path = f"{GROUP}/{name}"
    code, first = api("APPLY", path, service(name), fieldManager="sextant")
    assert code == 200
    _, same = api("APPLY", path, service(name), fieldManager="sextant")
    assert same["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    _, changed = api("APPLY", path, service(name, maxReplicas=5), fieldManager="sextant")
    assert changed["spec"]["predictor"]["maxReplicas"] == 5
    assert changed["metadata"]["generation"] == 2
    less = service(name)
    del less["spec"]["predictor"]["maxReplicas"]
    _, shorter = api("APPLY", path, less, fieldManager="sextant")
    assert "maxReplicas" not in shorter["spec"]["predictor"]


def test_apply_over_another_manager_conflicts_unless_forced(api: Api, name: str) -> None:
    path = f"{GROUP}/{name}"
    api("APPLY", path, service(name), fieldManager="sextant")
    theirs = service(name, maxReplicas=9)
    code, refused = api("APPLY", path, theirs, fieldManager="other")
    assert (code, refused["reason"]) == (409, "Conflict")
    assert 'conflict with "sextant": .spec.predictor.maxReplicas' in refused["message"]
    assert {cause["reason"] for cause in refused["causes"]} == {"FieldManagerConflict"}
    code, forced = api("APPLY", path, theirs, fieldManager="other", force="true")
    assert code == 200
    fields = {e["manager"]: e["fieldsV1"]["f:spec"]["f:predictor"] for e in forced["metadata"]["managedFields"]}
    assert ("f:maxReplicas" in fields["other"], "f:maxReplicas" in fields["sextant"]) == (True, False)
    with pytest.raises(Conflict, match=r"other.*maxReplicas.*nothing was forced"):
        api.cluster.apply(service(name))


def test_a_conflict_with_an_update_names_its_version_and_null_takes_away(api: Api, name: str) -> None:
    path = f"{GROUP}/{name}"
    api("APPLY", path, service(name), fieldManager="sextant")
    api("PATCH", path, {"spec": {"predictor": {"maxReplicas": 7}}}, fieldManager="bob")
    code, refused = api("APPLY", path, service(name), fieldManager="sextant")
    assert code == 409
    assert 'conflict with "bob" using serving.kserve.io/v1beta1: .spec.predictor.maxReplicas' in refused["message"]
    _, less = api("PATCH", path, {"spec": {"predictor": {"maxReplicas": None}}}, fieldManager="bob")
    assert "maxReplicas" not in less["spec"]["predictor"]


def test_apply_merges_lists_by_their_keys(api: Api, name: str) -> None:
    path = f"{GATEWAYS}/{name}"

    def listeners(*numbers: int) -> dict[str, Any]:
        listed = [{"name": f"p{n}", "port": n, "protocol": "HTTP"} for n in numbers]
        return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                "metadata": {"name": name, "namespace": "inference"},
                "spec": {"gatewayClassName": "a", "listeners": listed}}  # fmt: skip

    try:
        api("APPLY", path, listeners(80, 81), fieldManager="one")
        _, both = api("APPLY", path, listeners(82), fieldManager="two")
        assert sorted(entry["port"] for entry in both["spec"]["listeners"]) == [80, 81, 82]
        (mine,) = [e["fieldsV1"]["f:spec"] for e in both["metadata"]["managedFields"] if e["manager"] == "two"]
        assert mine["f:listeners"]['k:{"name":"p82"}'] == {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}}
        _, fewer = api("APPLY", path, listeners(80), fieldManager="one")
        assert sorted(entry["port"] for entry in fewer["spec"]["listeners"]) == [80, 82]
        _, changed = api("PATCH", path, {"spec": {"listeners": listeners(80)["spec"]["listeners"]}})
        assert [entry["port"] for entry in changed["spec"]["listeners"]] == [80]
    finally:
        api("DELETE", path)


def test_a_dry_run_changes_nothing(api: Api, name: str) -> None:
    code, _ = api("APPLY", f"{GROUP}/{name}", service(name), fieldManager="sextant", dryRun="All")
    assert code == 200
    assert api("GET", f"{GROUP}/{name}")[0] == 404


def test_status_has_a_door_of_its_own(api: Api, name: str) -> None:
    path = f"{GROUP}/{name}"
    _, made = api("POST", GROUP, service(name))
    _, ignored = api("PATCH", path, {"status": {"url": "http://a"}})
    assert "url" not in ignored.get("status", {})
    code, told = api("PATCH", f"{path}/status", {"status": {"url": "http://a"}})
    assert code == 200
    assert told["status"]["url"] == "http://a"
    assert told["metadata"]["generation"] == made["metadata"]["generation"]
    assert "status" in {entry.get("subresource") for entry in told["metadata"]["managedFields"]}


def test_an_old_version_cannot_overwrite(api: Api, name: str) -> None:
    _, made = api("POST", GROUP, noted(name, a="1"))
    api("PATCH", f"{GROUP}/{name}", {"metadata": {"annotations": {"a": "2"}}})
    code, refused = api("PUT", f"{GROUP}/{name}", {**made, "spec": service(name, maxReplicas=9)["spec"]})
    assert (code, refused["reason"]) == (409, "Conflict")
    assert "the object has been modified" in refused["message"]


def test_a_watch_begins_with_what_is_there(api: Api, name: str) -> None:
    api("POST", GROUP, noted(name))
    events = api.events(GROUP, fieldSelector=f"metadata.name={name}", allowWatchBookmarks="true")
    assert events[0]["type"] == "ADDED"
    assert events[0]["object"]["metadata"]["name"] == name


def test_a_watch_tells_what_changes(api: Api, name: str) -> None:
    _, made = api("POST", GROUP, noted(name))
    api("PATCH", f"{GROUP}/{name}", {"metadata": {"annotations": {"a": "2"}}})
    api("DELETE", f"{GROUP}/{name}")
    since = made["metadata"]["resourceVersion"]
    events = api.events(GROUP, resourceVersion=since, fieldSelector=f"metadata.name={name}")
    assert [event["type"] for event in events] == ["MODIFIED", "DELETED"]


def test_a_watch_from_a_forgotten_version_has_expired(api: Api, name: str) -> None:
    if api.name != "double":
        pytest.skip(f"{api.name}: compaction cannot be asked for")
    _, made = api("POST", GROUP, noted(name))
    api("POST", "/_double", {"compact": True})
    (event,) = api.events(GROUP, resourceVersion=str(int(made["metadata"]["resourceVersion"]) - 1))
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_lists_are_selected_and_paged(api: Api, name: str) -> None:
    labelled = noted(name)
    labelled["metadata"]["labels"] = {"batch": name}
    api("POST", GROUP, labelled)
    for number in range(2):
        other = noted(f"{name}-{number}")
        other["metadata"]["labels"] = {"batch": name}
        api("POST", GROUP, other)
    _, page = api("GET", GROUP, labelSelector=f"batch={name}", limit="2")
    assert len(page["items"]) == 2
    _, rest = api("GET", GROUP, labelSelector=f"batch={name}", limit="2", **{"continue": page["metadata"]["continue"]})
    assert len(rest["items"]) == 1
    for number in range(2):
        api("DELETE", f"{GROUP}/{name}-{number}")


def test_foreground_deletion_waits_for_dependents(api: Api, name: str) -> None:
    if api.name.startswith("cluster"):
        pytest.skip(f"{api.name}: a garbage collector runs")
    api("POST", GROUP, service(name))
    code, _ = api("DELETE", f"{GROUP}/{name}", propagationPolicy="Foreground")
    assert code == 200
    _, dying = api("GET", f"{GROUP}/{name}")
    assert dying["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert dying["metadata"]["deletionTimestamp"]
    api("PATCH", f"{GROUP}/{name}", {"metadata": {"finalizers": []}})
    assert api("GET", f"{GROUP}/{name}")[0] == 404


def test_what_is_not_there_is_not_found(api: Api) -> None:
    assert api("GET", f"{GROUP}/nothing")[1]["reason"] == "NotFound"
    assert api("GET", "/apis/nothing.example.org/v1/namespaces/inference/things")[0] == 404
    body = noted("a")
    body["metadata"]["namespace"] = "nowhere"
    code, refused = api("POST", GROUP.replace("inference/", "nowhere/"), body)
    assert code == 404
    assert 'namespaces "nowhere" not found' in refused["message"]


def test_rights_can_be_asked_for(api: Api) -> None:
    assert api.cluster.allowed("create", "apps", "deployments", "inference")


def test_a_wrong_token_is_told_so(api: Api, any_cluster: tuple[str, Path], tmp_path: Path) -> None:
    text = any_cluster[1].read_text()
    if "token:" not in text:
        pytest.skip(f"{api.name}: logs in without a token")
    wrong = tmp_path / "kubeconfig.yaml"
    wrong.write_text("\n".join("    token: wrong" if "token:" in line else line for line in text.splitlines()))
    with pytest.raises(BadInput, match="does not know you"):
        Cluster(wrong).apply(noted("a"))
