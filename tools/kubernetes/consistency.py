"""Whether a release's objects fit each other, the plan, the engine and the cards."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.deploy.vllm_release import vllm_release
from tools.kubernetes.arguments import flags_of
from tools.kubernetes.findings import Finding
from tools.kubernetes.release import Release

_METRIC = re.compile(r"\bvllm(?::|_num_)[a-z0-9_]+")
_QUERYING = ("ScaledObject", "HorizontalPodAutoscaler", "PrometheusRule", "ConfigMap")
_ADAPTED = "vllm_num_requests_waiting"
_MUTABLE_TAGS = ("latest", "main", "master", "nightly", "dev")
_TARGETS = {"Deployment", "StatefulSet"}


def consistency(release: Release, objects: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Findings about the release as a whole."""
    return (
        *_metrics(objects),
        *_engine(release),
        *_memory(release),
        *_weights(release),
        *_placing(release),
        *_quota(release, objects),
        *_images(objects),
        *_scaling(release, objects),
        *_exposure(release),
        *_objectives(release),
    )


def strings_of(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value with its dotted path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from strings_of(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for position, entry in enumerate(value):
            yield from strings_of(entry, f"{path}.{position}")


def _subject(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('kind')}/{entry.get('metadata', {}).get('name')}"


def _metrics(objects: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    known = vllm_release().series | {_ADAPTED}
    for entry in objects:
        if entry.get("kind") not in _QUERYING:
            continue
        for path, text in strings_of({name: entry[name] for name in ("spec", "data") if name in entry}):
            for name in sorted(set(_METRIC.findall(text)) - known):
                yield Finding(
                    "error", _subject(entry), path, f"vLLM {vllm_release().version} has no metric {name}",
                    "use a name from its /metrics",
                )  # fmt: skip


def _engine(release: Release) -> Iterator[Finding]:
    if release.settings.simulator:
        return
    known = vllm_release().flags
    for flag in flags_of(release.arguments):
        if flag not in known and flag.replace("--no-", "--", 1) not in known:
            yield Finding("error", release.name, "args", f"vLLM {vllm_release().version} has no {flag}", "remove it")
    if release.spec.engine.max_model_len is None:
        yield Finding("warning", release.name, "args", "no max-model-len: vLLM takes the model's whole context",
                      "plan with the context that the traffic needs")  # fmt: skip


def _memory(release: Release) -> Iterator[Finding]:
    if release.settings.simulator:
        return
    if release.budget is None:
        yield Finding("warning", release.name, "model", f"{release.spec.model_id[:80]} is unknown:"
                      " its memory was not checked", "check that weights and cache fit")  # fmt: skip
    elif not release.budget.fits:
        yield Finding("error", release.name, "memory", str(release.budget.reason),
                      "more cards per replica, a smaller precision, or a shorter context")  # fmt: skip


def _weights(release: Release) -> Iterator[Finding]:
    chosen, spec = release.weights, release.spec
    if release.settings.simulator:
        return
    if not chosen.found:
        yield Finding("error", release.name, "checkpoint",
                      f"no repository of {spec.model_id[:80]} in {spec.quantization} is known",
                      "set checkpoint to one, or plan another precision")  # fmt: skip
    elif chosen.checkpoint != spec.model_id:
        yield Finding("note", release.name, "checkpoint", f"weights come from {chosen.checkpoint[:80]}",
                      "its measured quality is not the original's; set checkpoint to choose")  # fmt: skip
    if release.model is not None and release.model.gated and release.settings.hub_token_secret is None:
        yield Finding("warning", release.name, "hub_token_secret", f"{spec.model_id[:80]} is gated on the hub",
                      "accept its licence there and set hub_token_secret")  # fmt: skip
    if release.settings.trust_remote_code:
        yield Finding("warning", release.name, "trust_remote_code", "the model's repository may run its own code",
                      "pin revision to a commit that you have read")  # fmt: skip


def _placing(release: Release) -> Iterator[Finding]:
    if release.settings.simulator:
        return
    if not release.node_selector:
        yield Finding("warning", release.name, "node_selector",
                      f"no node label of {release.spec.gpu_type} is known: pods may land on other cards",
                      "set node_selector")  # fmt: skip
    if not release.spec.gpu_type.startswith("NVIDIA") and release.settings.image is None:
        yield Finding("error", release.name, "image", f"{release.image} is built for NVIDIA cards",
                      f"set image to a vLLM build for {release.spec.gpu_type.partition('-')[0]}")  # fmt: skip


def _quota(release: Release, objects: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for entry in objects:
        if entry.get("kind") != "ResourceQuota":
            continue
        allowed = int(entry.get("spec", {}).get("hard", {}).get(f"requests.{release.resource}", release.cards))
        if release.cards > allowed:
            yield Finding("error", _subject(entry), f"spec.hard.requests.{release.resource}",
                          f"{release.max_replicas} replicas need {release.cards} cards, the quota allows {allowed}",
                          "raise quota_gpus or lower max_replicas")  # fmt: skip


def _images(objects: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for entry in objects:
        for path, text in strings_of(entry):
            if path.endswith(".image"):
                tag = text.partition("@")[0].rpartition("/")[2].partition(":")[2]
                if not tag or tag in _MUTABLE_TAGS:
                    yield Finding("error", _subject(entry), path, f"{text} is not pinned", "name a release tag")


def _scaling(release: Release, objects: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for entry in objects:
        if entry.get("kind") not in ("ScaledObject", "HorizontalPodAutoscaler"):
            continue
        spec = entry["spec"]
        target = spec.get("scaleTargetRef", {})
        if target.get("kind") not in _TARGETS:
            yield Finding("error", _subject(entry), "spec.scaleTargetRef.kind",
                          f"{target.get('kind')} cannot be scaled",
                          "scale its Deployment")  # fmt: skip
        least = spec.get("minReplicaCount", spec.get("minReplicas", 1))
        if least < release.spec.replicas:
            yield Finding("error", _subject(entry), "spec",
                          f"may scale to {least}, the plan needs {release.spec.replicas}",
                          "raise the minimum")  # fmt: skip
        if entry["kind"] == "HorizontalPodAutoscaler":
            yield Finding("note", _subject(entry), "spec.metrics", f"{_ADAPTED} must be served by prometheus-adapter",
                          "add prometheus_adapter_rule.yaml to its configuration")  # fmt: skip
    if release.settings.autoscaling != "none" and release.pods_per_replica > 1 and release.settings.target == "vanilla":
        yield Finding("note", release.name, "autoscaling", "replicas over several nodes are not scaled automatically",
                      "change replicas by planning anew")  # fmt: skip


def _exposure(release: Release) -> Iterator[Finding]:
    settings = release.settings
    open_to_all = settings.access in ("loadbalancer", "nodeport", "httproute", "ingress")
    if open_to_all and settings.api_key_secret is None and settings.basic_auth_secret is None:
        yield Finding("warning", f"Service/{release.service}", "access", f"anyone who reaches the {settings.access} may"
                      " use the model", "set api_key_secret")  # fmt: skip


def _objectives(release: Release) -> Iterator[Finding]:
    for objective in release.spec.objectives:
        if objective.metric == "e2e_perceived":
            yield Finding("note", release.name, "objectives", "vLLM has no metric of perceived latency: no alert on it",
                          "sextant validate measures it")  # fmt: skip
