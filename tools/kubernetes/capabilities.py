"""What a cluster offers, and settings that follow from it. What a person said stays as they said it."""

from collections.abc import Mapping
from dataclasses import dataclass

import kubernetes_validate

from knowledge.errors import BadInput, NotFound
from tools.kubernetes.cluster import Cluster
from tools.kubernetes.settings import Settings

KSERVE, KEDA, MONITORING = "serving.kserve.io", "keda.sh", "monitoring.coreos.com"
CUSTOM_METRICS = "custom.metrics.k8s.io"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Versions by API group, the Kubernetes version, and which KServe this is (None: none)."""

    version: str
    served: Mapping[str, tuple[str, ...]]
    kserve_version: str | None


def capabilities(cluster: Cluster) -> Capabilities:
    """Ask the cluster."""
    served = cluster.served()
    return Capabilities(cluster.version(), served, _kserve(cluster, served))


def adapted(settings: Settings, offered: Capabilities) -> tuple[Settings, tuple[str, ...]]:
    """Settings that this cluster can follow, and a sentence for each that had to change.

    Raises BadInput when the target itself is not offered.
    """
    if settings.target != "vanilla" and offered.kserve_version is None:
        raise BadInput(
            f"target {settings.target} needs KServe, which this cluster does not have",
            "install KServe, or choose --target vanilla",
            field="target",
        )
    changes: dict[str, str] = {"kubernetes_version": _known(offered.version)}
    notes = []
    if offered.kserve_version is not None:
        changes["kserve_version"] = offered.kserve_version
    if settings.autoscaling == "keda" and settings.target != "llmisvc" and KEDA not in offered.served:
        if "autoscaling" in settings.model_fields_set:
            raise BadInput(
                "this cluster has no KEDA", "install it, or set autoscaling to hpa or none", field="autoscaling"
            )
        changes["autoscaling"] = "hpa" if CUSTOM_METRICS in offered.served else "none"
        notes.append(f"this cluster has no KEDA: autoscaling is {changes['autoscaling']}")
    if settings.monitoring != "none" and MONITORING not in offered.served:
        if "monitoring" in settings.model_fields_set:
            raise BadInput("this cluster has no Prometheus operator", "set monitoring to none", field="monitoring")
        changes["monitoring"] = "none"
        notes.append("this cluster has no Prometheus operator: no monitor, alerts and dashboard")
    return settings.model_copy(update=changes), tuple(notes)


def _kserve(cluster: Cluster, served: Mapping[str, tuple[str, ...]]) -> str | None:
    """The oldest KServe that has what this one serves: its LLM kind came with 0.16, in its second version with 0.17."""
    if "v1beta1" not in served.get(KSERVE, ()):
        return None
    for version, release in (("v1alpha2", "0.17"), ("v1alpha1", "0.16")):
        if version in served[KSERVE]:
            try:
                cluster.resource(f"{KSERVE}/{version}", "LLMInferenceService")
            except NotFound:
                continue
            return release
    return "0.15"


def _known(version: str) -> str:
    """The version itself, or the newest whose schemas are bundled."""
    newest = ".".join(kubernetes_validate.latest_version().split(".")[:2])
    return min((version, newest), key=lambda text: tuple(int(part) for part in text.split(".")[:2]))
