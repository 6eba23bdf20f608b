"""Why pods do not run, in plain words, from their status, their events and the nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from knowledge.errors import BadInput
from tools.kubernetes.cluster import Cluster

_MANY_RESTARTS = 3
_IMAGE = ("ImagePullBackOff", "ErrImagePull", "InvalidImageName")
_LONGEST = 240


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a workload from being ready. `hopeless`: waiting alone will not mend it."""

    words: str
    cure: str
    hopeless: bool


def trouble(
    cluster: Cluster, namespace: str, labels: Mapping[str, str], owner: str, *, resource: str, replicas: int
) -> Trouble | None:
    """The gravest trouble of the pods with these labels, or of `owner` (a Deployment) while it lacks some of them.

    Events outlive their cause by an hour: that a pod could not be made counts only as long as there are too few.
    """
    pods = cluster.list("v1", "Pod", namespace, labelSelector=_selector(labels))
    events = cluster.list("v1", "Event", namespace)
    found = [entry for pod in pods if (entry := _of_pod(pod, events, cluster, resource)) is not None]
    refused = [event for event in events if event.get("reason") == "FailedCreate" and _about(event).startswith(owner)]
    if refused and len(pods) < replicas:
        words = _line(refused[-1]["message"])
        quota = "quota" in words
        found.insert(
            0, Trouble(words, "ask for a larger quota, or free some" if quota else "change what it names", quota)
        )
    return min(found, key=lambda entry: not entry.hopeless, default=None)


def ready_pods(cluster: Cluster, namespace: str, labels: Mapping[str, str]) -> int:
    """How many pods with these labels answer."""
    return sum(
        any(
            entry["type"] == "Ready" and entry["status"] == "True"
            for entry in (pod.get("status") or {}).get("conditions", [])
        )
        for pod in cluster.list("v1", "Pod", namespace, labelSelector=_selector(labels))
        if not pod["metadata"].get("deletionTimestamp")
    )


def _selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _of_pod(
    pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]], cluster: Cluster, resource: str
) -> Trouble | None:
    status = pod.get("status") or {}
    for condition in status.get("conditions", []):
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return Trouble(_unschedulable(pod, condition.get("message", ""), cluster, resource),
                           "free some cards, add a node, or plan with fewer cards per replica", False)  # fmt: skip
    for container in status.get("containerStatuses", []):
        found = _of_container(container)
        if found is not None:
            return found
    name = pod["metadata"]["name"]
    probes = [event for event in events if event.get("reason") == "Unhealthy" and _about(event) == name]
    if probes:
        return Trouble(f"pod {name} does not answer yet: {_line(probes[-1]['message'])}",
                       "it may still load the model; see its log", False)  # fmt: skip
    return None


def _of_container(container: Mapping[str, Any]) -> Trouble | None:
    waiting = (container.get("state") or {}).get("waiting") or {}
    last = (container.get("lastState") or {}).get("terminated") or {}
    restarts = int(container.get("restartCount", 0))
    if waiting.get("reason") in _IMAGE:
        return Trouble(f"the image {container.get('image')} cannot be pulled: {_line(waiting.get('message', ''))}",
                       "check its name and tag, and set image_pull_secret for a private registry", True)  # fmt: skip
    if last.get("reason") == "OOMKilled":
        return Trouble(f"the server was killed for using too much memory ({restarts} times)",
                       "the host memory of the pod is too small for loading the weights", True)  # fmt: skip
    if waiting.get("reason") == "CrashLoopBackOff":
        said = _line(last.get("message", "")) or f"exit code {last.get('exitCode', 'unknown')}"
        return Trouble(f"the server ends right after its start ({restarts} times): {said}",
                       "see `kubectl logs --previous` of the pod", restarts >= _MANY_RESTARTS)  # fmt: skip
    if waiting.get("reason") in ("CreateContainerConfigError", "CreateContainerError"):
        return Trouble(f"the container cannot be made: {_line(waiting.get('message', ''))}",
                       "create the secret or volume that it names", True)  # fmt: skip
    return None


def _unschedulable(pod: Mapping[str, Any], message: str, cluster: Cluster, resource: str) -> str:
    """`no node with 4 free nvidia.com/gpu: 2 free on node-a`; the scheduler's own words where nodes stay hidden."""
    asked = requested(pod, resource)
    if not asked:
        return f"no node takes the pod: {_line(message)}"
    try:
        free = free_cards(cluster, resource, pod["spec"].get("nodeSelector") or {})
    except BadInput:
        return f"no node takes the pod: {_line(message)}"
    places = (
        ", ".join(f"{count} free on {node}" for node, count in sorted(free.items())) or "no node has the right label"
    )
    return f"no node with {asked} free {resource}: {places}"


def free_cards(cluster: Cluster, resource: str, labels: Mapping[str, str]) -> dict[str, int]:
    """Cards that no pod holds, by node with these labels. Raises BadInput where this account may not read nodes."""
    used: dict[str, int] = {}
    for pod in cluster.list("v1", "Pod"):
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            node = pod["spec"].get("nodeName", "")
            used[node] = used.get(node, 0) + requested(pod, resource)
    return {
        node["metadata"]["name"]: int(node["status"].get("allocatable", {}).get(resource, 0))
        - used.get(node["metadata"]["name"], 0)
        for node in cluster.list("v1", "Node")
        if labels.items() <= node["metadata"].get("labels", {}).items()
        and not (node.get("spec") or {}).get("unschedulable")
    }


def requested(pod: Mapping[str, Any], resource: str) -> int:
    """Cards that a pod asks for."""
    return sum(
        int(((container.get("resources") or {}).get("requests") or {}).get(resource, 0))
        for container in pod["spec"]["containers"]
    )


def _about(event: Mapping[str, Any]) -> str:
    return str(event.get("involvedObject", {}).get("name", ""))


def _line(text: str) -> str:
    return " ".join(str(text).split())[:_LONGEST]
