"""What a person asked for, exactly as far as they said it: every field is null unless said.

Defaults belong to the traffic profile (`tools.planner.profile`), never here. Field names are the contract of
`sextant extract --json`; they only grow.
"""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from knowledge.errors import BadInput

WorkloadType = Literal[
    "llm", "embeddings", "rerank", "speech_to_text", "text_to_speech", "image_generation", "vision",
    "video_generation", "moderation",
]  # fmt: skip
TaskType = Literal[
    "chatbot", "code_completion", "code_generation", "summarization", "long_document_summarization", "document_qa",
    "translation", "content_generation", "research_analysis", "classification", "extraction", "agentic",
]  # fmt: skip
Burstiness = Literal["steady", "moderate", "high", "diurnal", "batch"]
Priority = Literal["accuracy", "latency", "cost", "balanced"]
QualityThreshold = Literal["standard", "high", "very_high"]
DeploymentModel = Literal["api", "cloud_rental", "owned_hardware", "purchase"]
Billing = Literal["on_demand", "spot", "reserved_1y", "reserved_3y"]
E2eBasis = Literal["full", "perceived"]
SloPercentile = Literal[50, 90, 95, 99]
ProvenanceSource = Literal["said", "edited", "template", "derived", "measured", "interpolated", "modelled", "catalog"]

Count = Annotated[int, Field(gt=0, le=10_000_000_000)]
Tokens = Annotated[int, Field(gt=0, le=10_000_000)]
Positive = Annotated[FiniteFloat, Field(gt=0, le=1e15)]
Milliseconds = Annotated[FiniteFloat, Field(gt=0, le=86_400_000)]


class Record(BaseModel):
    """Base of the typed values that come from people and files: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Budget(Record):
    """Ceilings in USD; `amount`, `currency` and `period` stand beside them when the currency is not USD."""

    max_monthly_cost_usd: Positive | None = None
    max_hourly_cost_usd: Positive | None = None
    cost_per_1k_tokens: Positive | None = None
    amount: Positive | None = None
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    period: Literal["hour", "day", "month", "year"] | None = None


class AvailableGpu(Record):
    """Accelerators that the person has or means to buy."""

    gpu_type: str
    count: Count


class DatacenterContext(Record):
    """What running one's own hardware costs."""

    power_cost_per_kwh: Positive | None = None
    cooling_overhead_pue: Annotated[FiniteFloat, Field(ge=1, le=5)] | None = None
    rack_space_cost_per_month: Annotated[FiniteFloat, Field(ge=0, le=1e9)] | None = None
    amortization_period_months: Annotated[int, Field(gt=0, le=240)] | None = None


class Usage(Record):
    """Volume of workloads that are not counted in tokens: audio hours, images, characters, documents."""

    quantity: Positive
    unit: str
    period: Literal["hour", "day", "week", "month", "year"]


class Unresolved(Record):
    """Something seen in the words and not understood: shown and asked about, never dropped."""

    text: str
    why: str


class Intent(Record):
    """The typed intent. Null means: not said."""

    workload_type: WorkloadType | None = None
    task_type: TaskType | None = None
    use_case_description: str | None = Field(default=None, max_length=2000)
    subject_matter: str | None = Field(default=None, max_length=200)
    total_users: Count | None = None
    concurrent_users: Count | None = None
    expected_qps: Positive | None = None
    peak_qps: Positive | None = None
    requests_per_day: Positive | None = None
    tokens_per_day: Positive | None = None
    prompt_length_avg: Tokens | None = None
    shared_prefix_tokens: Tokens | None = None
    generation_length_avg: Tokens | None = None
    burstiness_pattern: Burstiness | None = None
    priority: Priority | None = None
    budget: Budget | None = None
    target_ttft_p90_ms: Milliseconds | None = None
    target_tpot_p90_ms: Milliseconds | None = None
    target_e2e_latency_p90_ms: Milliseconds | None = None
    target_throughput_rps: Positive | None = None
    slo_percentile: SloPercentile | None = None
    e2e_basis: E2eBasis | None = None
    quality_threshold: QualityThreshold | None = None
    reliability_target: Annotated[FiniteFloat, Field(gt=0, lt=100)] | None = None
    preferred_models: tuple[str, ...] | None = None
    excluded_models: tuple[str, ...] | None = None
    license: tuple[str, ...] | None = None
    quantization: tuple[str, ...] | None = None
    available_gpus: tuple[AvailableGpu, ...] | None = None
    gpu_types: tuple[str, ...] | None = None
    max_gpus: Count | None = None
    tensor_parallel: Annotated[int, Field(gt=0, le=64)] | None = None
    deployment_model: DeploymentModel | None = None
    datacenter_context: DatacenterContext | None = None
    clouds: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    residency: tuple[str, ...] | None = None
    user_region: str | None = Field(default=None, max_length=80)
    billing: tuple[Billing, ...] | None = None
    compliance: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    context_length: Tokens | None = None
    usage: Usage | None = None
    batch_window_hours: Annotated[FiniteFloat, Field(gt=0, le=8760)] | None = None
    unresolved: tuple[Unresolved, ...] = ()


class Provenance(Record):
    """Where the value of a field is from. `start` and `end` are character offsets into the text of turn `turn`."""

    source: ProvenanceSource
    text: str | None = None
    start: int | None = None
    end: int | None = None
    turn: int | None = None
    detail: str | None = None


class Question(Record):
    """One thing to ask, with quick answers."""

    field: str
    question: str
    suggestions: tuple[str, ...] = ()


class Understanding(Record):
    """What was understood of one message: the said fields, where each was said, and what must be asked."""

    intent: Intent
    provenance: dict[str, Provenance]
    questions: tuple[Question, ...] = ()


def known_task(task: str) -> TaskType:
    """A task by its name. Raises BadInput."""
    if task not in get_args(TaskType):
        raise BadInput(f"unknown task: {task[:40]!r}", f"one of {', '.join(get_args(TaskType))}", field="task")
    return task  # type: ignore[return-value]  # checked just above
