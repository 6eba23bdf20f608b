"""The kinds that the double serves: core ones from kubernetes-validate's schemas, custom ones from the bundled CRDs."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
CORE_VERSION = "v1.36.0-local"
_CORE = (
    ("v1", "Namespace", "namespaces", False), ("v1", "Node", "nodes", False), ("v1", "Pod", "pods", True),
    ("v1", "Service", "services", True), ("v1", "ConfigMap", "configmaps", True), ("v1", "Secret", "secrets", True),
    ("v1", "Event", "events", True), ("v1", "ResourceQuota", "resourcequotas", True),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", True),
    ("v1", "ServiceAccount", "serviceaccounts", True), ("apps/v1", "Deployment", "deployments", True),
    ("apps/v1", "ReplicaSet", "replicasets", True), ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", True),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", True),
    ("networking.k8s.io/v1", "Ingress", "ingresses", True),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", False),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", True),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", True),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", False),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", False),
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind at one version."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    schema: Mapping[str, Any]
    custom: bool
    status: bool = True
    columns: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def storage_key(self) -> str:
        return f"{self.group}/{self.plural}"


@cache
def definitions() -> Mapping[str, Any]:
    path = files("kubernetes_validate") / "kubernetes-json-schema" / CORE_VERSION / "_definitions.json"
    found: Mapping[str, Any] = json.loads(path.read_bytes())["$defs"]
    return found


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema, a reference followed; what stands beside the reference (list types) is kept."""
    reference = schema.get("$ref")
    return {**definitions()[reference.rpartition("/")[2]], **schema} if reference else schema


@cache
def all_kinds() -> tuple[Kind, ...]:
    by_kind = {
        (f"{gvk['group']}/{gvk['version']}".lstrip("/"), gvk["kind"]): schema
        for schema in definitions().values()
        for gvk in schema.get("x-kubernetes-group-version-kind", ())
    }
    core = [
        Kind(version, kind, plural, namespaced, by_kind[version, kind], custom=False)
        for version, kind, plural, namespaced in _CORE
    ]
    custom = []
    for path in sorted((ROOT / "knowledge" / "data" / "crds").glob("*.json.gz")):
        spec = json.loads(gzip.decompress(path.read_bytes()))["spec"]
        for version in spec["versions"]:
            custom.append(
                Kind(
                    f"{spec['group']}/{version['name']}", spec["names"]["kind"], spec["names"]["plural"],
                    spec["scope"] == "Namespaced", version["schema"]["openAPIV3Schema"], custom=True,
                    status="status" in version.get("subresources", {}),
                    columns=tuple(version.get("additionalPrinterColumns", ())),
                )
            )  # fmt: skip
    return (*core, *custom)
