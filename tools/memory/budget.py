"""Where the memory of each card goes, how many tokens of KV cache are left, and why a configuration does not start.

vLLM's accounting: ``cache = utilization × memory − weights − peak activation − runtime``. CUDA graphs are captured
outside of that share and must fit into what is left of the card.
"""

from dataclasses import dataclass
from math import floor

from knowledge.facts import Accelerator, Model
from tools.memory.cache import BLOCK_TOKENS, CacheShape, cache_shape
from tools.memory.constants import MemoryConstants, memory_constants
from tools.memory.weights import weight_bytes
from tools.performance.configuration import Configuration

GIB = 2**30
DEFAULT_UTILIZATION = 0.9

_LARGE_CARD_GIB = 70.0  # from here on vLLM serves 1024 sequences and 8192-token chunks, below 256 and 2048
_INLINE_ECC_BANDWIDTH_GB_S = 970.0  # GDDR cards of data centres keep 6 % for ECC: an L40S of 48 GB reports 45.0 GiB


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Scheduler limits of one replica (or of one attention data-parallel rank)."""

    max_sequences: int
    chunk_tokens: int


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes that a card must hold before any request, whatever the card; the KV cache comes on top."""

    weight_bytes: float
    activation_bytes: float
    runtime_bytes: float
    graph_bytes: float
    cache: CacheShape

    @property
    def fixed_bytes(self) -> float:
        """Inside the utilization share: everything but the cache."""
        return self.weight_bytes + self.activation_bytes + self.runtime_bytes


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """Memory of one replica. Bytes are per card; `kv_cache_tokens` is the total of the replica, as the engine logs it.

    `fits` is False with a `reason` when the replica would not start or cannot hold one sequence of `max_model_len`.
    `max_sequences_at_len` is how many sequences of `max_model_len` fit at once.
    """

    memory_bytes: float
    weight_bytes: float
    activation_bytes: float
    runtime_bytes: float
    graph_bytes: float
    cache_bytes: float
    cache: CacheShape
    kv_cache_tokens: int
    max_model_len: int
    max_sequences_at_len: int
    limits: EngineLimits
    data_parallel: int
    fits: bool
    reason: str | None
    short_bytes: float

    def max_sequences(self, tokens: float) -> int:
        """Sequences of `tokens` tokens that the whole replica can run at once, engine limit included."""
        per_sequence = self.cache.sequence_bytes(tokens)
        held = self.limits.max_sequences if per_sequence <= 0 else floor(max(self.cache_bytes, 0.0) / per_sequence)
        return min(held, self.limits.max_sequences) * self.data_parallel


def physical_bytes(accelerator: Accelerator) -> float:
    """Memory that the driver reports; where unknown, the nominal size less what comparable cards keep back."""
    if accelerator.vram_gib_reported is not None:
        return accelerator.vram_gib_reported * GIB
    share = 0.985 if accelerator.memory_bandwidth_gb_s >= _INLINE_ECC_BANDWIDTH_GB_S else 0.937
    return accelerator.vram_gb * share * GIB


def engine_limits(accelerator: Accelerator) -> EngineLimits:
    """vLLM's defaults for its server (arg_utils): larger cards than an A100 get wider batches and chunks."""
    large = physical_bytes(accelerator) >= _LARGE_CARD_GIB * GIB and accelerator.architecture != "Ampere"
    return EngineLimits(1024, 8192) if large else EngineLimits(256, 2048)


def activation_bytes(
    model: Model, limits: EngineLimits, tensor_parallel: int, constants: MemoryConstants | None = None
) -> float:
    """Peak of one step on one card: sampler or forward pass, and the experts' workspace that stays allocated."""
    constants = constants or memory_constants()
    hidden_row = 2.0 * model.hidden_size
    sampler = constants.logit_bytes * model.vocab_size * limits.max_sequences + hidden_row * limits.chunk_tokens
    intermediate = model.intermediate_size or model.moe_intermediate_size or 4 * model.hidden_size
    forward = limits.chunk_tokens * (
        constants.hidden_buffers * hidden_row + 3 * 2.0 * intermediate / tensor_parallel * (model.kind != "moe")
    )
    return max(sampler, forward) + experts_workspace_bytes(model, limits, tensor_parallel)


def experts_workspace_bytes(model: Model, limits: EngineLimits, tensor_parallel: int) -> float:
    """Buffers of the fused experts for one chunk: gate and up of every chosen expert, and their outputs."""
    if model.kind != "moe" or not model.experts_per_token:
        return 0.0
    width = 2.0 * (model.moe_intermediate_size or model.hidden_size) / tensor_parallel + model.hidden_size
    return 2.0 * limits.chunk_tokens * model.experts_per_token * width


