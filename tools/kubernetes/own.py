"""Manifests of Sextant itself: the rights that it needs and no more, and its server."""

from typing import Any

from knowledge.errors import BadInput
from tools.kubernetes.following import MAIN_KINDS
from tools.kubernetes.rendering import Manifest, render_template
from tools.kubernetes.settings import Settings, TargetName
from tools.kubernetes.yaml_text import JsonText

_CHANGES = ["get", "create", "patch", "delete"]
_ALWAYS = (
    ("", ["configmaps", "services", "persistentvolumeclaims", "resourcequotas"]),
    ("policy", ["poddisruptionbudgets"]),
    ("networking.k8s.io", ["networkpolicies", "ingresses"]),
    ("gateway.networking.k8s.io", ["httproutes"]),
    ("monitoring.coreos.com", ["podmonitors", "servicemonitors", "prometheusrules"]),
)
_SCALING = (("keda.sh", ["scaledobjects"]), ("autoscaling", ["horizontalpodautoscalers"]))
_WORKLOADS: dict[TargetName, tuple[tuple[str, list[str]], ...]] = {
    "kserve": (("serving.kserve.io", ["inferenceservices", "servingruntimes"]), *_SCALING),
    "vanilla": (("apps", ["deployments"]), ("leaderworkerset.x-k8s.io", ["leaderworkersets"]), *_SCALING),
    "llmisvc": (("serving.kserve.io", ["llminferenceservices"]),),
}
_FOLLOWED = {kind.lower() + "s" for kind in MAIN_KINDS}


def rights(target: TargetName) -> list[dict[str, Any]]:
    """Rules of a Role in the namespace of the deployments: what Sextant applies, and pods and events to explain."""
    rules = [
        {"apiGroups": [group], "resources": [name], "verbs": [*_CHANGES, *(["watch"] if name in _FOLLOWED else [])]}
        for group, names in (*_ALWAYS, *_WORKLOADS[target])
        for name in names
    ]
    return [*rules, {"apiGroups": [""], "resources": ["pods", "events"], "verbs": ["list"]}]


def cluster_rights(*, create_namespace: bool) -> list[dict[str, Any]]:
    """Rules of a ClusterRole: free cards and storage classes are read; without them those checks are left out."""
    making = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "create", "patch"]}]
    return [
        {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["list"]},
        {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["list"]},
        *(making if create_namespace else []),
    ]


def own_manifests(settings: Settings) -> tuple[Manifest, ...]:
    """Service account with its rights, and the server: one with its state on a volume, or several on PostgreSQL.

    Raises BadInput, by setting, when several would not share what they must, or sessions would travel in the clear.
    """
    if settings.server_replicas > 1 and settings.database_secret is None:
        raise BadInput(
            "several servers need one PostgreSQL database",
            "set database_secret to a secret with key url, or server_replicas to 1",
            field="database_secret",
        )
    if settings.server_replicas > 1 and settings.state_storage_class is None:
        raise BadInput(
            "several servers share their notes of what was applied on one volume",
            "set state_storage_class to a ReadWriteMany class",
            field="state_storage_class",
        )
    if settings.host is not None and settings.tls_secret is None:
        raise BadInput("an ingress without TLS would send passwords in the clear", "set tls_secret", field="tls_secret")
    context = {
        "s": settings,
        "deploying": JsonText({"target": settings.target, "namespace": settings.namespace}),
        "rules": rights(settings.target),
        "cluster_rules": cluster_rights(create_namespace=settings.create_namespace),
    }
    return (render_template("sextant_rights", context), render_template("sextant_server", context))
