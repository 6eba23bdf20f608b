"""A release: one plan on one cluster under one name, with everything that its manifests say, computed once."""

import re
from dataclasses import dataclass
from math import ceil
from typing import Any

from knowledge.errors import BadInput, NotFound
from knowledge.facts import Accelerator, Model
from knowledge.snapshot import Snapshot
from tools.deploy import DeploymentSpec
from tools.deploy.vllm_release import IMAGE
from tools.kubernetes.accelerators import NodeAccelerator, node_accelerator
from tools.kubernetes.arguments import kv_cache_dtype, port_of, simulator_arguments, vllm_arguments
from tools.kubernetes.settings import Settings
from tools.kubernetes.sizing import Sizing, sizing
from tools.kubernetes.weights import Weights, weights
from tools.memory.budget import EngineLimits, MemoryBudget, engine_limits, memory_budget
from tools.performance.configuration import Configuration

_NAME_LENGTH = 40
_UNKNOWN_MODEL_BYTES = 160e9
_STANDARD_FROM = (0, 16)
_V1ALPHA2_FROM = (0, 17)


@dataclass(frozen=True, slots=True)
class Release:
    """What the templates read. `pods_per_replica` is above 1 when a replica spans several nodes."""

    name: str
    spec: DeploymentSpec
    settings: Settings
    model: Model | None
    accelerator: Accelerator | None
    node: NodeAccelerator
    weights: Weights
    sizing: Sizing
    budget: MemoryBudget | None
    image: str
    command: tuple[str, ...]
    arguments: tuple[str, ...]
    cards_per_pod: int
    pods_per_replica: int
    max_replicas: int
    plan_hash: str

    @property
    def workload(self) -> str:
        """Name of the Deployment that runs the replicas: KServe makes its own from the service's name."""
        return f"{self.name}-predictor" if self.settings.target == "kserve" else self.name

    @property
    def service(self) -> str:
        """Name of the Service that callers reach; KServe's own Services have other names."""
        return f"{self.name}-openai"

    @property
    def plan_object(self) -> str:
        """Name of the ConfigMap that keeps the plan; it also says whose release this is."""
        return f"{self.name}-plan"

    @property
    def plan_reference(self) -> dict[str, Any]:
        """That ConfigMap, without what is in it."""
        metadata = {"name": self.plan_object, "namespace": self.settings.namespace}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    @property
    def container(self) -> str:
        """KServe knows the serving container by its name."""
        return "kserve-container" if self.settings.target == "kserve" else "vllm"

    @property
    def port(self) -> int:
        """Where the server listens in its pod; KServe's LLM path expects its own port."""
        return port_of(self.settings)

    @property
    def cards(self) -> int:
        """Cards that all replicas ask for at most; the simulator asks for none."""
        return 0 if self.settings.simulator else self.max_replicas * self.pods_per_replica * self.cards_per_pod

    @property
    def node_selector(self) -> dict[str, str]:
        """Labels of the nodes that may run it."""
        if self.settings.simulator:
            return dict(self.settings.node_selector or {})
        chosen = self.settings.node_selector
        return dict(chosen) if chosen is not None else self.node.selector

    @property
    def resource(self) -> str:
        """The extended resource that a pod asks for."""
        return self.settings.gpu_resource or self.node.resource

    @property
    def deployment_mode(self) -> str:
        """KServe's word for plain Deployments, which changed in 0.16."""
        return "Standard" if _version(self.settings.kserve_version) >= _STANDARD_FROM else "RawDeployment"

    @property
    def llmisvc_version(self) -> str:
        """API version of LLMInferenceService that this KServe stores."""
        return "v1alpha2" if _version(self.settings.kserve_version) >= _V1ALPHA2_FROM else "v1alpha1"

    def plan(self) -> dict[str, Any]:
        """What is kept beside the deployment: the specification and its hash."""
        return {"plan_hash": self.plan_hash, "specification": self.spec.to_json()}


