"""Checks against the cluster before anything changes: kinds, rights, cards, storage, and a dry run of every object."""

from collections.abc import Mapping, Sequence
from typing import Any

from knowledge.errors import BadInput, NotFound, SextantError
from tools.kubernetes.cluster import Cluster
from tools.kubernetes.findings import Finding, Severity
from tools.kubernetes.pods import free_cards
from tools.kubernetes.release import Release
from tools.kubernetes.validation import subject_of

MANAGED_BY = "app.kubernetes.io/managed-by"
_RIGHTS = ("get", "create", "patch", "delete")


def preflight(cluster: Cluster, release: Release, objects: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Findings, errors first. Nothing is changed; an unreachable cluster raises Unavailable."""
    found = [*_kinds_and_rights(cluster, release, objects)]
    if not any(finding.severity == "error" for finding in found):
        found += [*_storage(cluster, release), *_cards(cluster, release), *_dry_run(cluster, release, objects)]
    order: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda finding: order[finding.severity]))


def _kinds_and_rights(cluster: Cluster, release: Release, objects: Sequence[Mapping[str, Any]]) -> list[Finding]:
    found = []
    kinds = {(entry["apiVersion"], entry["kind"]): entry for entry in objects}
    for (api_version, kind), entry in kinds.items():
        try:
            resource = cluster.resource(api_version, kind)
        except NotFound:
            problem = f"this cluster has no {kind} in {api_version}"
            cure = "install its operator, or change the settings that ask for it"
            found.append(Finding("error", subject_of(entry), "apiVersion", problem, cure))
            continue
        namespace = release.settings.namespace if resource.namespaced else ""
        group = api_version.rpartition("/")[0]
        missing = [verb for verb in _RIGHTS if not cluster.allowed(verb, group, resource.plural, namespace)]
        if missing:
            problem = f"you may not {', '.join(missing)} {resource.plural} in {namespace or 'the cluster'}"
            found.append(Finding("error", subject_of(entry), "", problem, "ask for the rights in docs/kubernetes.md"))
    return found


def _storage(cluster: Cluster, release: Release) -> list[Finding]:
    wanted = release.settings.cache_storage_class
    if wanted is None:
        return []
    try:
        names = [entry["metadata"]["name"] for entry in cluster.list("storage.k8s.io/v1", "StorageClass")]
    except BadInput as error:
        return [Finding("warning", release.name, "cache_storage_class", f"not checked: {error.message}", error.cure)]
    if wanted in names:
        return []
    return [Finding("error", release.name, "cache_storage_class", f"this cluster has no storage class {wanted}",
                    f"one of {', '.join(names) or 'none'}")]  # fmt: skip


def _cards(cluster: Cluster, release: Release) -> list[Finding]:
    if release.settings.simulator:
        return []
    try:
        free = free_cards(cluster, release.resource, release.node_selector)
    except BadInput as error:
        return [Finding("warning", release.name, "cards", f"free cards not checked: {error.message}", error.cure)]
    pods = release.spec.replicas * release.pods_per_replica
    room = sum(count // release.cards_per_pod for count in free.values() if count > 0)
    if room >= pods:
        return []
    places = ", ".join(f"{count} on {node}" for node, count in sorted(free.items())) or "no node has the right label"
    return [
        Finding("warning", release.name, "cards",
                f"{pods} pods need {release.cards_per_pod} {release.resource} each; free: {places}",
                "free some, add nodes (an autoscaler may), or choose another option"),
    ]  # fmt: skip


def _dry_run(cluster: Cluster, release: Release, objects: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """What the API server itself says, webhooks and conflicts included. Objects of others are never taken over."""
    found = []
    new_namespace = (
        release.settings.create_namespace
        and cluster.get({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": release.settings.namespace}})
        is None
    )
    for entry in objects:
        if new_namespace and entry["kind"] != "Namespace":
            continue
        live = cluster.get(entry)
        if live is not None and entry["kind"] != "Namespace":
            owner = (live["metadata"].get("labels") or {}).get(MANAGED_BY)
            if owner != "sextant":
                found.append(Finding("error", subject_of(entry), "metadata.name",
                                     f"exists already and belongs to {owner or 'somebody else'}",
                                     "choose another --name or namespace"))  # fmt: skip
                continue
        try:
            cluster.apply(entry, dry_run=True)
        except SextantError as error:
            if error.retry:
                raise
            found.append(Finding("error", subject_of(entry), "", error.message, error.cure))
    return found
