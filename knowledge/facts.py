"""Typed, frozen facts. Units stand last in names; unknown is `None`, never zero.

Every record carries where it was read (`facts_source`, `source`, `source_url`, `source_date`). `source` and
`source_kind` are ids in the table of sources (`Source`), which holds origin, date, licence and attribution; a page of
it is `docs/data-sources.md`. The fields of a record are the columns of its file, in the same order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ModelKind = Literal["dense", "moe", "embedding", "reranker", "asr"]
Attention = Literal["MHA", "GQA", "MQA", "MLA", "CSA/HCA"]
Verified = Literal["yes", "partly", "params", "no"]
Confidence = Literal["official", "aggregated", "estimated"]
Terms = Literal["shipped", "facts", "fitting"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts come from. `terms`: shipped whole, single facts only (no licence stated), or used for fitting only.

    `origin` is the repository, package or page; `version` its commit, release or date; `rows` how many rows the
    project was given from it, `rows_shipped` how many stand in the project's own files.
    """

    source: str
    dataset: str
    title: str
    origin: str
    version: str
    licence: str
    terms: Terms
    attribution: str
    rows: int
    rows_shipped: int


@dataclass(frozen=True, slots=True)
class Model:
    """An open-weight model: architecture, size, context, licence.

    KV memory of one sequence of S tokens, in bytes, with b bytes per element (2 for 16-bit, 1 for FP8):
    ``S*kv_bytes_per_token_bf16*b/2 + min(S, sliding_window)*kv_window_bytes_per_token_bf16*b/2
    + S*kv_index_bytes_per_token + kv_state_bytes_per_sequence``.
    """

    model_id: str
    family: str
    kind: ModelKind
    total_params_b: float
    active_params_b: float
    layers: int
    hidden_size: int
    attention_heads: int
    kv_heads: int
    head_dim: int
    attention: Attention
    attention_variant: str | None
    kv_lora_rank: int | None
    qk_rope_head_dim: int | None
    qk_nope_head_dim: int | None
    v_head_dim: int | None
    intermediate_size: int | None
    moe_intermediate_size: int | None
    num_experts: int | None
    experts_per_token: int | None
    shared_experts: int | None
    dense_layers: int | None
    full_attention_layers: int | None
    window_layers: int | None
    linear_state_layers: int | None
    sliding_window: int | None
    vocab_size: int
    tied_embeddings: bool
    context_window_tokens: int
    native_dtype: str
    kv_bytes_per_token_bf16: float
    kv_window_bytes_per_token_bf16: float
    kv_index_bytes_per_token: float
    kv_state_bytes_per_sequence: float
    checkpoint_gib: float | None
    mtp_layers: int
    vision_tower: bool
    licence: str
    gated: bool | None
    languages: tuple[str, ...]
    modalities: str
    release_date: str | None
    quantized_variants: tuple[str, ...]
    supports_tools: bool | None
    reasoning: Literal["no", "hybrid", "yes"] | None
    facts_source: str
    note: str
    verified: Verified
    hf_architecture: str = ""
    max_position_embeddings: int | None = None
    window_kv_heads: int | None = None
    window_head_dim: int | None = None
    embedding_dim: int | None = None
    hub_params_b: float | None = None  # everything in the file, also vision tower, MTP layers, doubled embeddings


@dataclass(frozen=True, slots=True)
class Accelerator:
    """An accelerator card (or chip): memory, bandwidth, dense peaks by precision, links, power.

    `bf16_dense_tflops` is read before `fp16_dense_tflops` (the latter is blank on TPU and Gaudi 2).
    `scale_up_domain` is the number of cards joined by the fast interconnect.
    """

    gpu_type: str
    vendor: str
    architecture: str
    year: int
    vram_gb: float
    vram_gib_reported: float | None
    fp16_dense_tflops: float | None
    bf16_dense_tflops: float | None
    fp8_dense_tflops: float | None
    fp4_dense_tflops: float | None
    int8_dense_tops: float | None
    memory_bandwidth_gb_s: float
    interconnect: str
    interconnect_gb_s: float | None
    scale_up_domain: int
    tdp_w: float | None
    launch_price_usd: float | None
    compute_capability: str | None
    facts_source: str
    verified: Verified
    launch_price_note: str = ""


@dataclass(frozen=True, slots=True)
class AcceleratorAlias:
    """A spoken, price-list or instance name of an accelerator; `gpu_type` None: known but not planned for."""

    alias: str
    gpu_type: str | None
    gpu_count: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Instance:
    """A rented machine. Prices are for the whole instance.

    `gpu_count` below 1 is a slice of a card, 0 a slice whose size the source does not state. A `gpu_type` that is not
    among the accelerators is one that is known and not planned for.
    """

    cloud: str
    region: str
    instance_type: str
    gpu_type: str
    gpu_count: float
    vcpus: float | None
    memory_gb: float | None
    on_demand_usd_per_hour: float | None
    spot_usd_per_hour: float | None
    reserved_1y_usd_per_hour: float | None
    reserved_3y_usd_per_hour: float | None
    source_date: str
    source_url: str
    source_kind: str
    confidence: Confidence
    notes: str


