"""A release as manifests: which objects, in which order, each from one template."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from knowledge.errors import BadInput
from tools.kubernetes.alerts import alerts, selector
from tools.kubernetes.arguments import SHUTDOWN_TIMEOUT_S
from tools.kubernetes.dashboard import dashboard
from tools.kubernetes.release import Release
from tools.kubernetes.yaml_text import JsonText, environment

_GRACE_MARGIN_S = 15
_WAITING_PER_REPLICA = 4
_LWS_MASTER_PORT = 29500
_LLM_OWN_FLAGS = ("--host", "--served-model-name", "--tensor-parallel-size", "--pipeline-parallel-size",
                  "--data-parallel-size", "--enable-expert-parallel")  # fmt: skip
_NIXL = '--kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"kv_both"}'
_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One file. `objects` is what its text says; a file without an `apiVersion` is advice and is never applied."""

    file: str
    text: str
    objects: tuple[Mapping[str, Any], ...]


def render(release: Release) -> tuple[Manifest, ...]:
    """The manifests of a release in the order in which they are applied. The same release gives the same bytes."""
    return tuple(render_template(name, _context(release)) for name in _templates(release))


def render_template(name: str, context: Mapping[str, Any]) -> Manifest:
    """One template as a manifest, parsed back, so that what is checked is what is written."""
    text = environment().get_template(f"{name}.yaml.j2").render(context).rstrip() + "\n"
    parsed = [entry for entry in yaml.load_all(text, Loader=_LOADER) if entry]
    return Manifest(f"{name}.yaml", text, tuple(parsed))


def objects_of(manifests: tuple[Manifest, ...]) -> tuple[Mapping[str, Any], ...]:
    """Everything that is applied, in order."""
    return tuple(entry for manifest in manifests for entry in manifest.objects if "apiVersion" in entry)


def pod_selector(release: Release) -> dict[str, str]:
    """Labels of the pods that answer requests."""
    if release.settings.target == "kserve":
        return {"serving.kserve.io/inferenceservice": release.name}
    labels = {"app.kubernetes.io/instance": release.name}
    if release.settings.target == "vanilla" and release.pods_per_replica > 1:
        labels["sextant.dev/role"] = "leader"
    if release.settings.target == "llmisvc":
        return {"app.kubernetes.io/name": release.name, "app.kubernetes.io/part-of": "llminferenceservice"}
    return labels


def _templates(release: Release) -> list[str]:
    """Names in the order of need: place, facts, storage, workload, access, scaling, watching."""
    settings = release.settings
    multi_node = release.pods_per_replica > 1
    if settings.target == "kserve" and multi_node:
        raise BadInput(
            f"a replica over {release.pods_per_replica} nodes is beyond an InferenceService with its own runtime",
            "use target llmisvc (KServe's multi-node path) or vanilla (LeaderWorkerSet)",
            field="target",
        )
    if settings.access in ("httproute", "ingress") and settings.host is None:
        raise BadInput(f"access by {settings.access} needs a host", "set host, such as llm.example.org", field="host")
    if settings.access == "ingress" and settings.tls_secret is None:
        raise BadInput("an ingress without TLS would send keys in the clear", "set tls_secret", field="tls_secret")
    workload = {
        "kserve": ["serving_runtime", "inference_service"],
        "vanilla": ["leader_worker_set" if multi_node else "deployment"],
        "llmisvc": ["llm_inference_service"],
    }[settings.target]
    own_scaling = settings.target != "llmisvc" and not multi_node
    chosen = {
        "namespace": settings.create_namespace,
        "quota": settings.create_namespace or settings.quota_gpus is not None,
        "plan": True,
        "models": settings.cache_storage_class is not None and not settings.simulator and settings.target != "llmisvc",
    }
    after = {
        "service": True,
        "http_route": settings.access == "httproute",
        "ingress": settings.access == "ingress",
        "scaled_object": settings.autoscaling == "keda" and own_scaling,
        "autoscaler": settings.autoscaling == "hpa" and own_scaling,
        "prometheus_adapter_rule": settings.autoscaling == "hpa" and own_scaling,
        "disruption_budget": True,
        "network_policy": settings.network_policy,
        "pod_monitor": settings.monitoring == "podmonitor",
        "service_monitor": settings.monitoring == "servicemonitor",
        "prometheus_rule": settings.monitoring != "none",
        "dashboard": settings.dashboard and settings.monitoring != "none",
    }
    return [*(n for n, wanted in chosen.items() if wanted), *workload, *(n for n, wanted in after.items() if wanted)]


def _context(release: Release) -> dict[str, Any]:
    labels = selector(release)
    return {
        "r": release,
        "selector": pod_selector(release),
        "grace_s": SHUTDOWN_TIMEOUT_S + _GRACE_MARGIN_S,
        "plan": JsonText(release.plan()),
        "dashboard": JsonText(dashboard(release)),
        "alerts": alerts(release),
        "queries": {
            "waiting": f"sum(vllm:num_requests_waiting{{{labels}}})",
            "cache": f"avg(vllm:kv_cache_usage_perc{{{labels}}})",
        },
        "waiting_threshold": _WAITING_PER_REPLICA,
        "quota_cards": release.settings.quota_gpus or release.cards,
        "leader_arguments": _node_arguments(release, leader=True),
        "worker_arguments": _node_arguments(release, leader=False),
        "llm_command": list(release.command) if release.settings.simulator else ["vllm", "serve", "/mnt/models"],
        "llm_arguments": _llm_arguments(release),
        "data_local": max(1, release.settings.gpus_per_node // release.spec.tensor_parallel),
    }


def _node_arguments(release: Release, *, leader: bool) -> tuple[str, ...]:
    """Arguments of one pod of a replica that spans nodes; the variables are set by LeaderWorkerSet."""
    joining = (
        f"--nnodes={release.pods_per_replica}",
        "--node-rank=$(LWS_WORKER_INDEX)",
        "--master-addr=$(LWS_LEADER_ADDRESS)",
        f"--master-port={_LWS_MASTER_PORT}",
        "--distributed-executor-backend=mp",
    )
    return (*release.arguments, *joining, *(() if leader else ("--headless",)))


def _llm_arguments(release: Release) -> tuple[str, ...]:
    """What KServe does not set from `model` and `parallelism` itself."""
    if release.settings.simulator:
        return release.arguments
    given = [a for a in release.arguments[1:] if a.partition("=")[0] not in _LLM_OWN_FLAGS]
    return (f"--served-model-name={release.spec.model_id.replace('$', '$$')}", *given,
            *([_NIXL] if release.settings.prefill_replicas else []))  # fmt: skip
