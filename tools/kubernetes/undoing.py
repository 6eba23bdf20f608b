"""Taking a revision back: to the one before it, or to nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from tools.kubernetes.cluster import Cluster
from tools.kubernetes.following import main_object, wait_until_gone

KEPT = ("Namespace",)
"""Never deleted: others may have moved in since."""


def identity(entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """What makes two objects the same one."""
    metadata = entry["metadata"]
    return entry["apiVersion"], entry["kind"], metadata.get("namespace", ""), metadata["name"]


def remove(cluster: Cluster, objects: Sequence[Mapping[str, Any]], *, keep: Sequence[Mapping[str, Any]] = ()) -> int:
    """Delete those of `objects` that are not among `keep`, last applied first; how many there were."""
    staying = {identity(entry) for entry in keep}
    going = [entry for entry in reversed(objects) if identity(entry) not in staying and entry["kind"] not in KEPT]
    return sum(_deleted(cluster, entry) for entry in going)


def _deleted(cluster: Cluster, entry: Mapping[str, Any]) -> bool:
    """Only what still is Sextant's: a name may have been taken over by somebody else."""
    live = cluster.get(entry)
    if live is None or (live["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") != "sextant":
        return False
    return cluster.delete(entry)


def gone(cluster: Cluster, objects: Sequence[Mapping[str, Any]], patience_s: float) -> bool:
    """Whether the workload has really left."""
    return wait_until_gone(cluster, main_object(tuple(objects)), patience_s)
