"""What a person decides about a deployment on Kubernetes beside the plan. Every field is checked as it enters."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, ValidationError

from knowledge.errors import BadInput
from tools.intent import Record

TargetName = Literal["kserve", "vanilla", "llmisvc"]
Access = Literal["internal", "httproute", "ingress", "loadbalancer", "nodeport"]
Autoscaling = Literal["keda", "hpa", "none"]
Monitoring = Literal["podmonitor", "servicemonitor", "none"]

DnsLabel = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
DnsName = Annotated[
    str, Field(max_length=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
]
ReleaseName = Annotated[str, Field(max_length=40, pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$")]
"""KServe wants a letter first (RFC 1035); 40 characters leave room for the suffixes of what belongs to it."""
LabelValue = Annotated[str, Field(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")]
LabelKey = Annotated[
    str,
    Field(pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$", max_length=316),
]
Printable = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Image = Annotated[
    str,
    Field(
        max_length=300,
        pattern=r"^[a-z0-9][a-z0-9._/:-]*[a-z0-9]:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?$",
    ),
]
Version = Annotated[str, Field(pattern=r"^\d{1,2}\.\d{1,3}$")]
Quantity = Annotated[str, Field(pattern=r"^[1-9]\d{0,6}(Mi|Gi|Ti)$")]
Small = Annotated[int, Field(ge=1, le=10_000)]


class Settings(Record):
    """Where and how a plan is deployed. What is None follows from the plan (see `Release`)."""

    target: TargetName = "kserve"
    simulator: bool = False
    """Run Sextant's simulator in place of vLLM, without GPUs."""
    name: ReleaseName | None = None
    namespace: DnsLabel = "inference"
    create_namespace: bool = False
    """Also render the namespace with its quota."""
    team: LabelValue = "unassigned"
    owner: Printable = ""
    kubernetes_version: Version = "1.36"
    kserve_version: Version = "0.20"
    image: Image | None = None
    simulator_image: Image = "sextant:0.1.0"
    checkpoint: Printable | None = None
    """Hub id of the weights when they are not the planned model's own repository (quantized variants)."""
    revision: Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9._/-]+$")] | None = None
    trust_remote_code: bool = False
    """Let the model repository run its own Python inside the server. Only when you trust its authors."""
    hub_token_secret: DnsName | None = None
    """Secret with key `token`, read as HF_TOKEN; the secret itself is never rendered."""
    api_key_secret: DnsName | None = None
    """Secret with key `api-key` that callers must present."""
    image_pull_secret: DnsName | None = None
    node_selector: dict[LabelKey, LabelValue] | None = None
    """Labels of the nodes to run on; by default the GPU product where its label is known."""
    gpu_resource: LabelKey | None = None
    gpus_per_node: Small = 8
    max_replicas: Small | None = None
    autoscaling: Autoscaling = "keda"
    prometheus_url: Annotated[str, Field(max_length=300, pattern=r"^https?://[A-Za-z0-9._:/-]+$")] = (
        "http://prometheus-operated.monitoring.svc:9090"
    )
    monitoring: Monitoring = "podmonitor"
    monitoring_labels: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    """Labels that the cluster's Prometheus selects monitors and rules by."""
    dashboard: bool = True
    network_policy: bool = True
    access: Access = "internal"
    host: DnsName | None = None
    tls_secret: DnsName | None = None
    basic_auth_secret: DnsName | None = None
    """Secret of ingress-nginx basic authentication; else callers are told apart by `api_key_secret`."""
    ingress_class: DnsName = "nginx"
    gateway: DnsName = "inference-gateway"
    gateway_namespace: DnsLabel = "gateway-system"
    cache_storage_class: DnsName | None = None
    cache_size: Quantity | None = None
    """Size of a shared volume for weights; without it every pod downloads them anew."""
    quota_gpus: Small | None = None
    slo_target: Annotated[FiniteFloat, Field(ge=0.5, lt=1)] | None = None
    """Share of requests that must keep each objective; by default its percentile."""
    prefix_caching: bool = True
    kv_cache_dtype: Literal["auto", "fp8"] = "auto"
    speculative_tokens: Annotated[int, Field(ge=1, le=16)] | None = None
    """Draft this many tokens by n-gram lookup (needs no second model)."""
    expert_parallel: bool = False
    data_parallel: Annotated[int, Field(ge=1, le=64)] = 1
    prefill_replicas: Small | None = None
    """llmisvc only: separate replicas for prefill, so that decode is never held up."""
    server_replicas: Annotated[int, Field(ge=1, le=100)] = 1
    """Of Sextant itself (`--own`); more than one need PostgreSQL and a ReadWriteMany class."""
    database_secret: DnsName | None = None
    """Secret with key `url`: the PostgreSQL database of Sextant itself."""
    state_storage_class: DnsName | None = None
    """Of the volume of Sextant itself; by default the cluster's own."""
    repository_url: Annotated[str, Field(max_length=300, pattern=r"^(https|ssh)://[A-Za-z0-9@._:/~-]+$")] | None = None
    """Git repository that Argo CD and Flux read the tree from (gitops only)."""
    repository_path: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._/-]*$")] | None = None
    time_factor: Annotated[FiniteFloat, Field(gt=0, le=1000)] = 1.0
    """Of the simulator variant."""


def read_settings(values: Mapping[str, Any]) -> Settings:
    """Settings from JSON or the command line; BadInput names the first field that does not fit."""
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"Kubernetes settings: {name}: {first['msg']}", _cure(name), field=name) from error


def _cure(name: str) -> str:
    if name.partition(".")[0] in ("image", "simulator_image"):
        return "name an image with a fixed tag, such as vllm/vllm-openai:v0.33.0"
    if name in Settings.model_fields:
        return ""
    return "known settings: " + ", ".join(sorted(Settings.model_fields))