def release(spec: DeploymentSpec, settings: Settings, snapshot: Snapshot) -> Release:
    """Everything about deploying `spec`. Raises BadInput when accelerator or shape cannot be placed on nodes."""
    model = snapshot.models.get(spec.model_id)
    accelerator = snapshot.accelerators.get(spec.gpu_type)
    if accelerator is None:
        raise NotFound("accelerator", spec.gpu_type, tuple(snapshot.accelerators)[:3], field="gpu_type")
    node = node_accelerator(spec.gpu_type)
    if node is None:
        raise BadInput(f"no device plugin is known for {spec.gpu_type}", "set gpu_resource", field="gpu_resource")
    cards, pods = placement(spec, settings)
    budget = _budget(spec, settings, model, accelerator)
    limits = engine_limits(accelerator)
    chosen = weights(spec.model_id, model, spec.quantization, settings.checkpoint)
    weight_bytes = budget.weight_bytes * cards * pods if budget else _UNKNOWN_MODEL_BYTES
    highest = settings.max_replicas or max(spec.replicas + 1, ceil(1.5 * spec.replicas))
    return Release(
        name=settings.name or release_name(spec.model_id),
        spec=spec,
        settings=settings,
        model=model,
        accelerator=accelerator,
        node=node,
        weights=chosen,
        sizing=sizing(
            weight_bytes, cards, pods=pods, cached=settings.cache_storage_class is not None,
            simulator=settings.simulator,
        ),
        budget=budget,
        image=settings.simulator_image if settings.simulator else settings.image or IMAGE,
        command=("sextant", "simulator") if settings.simulator else ("vllm", "serve"),
        arguments=_arguments(spec, settings, chosen, limits),
        cards_per_pod=cards,
        pods_per_replica=1 if settings.simulator else pods,
        max_replicas=spec.replicas if settings.autoscaling == "none" else max(highest, spec.replicas),
        plan_hash=spec.plan_hash,
    )  # fmt: skip


def placement(spec: DeploymentSpec, settings: Settings) -> tuple[int, int]:
    """Cards in each pod and pods of each replica; whole pipeline stages stay on one node."""
    cards = spec.tensor_parallel * spec.pipeline_parallel * settings.data_parallel
    if cards <= settings.gpus_per_node:
        return cards, 1
    if spec.tensor_parallel > settings.gpus_per_node or cards % settings.gpus_per_node:
        raise BadInput(
            f"a replica of {cards} cards does not divide into nodes of {settings.gpus_per_node}",
            "set gpus_per_node, or choose another tensor parallelism",
            field="gpus_per_node",
        )
    return settings.gpus_per_node, cards // settings.gpus_per_node


def release_name(model_id: str) -> str:
    """A name for what serves a model: letters, digits and dashes of the last part of its id."""
    slug = re.sub(r"[^a-z0-9]+", "-", model_id.rpartition("/")[2].lower()).strip("-")
    slug = slug if slug[:1].isalpha() else f"m-{slug}"
    return slug[:_NAME_LENGTH].strip("-") or "model"


def _arguments(spec: DeploymentSpec, settings: Settings, chosen: Weights, limits: EngineLimits) -> tuple[str, ...]:
    if settings.simulator:
        return simulator_arguments(spec, settings, limits)
    return vllm_arguments(spec, settings, chosen, limits)


def _budget(
    spec: DeploymentSpec, settings: Settings, model: Model | None, accelerator: Accelerator
) -> MemoryBudget | None:
    if model is None:
        return None
    configuration = Configuration(
        model=model,
        accelerator=accelerator,
        quantization=spec.quantization,
        tensor_parallel=spec.tensor_parallel,
        pipeline_parallel=spec.pipeline_parallel,
        data_parallel=settings.data_parallel,
        kv_dtype=kv_cache_dtype(spec, settings),
    )
    return memory_budget(
        configuration,
        max_model_len=spec.engine.max_model_len,
        gpu_memory_utilization=spec.engine.gpu_memory_utilization or 0.9,
    )


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)
