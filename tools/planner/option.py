"""One way to serve the traffic, with everything that is known about it: what a plan offers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Literal

from tools.intent import Billing, E2eBasis
from tools.performance.configuration import Configuration
from tools.planner.engine_settings import EngineSettings
from tools.planner.money import Cost
from tools.planner.network import Network

OptionKind = Literal["api", "rental", "owned", "purchase"]


def option_id(*parts: object) -> str:
    """A short name that stays the same as long as the option does."""
    return sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Times:
    """Percentiles of one time, in milliseconds."""

    mean: float
    p50: float
    p90: float
    p99: float
    at_target: float  # at the percentile of the targets

    def to_json(self) -> dict[str, float]:
        """Percentiles as the contract names them."""
        return {"mean": self.mean, "p50": self.p50, "p90": self.p90, "p99": self.p99, "at_target": self.at_target}


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a self-hosted option will do at the planned peak; rates in requests per second."""

    ttft_ms: Times
    tpot_ms: Times
    e2e_ms: Times  # of the whole answer
    perceived_ms: Times
    e2e_basis: E2eBasis  # which of the two the target counts
    max_rps_per_replica: float
    utilization: float
    concurrency_per_replica: float
    max_concurrency_per_replica: int
    bound_by: str
    interval_80: Mapping[str, tuple[float, float]]
    evidence: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """`predicted` of an option."""
        return {
            "ttft_ms": self.ttft_ms.to_json(),
            "tpot_ms": self.tpot_ms.to_json(),
            "e2e_ms": self.e2e_ms.to_json(),
            "perceived_ms": self.perceived_ms.to_json(),
            "e2e_basis": self.e2e_basis,
            "max_rps_per_replica": self.max_rps_per_replica,
            "utilization": self.utilization,
            "concurrency_per_replica": self.concurrency_per_replica,
            "max_concurrency_per_replica": self.max_concurrency_per_replica,
            "bound_by": self.bound_by,
            "interval": {name: list(ends) for name, ends in self.interval_80.items()},
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class QualityShown:
    """Quality of the model at the task, in the precision offered; `score` None: nothing is known."""

    score: float | None
    standard_error: float | None
    basis: str
    quantization_loss: float
    sources: tuple[str, ...]
    newest_date: str


@dataclass(frozen=True, slots=True)
class Tuned:
    """Settings of the engine that an option counts on beyond the plan, and what they change against `instead_of`."""

    settings: EngineSettings
    instead_of: str
    saving_usd: float | None
    effect: str

    def to_json(self) -> dict[str, Any]:
        """`tuned` of an option."""
        return {
            "settings": self.settings.to_json(),
            "instead_of": self.instead_of,
            "saving_usd": self.saving_usd,
            "effect": self.effect,
            "evidence": "modelled",
            "assumptions": list(self.settings.assumptions),
        }


@dataclass(frozen=True, slots=True)
class Option:
    """An option. Fields that make no sense for its kind are None."""

    id: str
    kind: OptionKind
    provider: str
    region: str | None
    billing: Billing | Literal["per_token", "per_unit", "batch"] | None
    model_id: str
    quality: QualityShown
    risk: Mapping[str, float]
    gpu_type: str | None
    tensor_parallel: int | None
    pipeline_parallel: int | None
    replicas: int | None
    spare_replicas: int | None
    gpu_count: int | None
    quantization: str | None
    cloud: str | None
    instance_type: str | None
    instance_count: int | None
    predicted: Predicted | None
    cost: Cost
    slo_met: Mapping[str, bool | None]
    why: str
    price_source: Mapping[str, str]
    configuration: Configuration | None = None
    tuned: Tuned | None = None
    sizing: Mapping[str, float] | None = None  # of self-hosted ones: `replicas.sizing`
    network: Network | None = None  # to the users, where it was said where they are

    @property
    def network_ms(self) -> float:
        """What the network adds to TTFT and E2E as the users see them; `predicted` is what the machines do."""
        return self.network.round_trip_ms if self.network else 0.0

    def to_json(self) -> dict[str, Any]:
        """One entry of `options`."""
        quality = self.quality
        return {
            "id": self.id,
            "kind": self.kind,
            "provider": self.provider,
            "region": self.region,
            "billing": self.billing,
            "model_id": self.model_id,
            "quality": {
                "score": quality.score,
                "standard_error": quality.standard_error,
                "basis": quality.basis,
                "quantization_loss": quality.quantization_loss,
                "sources": list(quality.sources),
                "newest_date": quality.newest_date,
            },
            "risk": dict(self.risk),
            "gpu_type": self.gpu_type,
            "tensor_parallel": self.tensor_parallel,
            "pipeline_parallel": self.pipeline_parallel,
            "replicas": self.replicas,
            "spare_replicas": self.spare_replicas,
            "sizing": dict(self.sizing) if self.sizing else None,
            "gpu_count": self.gpu_count,
            "quantization": self.quantization,
            "cloud": self.cloud,
            "instance_type": self.instance_type,
            "instance_count": self.instance_count,
            "predicted": self.predicted.to_json() if self.predicted else None,
            "cost": self.cost.to_json(),
            "slo_met": dict(self.slo_met),
            "why": self.why,
            "price_source": dict(self.price_source),
            "tuned": self.tuned.to_json() if self.tuned else None,
            "network": asdict(self.network) if self.network else None,
        }
