"""The manifests of Sextant itself: valid, with the least rights, and several servers share what they must."""

from typing import Any

import pytest

from knowledge.errors import BadInput
from tools.kubernetes.findings import errors
from tools.kubernetes.own import own_manifests
from tools.kubernetes.rendering import Manifest, objects_of
from tools.kubernetes.settings import read_settings
from tools.kubernetes.validation import check_object


def one(manifests: tuple[Manifest, ...], kind: str) -> Any:
    (found,) = [entry for entry in objects_of(manifests) if entry["kind"] == kind]
    return found


@pytest.mark.parametrize("target", ["kserve", "vanilla", "llmisvc"])
def test_the_manifests_of_sextant_itself_are_valid(target: str) -> None:
    manifests = own_manifests(read_settings({"target": target, "namespace": "team-a"}))
    objects = objects_of(manifests)
    assert [finding for entry in objects for finding in errors(check_object(entry, "1.36"))] == []
    assert "*" not in "".join(manifest.text for manifest in manifests)


def test_several_servers_share_a_database_and_their_notes_and_keep_people_with_theirs() -> None:
    chosen = {"server_replicas": 3, "database_secret": "pg", "state_storage_class": "shared", "host": "a.example.org",
              "tls_secret": "tls"}  # fmt: skip
    manifests = own_manifests(read_settings(chosen))
    assert [finding for entry in objects_of(manifests) for finding in errors(check_object(entry, "1.36"))] == []
    server = one(manifests, "Deployment")["spec"]
    (container,) = server["template"]["spec"]["containers"]
    assert (server["replicas"], server["strategy"]["type"]) == (3, "RollingUpdate")
    assert {"name": "SEXTANT_DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "pg", "key": "url"}}} in container[
        "env"
    ]
    assert one(manifests, "PersistentVolumeClaim")["spec"]["accessModes"] == ["ReadWriteMany"]
    assert one(manifests, "Service")["spec"]["sessionAffinity"] == "ClientIP"
    assert one(manifests, "Ingress")["metadata"]["annotations"]["nginx.ingress.kubernetes.io/affinity"] == "cookie"
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert probes == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"server_replicas": 2}, "database_secret"),
        ({"server_replicas": 2, "database_secret": "pg"}, "state_storage_class"),
        ({"host": "a.example.org"}, "tls_secret"),
    ],
)
def test_servers_that_would_not_share_what_they_must_are_refused(values: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        own_manifests(read_settings(values))
    assert caught.value.field == field