@dataclass(frozen=True, slots=True)
class ApiPrice:
    """One price of one seller for one model, billing mode, direction, unit and region."""

    provider: str
    workload_type: str
    sku_key: str
    sku_name: str
    model_key: str
    model_slug: str
    billing_mode: str
    direction: str
    unit_price_usd: float
    unit_name: str
    context_window_tokens: int | None
    max_output_tokens: int | None
    region: str
    source_date: str
    source_url: str
    source_kind: str
    confidence: Confidence
    corroborated_by: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardPrice:
    """Street price of one card."""

    gpu_type: str
    purchase_price_usd: float
    price_kind: str
    source_date: str
    source_url: str
    source_kind: str
    confidence: Confidence
    notes: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One measured serving point. `gpu_count` cards in all; rates are for all of them together."""

    row_id: str
    model_id: str
    arch_model_id: str | None
    gpu_type: str
    gpu_count: int
    tensor_parallel: int | None
    pipeline_parallel: int | None
    data_parallel: int | None
    expert_parallel: int | None
    quantization: str | None
    engine: str | None
    engine_version: str | None
    serving_mode: Literal["agg", "disagg"]
    load_kind: str
    isl: float | None
    osl: float | None
    concurrency: float | None
    request_rate_rps: float | None
    ttft_mean_ms: float | None
    ttft_p50_ms: float | None
    ttft_p90_ms: float | None
    ttft_p99_ms: float | None
    tpot_mean_ms: float | None
    tpot_p50_ms: float | None
    tpot_p90_ms: float | None
    tpot_p99_ms: float | None
    e2e_mean_ms: float | None
    e2e_p90_ms: float | None
    output_tok_s: float | None
    requests_per_s: float | None
    measured_on: str | None
    quality: Literal["A", "B"]
    notes: str
    source: str
    source_path: str = ""


@dataclass(frozen=True, slots=True)
class QualityScore:
    """One published score of one model on one benchmark."""

    model_id: str
    benchmark: str
    task: str
    score: float
    scale: str
    higher_is_better: bool
    variant: str
    reported_by: Literal["independent", "vendor", "user"]
    source: str
    source_date: str
    licence: str
    notes: str


@dataclass(frozen=True, slots=True)
class MemoryMeasurement:
    """A measured start-up of vLLM: where the memory of each GPU went, and the KV tokens that were left for requests."""

    model_id: str
    gpu_type: str
    gpu_physical_memory_gib: float
    tensor_parallel: int
    pipeline_parallel: int
    data_parallel: int
    max_model_len: int
    dtype: str
    quantization: str | None
    kv_cache_dtype: str
    gpu_memory_utilization: float
    vllm_version: str
    status: Literal["ok", "failed"]
    weight_gib_per_gpu: float | None
    activation_gib_per_gpu: float | None
    non_torch_gib_per_gpu: float | None
    cuda_graph_gib: float | None
    kv_cache_gib_per_gpu: float | None
    kv_cache_tokens: int | None
    max_concurrency_at_max_len: float | None
    architecture: str | None
    attention_type: str | None
    num_layers: int | None
    num_kv_heads: int | None
    head_dim: int | None
    kv_bytes_per_token: float | None
    source: str
    measured_on: str


@dataclass(frozen=True, slots=True)
class Lengths:
    """Distribution of a token count."""

    mean: float
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True, slots=True)
class UseCase:
    """What a task usually needs: default targets and traffic.

    `origin` says for each field ("ttft_ms", "isl.p90") where its number is from. Average requests per second are
    users × `active_share` × `requests_per_active_user_per_minute` / 60, the peak is `peak_to_average` times that.
    """

    task_type: str
    title: str
    ttft_ms: float
    tpot_ms: float
    e2e_ms: float
    slo_percentile: Literal[50, 90, 95, 99]
    e2e_basis: Literal["full", "perceived"]
    quality: Literal["standard", "high", "very_high"]
    reliability_percent: float
    isl: Lengths
    osl: Lengths
    burstiness: Literal["steady", "moderate", "high", "diurnal", "batch"]
    active_share: float
    requests_per_active_user_per_minute: float
    peak_to_average: float
    interarrival_cv: float
    prefix_reuse_share: float
    origin: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TraceStatistics:
    """Lengths and arrivals of one public traffic trace. `peak_to_avg_60s`: busiest minute against the average."""

    trace: str
    use_case: str
    requests: int | None
    duration_s: float | None
    isl_mean: float | None
    isl_p50: float | None
    isl_p90: float | None
    isl_p99: float | None
    isl_cv: float | None
    osl_mean: float
    osl_p50: float
    osl_p90: float
    osl_p99: float
    osl_cv: float | None
    arrival_rate_rps: float | None
    interarrival_cv: float | None
    peak_to_avg_1s: float | None
    peak_to_avg_10s: float | None
    peak_to_avg_60s: float | None
    peak_to_avg_600s: float | None
    origin: str
    licence: str
    note: str
    source: str


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """One request of a recorded trace. `prefix_blocks` are ids of its prompt blocks of 512 tokens, in order."""

    timestamp_ms: float
    isl: int
    osl: int
    prefix_blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """How good a model is at a task, on a scale of 0 to 100 that ranks models of one task and means nothing else.

    `basis`: from scores of the task itself, or only estimated from the model's general level. `standard_error` is on
    the same scale. `independent_share` is the weight of scores not published by the model's vendor.
    """

    model_id: str
    task_type: str
    score: float
    standard_error: float
    basis: Literal["measured", "estimated"]
    rows: int
    independent_share: float
    newest_date: str
    top_sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QualityThreshold:
    """The score that a quality word asks for in a task, and the words it is explained with."""

    task_type: str
    quality: Literal["standard", "high", "very_high"]
    score: float
    reference_model: str
    meaning: str
    origin: str
