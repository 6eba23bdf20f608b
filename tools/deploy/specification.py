"""What is deployed: one option of a plan, made into a record whose digest is its identity."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, ValidationError

from knowledge.errors import BadInput
from tools.intent import Record

Positive = Annotated[FiniteFloat, Field(gt=0, le=1e15)]
Count = Annotated[int, Field(gt=0, le=1_000_000)]


class TokenLengths(Record):
    """Distribution of a token count per request."""

    mean: Positive
    p50: Positive
    p90: Positive
    p99: Positive


class Traffic(Record):
    """The load that was planned for: all replicas together at the peak, requests per second."""

    request_rate_rps: Positive
    isl: TokenLengths
    osl: TokenLengths
    interarrival_cv: Positive = 1.0
    prefix_reuse_share: Annotated[FiniteFloat, Field(ge=0, le=1)] = 0.0


class Objective(Record):
    """One latency target: `metric` at `percentile` is at most `bound_ms`."""

    metric: Literal["ttft", "tpot", "e2e", "e2e_perceived"]
    percentile: Literal[50, 90, 95, 99]
    bound_ms: Positive


class EngineArguments(Record):
    """What vLLM is started with besides model and parallelism; None leaves vLLM's own default."""

    max_model_len: Count | None = None
    max_num_seqs: Count | None = None
    max_num_batched_tokens: Count | None = None
    gpu_memory_utilization: Annotated[FiniteFloat, Field(gt=0, le=1)] | None = None


class Tuning(Record):
    """Engine settings that the option counts on beyond the plain plan."""

    prefix_caching: bool = False
    kv_cache_dtype: Literal["auto", "fp8"] = "auto"
    speculative_method: Literal["mtp", "ngram"] | None = None
    speculative_tokens: Annotated[int, Field(ge=1, le=16)] | None = None


class DeploymentSpec(Record):
    """One option of a plan, complete enough to be deployed and tested without the plan.

    `predicted` maps names like `ttft_p90_ms` to the planner's predictions at the planned load of one replica, and
    `ttft_correction` to the factor in them that own outcomes taught, `ttft_log_sd` to how sure they are.
    """

    option_id: str
    kind: Literal["rental", "owned", "purchase"]
    model_id: Annotated[str, Field(min_length=1, max_length=200)]
    gpu_type: Annotated[str, Field(min_length=1, max_length=100)]
    quantization: str
    tensor_parallel: Count = 1
    pipeline_parallel: Count = 1
    replicas: Count = 1
    gpu_count: Count
    engine: EngineArguments = EngineArguments()
    tuning: Tuning | None = None
    objectives: tuple[Objective, ...] = ()
    predicted: dict[str, FiniteFloat] = Field(default_factory=dict)
    traffic: Traffic
    monthly_cost_usd: Annotated[FiniteFloat, Field(ge=0)] | None = None
    snapshot: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, the inverse of `read_specification`."""
        values = self.model_dump(mode="json")
        if self.tuning is None:  # a plain option stays what it was before options could be tuned
            del values["tuning"]
        return values

    @property
    def plan_hash(self) -> str:
        """Digest of the canonical JSON: equal specifications have equal hashes, in every process."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def read_specification(values: Mapping[str, Any]) -> DeploymentSpec:
    """A specification from JSON; BadInput names the first field that does not fit."""
    try:
        return DeploymentSpec.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"deployment specification: {name}: {first['msg']}", field=name) from error
