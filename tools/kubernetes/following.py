"""Following what was applied until it is ready, and saying meanwhile what keeps it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from knowledge.errors import Unavailable
from tools.deploy import DeployProgress
from tools.deploy.target import OnProgress
from tools.kubernetes.cluster import Cluster
from tools.kubernetes.pods import Trouble, ready_pods, trouble

MAIN_KINDS = ("InferenceService", "LLMInferenceService", "Deployment", "LeaderWorkerSet")
_SLICE_S = 5
_WATCH_PAUSE_S = 0.2
_GONE_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait until ready, and how long with a trouble that waiting does not mend; in seconds."""

    ready_s: float
    hopeless_s: float = 90.0
    slice_s: int = _SLICE_S


def main_object(objects: tuple[Mapping[str, Any], ...]) -> Mapping[str, Any]:
    """The one whose readiness is the release's."""
    return next(entry for entry in objects if entry["kind"] in MAIN_KINDS)


def follow(
    cluster: Cluster,
    main: Mapping[str, Any],
    *,
    workload: str,
    labels: Mapping[str, str],
    resource: str,
    replicas: int,
    patience: Patience,
    on_progress: OnProgress,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """The object once it is ready and as many pods as planned are: an autoscaler may begin below its minimum.

    Raises Unavailable with the reason and its cure when that does not happen.
    """
    namespace = main["metadata"].get("namespace", "")
    began, stuck_since = clock(), None
    found: Trouble | None = None
    while (waited := clock() - began) < patience.ready_s:
        slice_s = max(1, min(patience.slice_s, int(patience.ready_s - waited)))
        for state in cluster.watch(main, timeout_s=slice_s):
            if is_ready(state) and ready_pods(cluster, namespace, labels) >= replicas:
                return state
        found = trouble(cluster, namespace, labels, workload, resource=resource, replicas=replicas)
        note = (
            found.words if found else f"waiting for {main['kind']} {main['metadata']['name']}: {why_not(main, cluster)}"
        )
        on_progress(DeployProgress("waiting", 0.5 + 0.45 * min(1.0, waited / patience.ready_s), note))
        stuck_since = (stuck_since or clock()) if found and found.hopeless else None
        if found and stuck_since is not None and clock() - stuck_since >= patience.hopeless_s:
            raise Unavailable(found.words, found.cure)
        time.sleep(_WATCH_PAUSE_S)  # a watch that the server ends at once must not become a busy loop
    words = found.words if found else why_not(main, cluster)
    raise Unavailable(f"not ready within {patience.ready_s:g} s: {words}", found.cure if found else "see its events")


def is_ready(state: Mapping[str, Any]) -> bool:
    """Whether an object says that it is ready, for its present generation."""
    status = state.get("status") or {}
    if status.get("observedGeneration", state["metadata"].get("generation")) != state["metadata"].get("generation"):
        return False
    if state["kind"] == "Deployment":
        wanted = (state.get("spec") or {}).get("replicas", 1)
        counts = ("updatedReplicas", "availableReplicas")
        return all(int(status.get(count, 0)) >= wanted for count in counts) and not status.get("unavailableReplicas")
    wanted_type = "Available" if state["kind"] == "LeaderWorkerSet" else "Ready"
    return any(entry["type"] == wanted_type and entry["status"] == "True" for entry in status.get("conditions", []))


def why_not(main: Mapping[str, Any], cluster: Cluster) -> str:
    """The first condition that does not hold, in its own words."""
    state = cluster.get(main)
    if state is None:
        return "it is gone"
    conditions = (state.get("status") or {}).get("conditions", [])
    for entry in conditions:
        if entry.get("status") != "True":
            words = " ".join(filter(None, (entry.get("reason", ""), entry.get("message", ""))))
            return f"{entry['type']} does not hold{': ' + words if words else ''}"
    return "replicas are still coming" if conditions else "its controller has not said anything yet"


def wait_until_gone(cluster: Cluster, entry: Mapping[str, Any], patience_s: float = _GONE_PATIENCE_S) -> bool:
    """Whether an object that was deleted is really gone in time."""
    deadline = time.monotonic() + patience_s
    while cluster.get(entry) is not None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_WATCH_PAUSE_S)
    return True
