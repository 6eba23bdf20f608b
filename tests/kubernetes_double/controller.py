"""A stand-in for the controllers of a cluster: KServe's, Deployments, the scheduler, the kubelet, garbage collection.

It makes what they would make, writes what they would write, in their order, and fails as it is told: `pods` of the
cluster is empty (all goes well) or ImagePullBackOff, CrashLoopBackOff, OOMKilled, CreateContainerConfigError,
Probe, Never.
"""

import asyncio
import contextlib
import copy
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Protocol

from .cluster import Cluster
from .kinds import all_kinds
from .store import Store, now

CARDS_PER_NODE = 8
PRODUCT = "NVIDIA-H100-80GB-HBM3"


class Servers(Protocol):
    """What runs behind the pods of a workload."""

    def start(self, place: str, container: Mapping[str, Any]) -> str: ...

    def answers(self, place: str, endpoint: str) -> bool: ...

    def stop(self, place: str) -> None: ...


class Controllers:
    """Reconciles the whole store whenever it changed."""

    def __init__(self, cluster: Cluster, servers: Servers) -> None:
        self.cluster, self.servers = cluster, servers
        self.endpoints: dict[str, str] = {}
        self.waiting = False

    @property
    def store(self) -> Store:
        return self.cluster.store

    def furnish(self, nodes: int = 2) -> None:
        """Nodes with cards, the usual namespaces, a storage class."""
        for namespace in ("default", "kube-system", "inference"):
            self._put("v1", "Namespace", "", namespace, {"status": {"phase": "Active"}})
        for number in range(nodes):
            cards = {"nvidia.com/gpu": str(CARDS_PER_NODE), "cpu": "128", "memory": "1024Gi"}
            self._put(
                "v1", "Node", "", f"node-{number}",
                {"status": {"capacity": cards, "allocatable": cards,
                            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                            "conditions": [{"type": "Ready", "status": "True"}]}},
                labels={"nvidia.com/gpu.product": PRODUCT, "kubernetes.io/hostname": f"node-{number}"},
            )  # fmt: skip
        self._put("storage.k8s.io/v1", "StorageClass", "", "shared", {"provisioner": "double"})

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            changed = self.store.changed
            self.waiting = False
            self.reconcile()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), 0.1 if self.waiting else None)

    def reconcile(self) -> None:
        """One pass over everything."""
        self._collect()
        for service in self._all("serving.kserve.io/v1beta1", "InferenceService"):
            self._inference_service(service)
        for version in ("v1alpha1", "v1alpha2"):
            for service in self._all(f"serving.kserve.io/{version}", "LLMInferenceService"):
                self._llm_service(service)
        for deployment in self._all("apps/v1", "Deployment"):
            self._deployment(deployment)
        for service in self._all("v1", "Service"):
            self._service(service)

    # KServe

    def _inference_service(self, service: dict[str, Any]) -> None:
        if service["metadata"].get("deletionTimestamp"):
            return
        metadata, predictor = service["metadata"], service["spec"]["predictor"]
        runtime = self._runtime(metadata["namespace"], predictor["model"].get("runtime"))
        container = {
            **(runtime or {"name": "kserve-container", "image": "none"}),
            **{name: predictor["model"][name] for name in ("args", "env", "resources") if name in predictor["model"]},
        }
        labels = {**predictor.get("labels", {}), "serving.kserve.io/inferenceservice": metadata["name"]}
        pod = {name: predictor[name] for name in ("nodeSelector", "tolerations") if name in predictor}
        name = f"{metadata['name']}-predictor"
        self._own(service, "apps/v1", "Deployment", name, {
            "spec": {"replicas": predictor.get("minReplicas", 1), "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": {**pod, "containers": [container]}}},
        })  # fmt: skip
        ready, reason, message = self._readiness(metadata["namespace"], name)
        if runtime is None:
            ready, reason, message = False, "RuntimeNotRecognized", "Waiting for runtime to become available"
        conditions = [_condition(kind, ready, reason, message) for kind in ("PredictorReady", "IngressReady", "Ready")]
        status: dict[str, Any] = {"observedGeneration": metadata["generation"], "conditions": conditions}
        if ready:
            status["url"] = self.endpoints.get(f"{metadata['namespace']}/{name}", f"http://{name}.example.com")
        self._status(service, status)

    def _runtime(self, namespace: str, name: str | None) -> dict[str, Any] | None:
        kind = self.cluster.named("serving.kserve.io/v1alpha1", "ServingRuntime")
        found = self.store.find(kind, namespace, name or "")
        return copy.deepcopy(found["spec"]["containers"][0]) if found else None

    def _llm_service(self, service: dict[str, Any]) -> None:
        if service["metadata"].get("deletionTimestamp"):
            return
        metadata, spec = service["metadata"], service["spec"]
        labels = {"app.kubernetes.io/name": metadata["name"], "app.kubernetes.io/part-of": "llminferenceservice"}
        template = spec.get("template") or {"containers": [{"name": "main", "image": "none"}]}
        replicas = spec.get("replicas") or (spec.get("scaling") or {}).get("minReplicas", 1)
        name = f"{metadata['name']}-kserve"
        self._own(service, "apps/v1", "Deployment", name, {
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": template}},
        })  # fmt: skip
        ready, reason, message = self._readiness(metadata["namespace"], name)
        status: dict[str, Any] = {
            "observedGeneration": metadata["generation"],
            "conditions": [_condition(kind, ready, reason, message) for kind in ("WorkloadsReady", "Ready")],
        }
        if ready:
            status["url"] = self.endpoints.get(f"{metadata['namespace']}/{name}", f"http://{name}.example.com")
        self._status(service, status)

    def _readiness(self, namespace: str, name: str) -> tuple[bool, str, str]:
        found = self.store.find(self.cluster.named("apps/v1", "Deployment"), namespace, name)
        status = (found or {}).get("status", {})
        wanted = (found or {}).get("spec", {}).get("replicas", 1)
        current = status.get("observedGeneration") == (found or {}).get("metadata", {}).get("generation")
        if current and status.get("readyReplicas", 0) >= wanted:
            return True, "", ""
        return False, "MinimumReplicasUnavailable", "Deployment does not have minimum availability."

    # Deployments, pods, nodes

    def _deployment(self, deployment: dict[str, Any]) -> None:
        metadata, spec = deployment["metadata"], deployment["spec"]
        if metadata.get("deletionTimestamp"):
            return
        name = metadata["name"]
        digest = sha256(json.dumps(spec["template"], sort_keys=True).encode()).hexdigest()[:8]
        wanted = self._replicas(deployment)
        for pod in self._pods(deployment):
            if pod["metadata"]["labels"].get("pod-template-hash") != digest:
                self.store.remove(self.cluster.named("v1", "Pod"), pod)
        for number in range(max(wanted, len(self._pods(deployment)))):
            pod_name = f"{name}-{digest}-{number}"
            if number < wanted:
                self._pod(deployment, pod_name, digest)
        pods = self._pods(deployment)
        for pod in pods:
            if int(pod["metadata"]["name"].rpartition("-")[2]) >= wanted:
                self.store.remove(self.cluster.named("v1", "Pod"), pod)
        ready = sum(_is_ready(pod) for pod in self._pods(deployment))
        available = ready >= wanted
        self._status(deployment, {
            "observedGeneration": metadata["generation"], "replicas": len(pods), "readyReplicas": ready,
            "updatedReplicas": len(pods), "availableReplicas": ready, "unavailableReplicas": wanted - ready,
            "conditions": [_condition("Available", available, "" if available else "MinimumReplicasUnavailable", "")],
        })  # fmt: skip

    def _replicas(self, deployment: dict[str, Any]) -> int:
        least = 0
        for scaler in self._all("keda.sh/v1alpha1", "ScaledObject"):
            if (scaler["metadata"]["namespace"], scaler["spec"]["scaleTargetRef"]["name"]) == (
                deployment["metadata"]["namespace"], deployment["metadata"]["name"],
            ):  # fmt: skip
                least = scaler["spec"].get("minReplicaCount", 0)
        return max(least, int(deployment["spec"].get("replicas", 1)))

    def _pods(self, deployment: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            pod
            for pod in self._all("v1", "Pod")
            if any(owner["uid"] == deployment["metadata"]["uid"] for owner in pod["metadata"]["ownerReferences"])
        ]

    def _pod(self, deployment: dict[str, Any], name: str, digest: str) -> None:
        namespace = deployment["metadata"]["namespace"]
        kind = self.cluster.named("v1", "Pod")
        template = deployment["spec"]["template"]
        pod = self.store.find(kind, namespace, name)
        if pod is None:
            refused = self._over_quota(namespace, template["spec"])
            if refused:
                self._event(deployment, "FailedCreate", f'Error creating: pods "{name}" is forbidden: {refused}')
                return
            labels = {**template["metadata"]["labels"], "pod-template-hash": digest}
            pod = self._own(deployment, "v1", "Pod", name, {"spec": copy.deepcopy(template["spec"])}, labels=labels)
        node = pod["spec"].get("nodeName") or self._node_for(pod)
        if node is None:
            message = self._no_node(pod)
            self._event(pod, "FailedScheduling", message)
            unscheduled = _condition("PodScheduled", False, "Unschedulable", message)
            self._status(pod, {"phase": "Pending", "conditions": [unscheduled]})
            return
        if not pod["spec"].get("nodeName"):
            pod = copy.deepcopy(pod)
            pod["spec"]["nodeName"] = node
            pod = self.store.update(kind, pod, "scheduler")
        self._kubelet(pod, f"{namespace}/{deployment['metadata']['name']}")

    def _kubelet(self, pod: dict[str, Any], place: str) -> None:
        container = pod["spec"]["containers"][0]
        status: dict[str, Any] = {"name": container["name"], "image": container["image"], "imageID": "",
                                  "ready": False, "restartCount": 0}  # fmt: skip
        fate = self.cluster.pods
        if fate == "ImagePullBackOff":
            status["state"] = {"waiting": {"reason": fate, "message": f'Back-off pulling image "{container["image"]}"'}}
        elif fate == "CrashLoopBackOff":
            status |= {"restartCount": 4, "state": {"waiting": {"reason": fate, "message": "back-off 40s"}},
                       "lastState": {"terminated": {"exitCode": 1, "reason": "Error",
                                                    "message": "ValueError: max-model-len is too large"}}}  # fmt: skip
        elif fate == "OOMKilled":
            status |= {"restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                       "lastState": {"terminated": {"exitCode": 137, "reason": fate}}}  # fmt: skip
        elif fate == "CreateContainerConfigError":
            status["state"] = {"waiting": {"reason": fate, "message": 'secret "hub" not found'}}
        elif fate in ("Probe", "Never"):
            status["state"] = {"running": {"startedAt": now()}}
            if fate == "Probe":
                self._event(pod, "Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 503")
        else:
            if place not in self.endpoints:
                self.endpoints[place] = self.servers.start(place, container)
            ready = self.servers.answers(place, self.endpoints[place])
            self.waiting |= not ready
            status |= {"ready": ready, "state": {"running": {"startedAt": now()}}}
        before = (pod.get("status") or {}).get("containerStatuses") or [{}]
        if "running" in status["state"] and "running" in before[0].get("state", {}):
            status["state"] = before[0]["state"]
        self._status(pod, {
            "phase": "Running" if "running" in status["state"] else "Pending", "containerStatuses": [status],
            "conditions": [_condition("PodScheduled", True, "", ""), _condition("Ready", status["ready"], "", "")],
        })  # fmt: skip

    def _over_quota(self, namespace: str, spec: Mapping[str, Any]) -> str:
        for quota in self._all("v1", "ResourceQuota"):
            if quota["metadata"]["namespace"] != namespace:
                continue
            for resource, limit in quota["spec"].get("hard", {}).items():
                name = resource.removeprefix("requests.")
                used = sum(
                    _requested(pod["spec"], name)
                    for pod in self._all("v1", "Pod")
                    if pod["metadata"]["namespace"] == namespace
                )
                if "/" in name and used + _requested(spec, name) > int(limit):
                    quota_name = quota["metadata"]["name"]
                    return (f"exceeded quota: {quota_name}, requested: {resource}={_requested(spec, name)},"
                            f" used: {resource}={used}, limited: {resource}={limit}")  # fmt: skip
        return ""

    def _free(self, node: dict[str, Any], resource: str) -> int:
        held = sum(
            _requested(pod["spec"], resource)
            for pod in self._all("v1", "Pod")
            if pod["spec"].get("nodeName") == node["metadata"]["name"]
        )
        return int(node["status"]["allocatable"].get(resource, 0)) - held

    def _node_for(self, pod: dict[str, Any]) -> str | None:
        for node in self._all("v1", "Node"):
            labels = node["metadata"].get("labels", {})
            if all(labels.get(key) == value for key, value in pod["spec"].get("nodeSelector", {}).items()) and all(
                self._free(node, resource) >= _requested(pod["spec"], resource) for resource in _cards(pod["spec"])
            ):
                return str(node["metadata"]["name"])
        return None

    def _no_node(self, pod: dict[str, Any]) -> str:
        nodes = self._all("v1", "Node")
        selector = pod["spec"].get("nodeSelector", {})
        fitting = [n for n in nodes if selector.items() <= n["metadata"].get("labels", {}).items()]
        parts = []
        if len(fitting) < len(nodes):
            parts.append(f"{len(nodes) - len(fitting)} node(s) didn't match Pod's node affinity/selector")
        parts += [f"{len(fitting)} Insufficient {resource}" for resource in _cards(pod["spec"]) if fitting]
        return f"0/{len(nodes)} nodes are available: {', '.join(parts)}."

    # Services, garbage

    def _service(self, service: dict[str, Any]) -> None:
        spec, namespace = service["spec"], service["metadata"]["namespace"]
        if spec.get("type") not in ("NodePort", "LoadBalancer"):
            return
        for deployment in self._all("apps/v1", "Deployment"):
            labels = deployment["spec"]["template"]["metadata"]["labels"]
            endpoint = self.endpoints.get(f"{namespace}/{deployment['metadata']['name']}")
            if endpoint and spec["selector"].items() <= labels.items() and "nodePort" not in spec["ports"][0]:
                made = copy.deepcopy(service)
                made["spec"]["ports"][0]["nodePort"] = int(endpoint.rpartition(":")[2])
                self.store.update(self.cluster.named("v1", "Service"), made, "service-controller")

    def _collect(self) -> None:
        """Remove what lost its owner, and what waited for that."""
        uids = {entry["metadata"]["uid"] for entry in self.store.objects.values()}
        dying = {
            entry["metadata"]["uid"]
            for entry in self.store.objects.values()
            if entry["metadata"].get("deletionTimestamp")
        }
        for key, entry in list(self.store.objects.items()):
            kind = next(kind for kind in all_kinds() if kind.storage_key == key[0])
            metadata = entry["metadata"]
            owners = [owner["uid"] for owner in metadata.get("ownerReferences", [])]
            lost = owners and (not set(owners) & uids or set(owners) & dying)
            homeless = key[1] and ("/namespaces", "", key[1]) not in self.store.objects
            if (lost or homeless) and key in self.store.objects:
                self.store.remove(kind, entry)
                if kind.kind == "Deployment":
                    self.endpoints.pop(f"{key[1]}/{key[2]}", None)
                    self.servers.stop(f"{key[1]}/{key[2]}")
                continue
            has_children = any(
                metadata["uid"] in [o["uid"] for o in other["metadata"].get("ownerReferences", [])]
                for other in self.store.objects.values()
            )
            if "foregroundDeletion" in metadata.get("finalizers", []) and not has_children:
                self.store.remove(kind, entry)
        for place in set(self.endpoints) - {f"{key[1]}/{key[2]}" for key in self.store.objects if "deploy" in key[0]}:
            self.endpoints.pop(place)
            self.servers.stop(place)

    # Writing

    def _all(self, api_version: str, kind: str) -> list[dict[str, Any]]:
        return self.store.list(self.cluster.named(api_version, kind), None)

    def _put(
        self, api_version: str, kind_name: str, namespace: str, name: str, body: Mapping[str, Any], **metadata: Any
    ) -> dict[str, Any]:
        kind = self.cluster.named(api_version, kind_name)
        named = {"name": name, **({"namespace": namespace} if namespace else {}), **metadata}
        live = self.store.find(kind, namespace, name)
        entry = {"apiVersion": api_version, "kind": kind_name, "metadata": named, **copy.deepcopy(dict(body))}
        if live is None:
            return self.store.create(kind, entry, "controller")
        merged = {**copy.deepcopy(live), **copy.deepcopy(dict(body))}
        return self.store.update(kind, merged, "controller")

    def _own(
        self, owner: dict[str, Any], api_version: str, kind: str, name: str, body: Mapping[str, Any], **metadata: Any
    ) -> dict[str, Any]:
        reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
                     "uid": owner["metadata"]["uid"], "controller": True}  # fmt: skip
        return self._put(
            api_version, kind, owner["metadata"]["namespace"], name, body, ownerReferences=[reference], **metadata
        )

    def _status(self, entry: dict[str, Any], status: Mapping[str, Any]) -> None:
        kind = self.cluster.named(entry["apiVersion"], entry["kind"])
        live = self.store.find(kind, entry["metadata"].get("namespace", ""), entry["metadata"]["name"])
        if live is not None:
            made = {**copy.deepcopy(live), "status": dict(status)}
            self.store.update(kind, made, "controller", status=True)

    def _event(self, subject: dict[str, Any], reason: str, message: str) -> None:
        metadata = subject["metadata"]
        name = f"{metadata['name']}.{sha256((reason + message).encode()).hexdigest()[:12]}"
        if self.store.find(self.cluster.named("v1", "Event"), metadata["namespace"], name) is None:
            self._put("v1", "Event", metadata["namespace"], name, {
                "involvedObject": {"kind": subject["kind"], "name": metadata["name"], "uid": metadata["uid"],
                                   "namespace": metadata["namespace"]},
                "reason": reason, "message": message, "type": "Warning", "lastTimestamp": now(),
            })  # fmt: skip


def _condition(kind: str, holds: bool, reason: str, message: str) -> dict[str, Any]:
    return {"type": kind, "status": "True" if holds else "False", "reason": reason, "message": message}


def _is_ready(pod: Mapping[str, Any]) -> bool:
    found = [entry for entry in pod.get("status", {}).get("conditions", []) if entry["type"] == "Ready"]
    return bool(found and found[0]["status"] == "True")


def _cards(spec: Mapping[str, Any]) -> list[str]:
    return [name for name in (spec["containers"][0].get("resources") or {}).get("requests", {}) if "/" in name]


def _requested(spec: Mapping[str, Any], resource: str) -> int:
    return int((spec["containers"][0].get("resources") or {}).get("requests", {}).get(resource, 0))