def footprint(
    configuration: Configuration, limits: EngineLimits, constants: MemoryConstants | None = None
) -> Footprint:
    """Everything a card holds besides the cache."""
    constants = constants or memory_constants()
    model, tp, pp = configuration.model, configuration.tensor_parallel, configuration.pipeline_parallel
    many = tp * pp > 1
    runtime = constants.runtime_gib_one_card
    if many:
        runtime = constants.runtime_gib_many_cards + constants.runtime_gib_per_card * tp
    graph = constants.graph_gib + constants.graph_gib_per_layer * model.layers / pp
    graph += constants.graph_gib_experts * (model.kind == "moe") + constants.graph_gib_many_cards * many
    return Footprint(
        weight_bytes=weight_bytes(
            model,
            configuration.quantization,
            tensor_parallel=tp,
            pipeline_parallel=pp,
            expert_parallel=configuration.expert_parallel,
        ),
        activation_bytes=activation_bytes(model, limits, tp, constants),
        runtime_bytes=runtime * GIB,
        graph_bytes=graph * GIB,
        cache=cache_shape(
            model,
            tensor_parallel=tp,
            pipeline_parallel=pp,
            kv_bytes_per_element=1 if configuration.kv_dtype.startswith("fp8") else 2,
        ),
    )


def memory_budget(
    configuration: Configuration,
    *,
    max_model_len: int | None = None,
    gpu_memory_utilization: float = DEFAULT_UTILIZATION,
    constants: MemoryConstants | None = None,
) -> MemoryBudget:
    """Memory of one replica serving sequences of up to `max_model_len` tokens (default: the model's context)."""
    model = configuration.model
    length = max_model_len or model.context_window_tokens
    limits = engine_limits(configuration.accelerator)
    need = footprint(configuration, limits, constants)
    memory = physical_bytes(configuration.accelerator)
    cache_bytes = gpu_memory_utilization * memory - need.fixed_bytes
    per_token = need.cache.reported_bytes_per_token
    tokens = floor(max(cache_bytes, 0.0) / per_token / BLOCK_TOKENS) * BLOCK_TOKENS if per_token else 0
    sequence = need.cache.sequence_bytes(length)
    at_len = floor(max(cache_bytes, 0.0) / sequence) if sequence else limits.max_sequences
    short = max(sequence - cache_bytes, need.graph_bytes - (1 - gpu_memory_utilization) * memory, 0.0)
    reason = parallel_problem(model, configuration.tensor_parallel) or _shortage(
        model, need, memory, share=gpu_memory_utilization, max_model_len=length
    )
    return MemoryBudget(
        memory_bytes=memory,
        weight_bytes=need.weight_bytes,
        activation_bytes=need.activation_bytes,
        runtime_bytes=need.runtime_bytes,
        graph_bytes=need.graph_bytes,
        cache_bytes=max(cache_bytes, 0.0),
        cache=need.cache,
        kv_cache_tokens=tokens * configuration.data_parallel,
        max_model_len=length,
        max_sequences_at_len=min(at_len, limits.max_sequences) * configuration.data_parallel,
        limits=limits,
        data_parallel=configuration.data_parallel,
        fits=reason is None,
        reason=reason,
        short_bytes=short if reason else 0.0,
    )


def _shortage(model: Model, need: Footprint, memory: float, *, share: float, max_model_len: int) -> str | None:
    """What is missing on a card of `memory` bytes of which the engine takes `share`, or None."""
    usable, sequence = share * memory, need.cache.sequence_bytes(max_model_len)
    left = usable - need.fixed_bytes
    if max_model_len > model.context_window_tokens:
        return f"context of {max_model_len} tokens is over the model's {model.context_window_tokens}"
    if left <= 0:
        return f"weights and runtime need {need.fixed_bytes / GIB:.1f} GiB per card, {usable / GIB:.1f} GiB are usable"
    if sequence > left:
        needed = f"one sequence of {max_model_len} tokens needs {sequence / GIB:.1f} GiB of cache"
        return f"{needed}, {left / GIB:.1f} GiB are left"
    if need.graph_bytes > memory - usable:
        return f"CUDA graphs need {need.graph_bytes / GIB:.1f} GiB outside of the cache: lower the memory utilization"
    return None


def parallel_problem(model: Model, tensor_parallel: int) -> str | None:
    """Why the heads cannot be divided among `tensor_parallel` cards, or None.

    Query heads divide evenly; KV heads divide evenly or are copied evenly, latent caches are always copied.
    """
    if model.attention_heads % tensor_parallel:
        return f"{model.attention_heads} attention heads do not divide among {tensor_parallel} cards"
    if model.attention in ("MLA", "CSA/HCA"):
        return None
    if model.kv_heads % tensor_parallel and tensor_parallel % model.kv_heads:
        return f"{model.kv_heads} KV heads neither divide among nor copy evenly to {tensor_parallel} cards"
    return None


def usable_precision(model: Model, accelerator: Accelerator, precision: str) -> bool:
    """Whether the accelerator can serve the model in the precision.

    Four-bit weights of integer or MXFP4 format unpack to 16 bits on any GPU; NVFP4 needs FP4 units.
    """
    bf16, fp16 = accelerator.bf16_dense_tflops, accelerator.fp16_dense_tflops
    unpacks = accelerator.vendor in ("NVIDIA", "AMD") and bf16 is not None
    return {
        "bf16": bf16 is not None,
        "fp16": (fp16 or bf16) is not None,
        "fp8": accelerator.fp8_dense_tflops is not None,
        "int8": accelerator.int8_dense_tops is not None,
        "fp4": accelerator.fp4_dense_tflops is not None or (model.native_dtype == "mxfp4" and unpacks),
        "int4": unpacks,
    }.get(precision, False)
