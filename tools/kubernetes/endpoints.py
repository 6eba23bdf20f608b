"""Where a release can be reached from outside the cluster, or at least from inside."""

from collections.abc import Mapping
from typing import Any

from knowledge.errors import SextantError
from tools.kubernetes.cluster import Cluster
from tools.kubernetes.release import Release


def endpoint(cluster: Cluster, release: Release, main: Mapping[str, Any]) -> str:
    """Base address: the host of route or ingress, the load balancer, a node's port, KServe's, or the service's name."""
    settings = release.settings
    if settings.access in ("ingress", "httproute") and settings.host is not None:
        return f"{'https' if settings.access == 'ingress' or settings.tls_secret else 'http'}://{settings.host}"
    service = {"apiVersion": "v1", "kind": "Service",
               "metadata": {"name": release.service, "namespace": settings.namespace}}  # fmt: skip
    live = cluster.get(service) or {}
    if settings.access == "loadbalancer":
        for entry in ((live.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []:
            return f"http://{entry.get('hostname') or entry.get('ip')}"
    if settings.access == "nodeport":
        port = ((live.get("spec") or {}).get("ports") or [{}])[0].get("nodePort")
        address = _node_address(cluster)
        if port and address:
            return f"http://{address}:{port}"
    url = (main.get("status") or {}).get("url")
    return str(url) if url else f"http://{release.service}.{settings.namespace}.svc"


def _node_address(cluster: Cluster) -> str | None:
    try:
        nodes = cluster.list("v1", "Node")
    except SextantError:
        return None
    addresses = [
        entry["address"]
        for wanted in ("ExternalIP", "InternalIP")
        for node in nodes
        for entry in node["status"].get("addresses", [])
        if entry["type"] == wanted
    ]
    return str(addresses[0]) if addresses else None
