"""Bytes of a model's weights on each card, by precision and format."""

from dataclasses import dataclass
from math import ceil

from knowledge.facts import Model

BYTES_PER_PARAMETER = {
    "fp32": 4.0,
    "bf16": 2.0,
    "fp16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "int4": 0.52,  # 4 bits + a 16-bit scale and a zero point per 128 weights
    "fp4": 0.5625,  # NVFP4: 4 bits + an 8-bit scale per 16 weights
}
MXFP4_BYTES = 0.53125  # 4 bits + an 8-bit scale per 32 weights: gpt-oss, DeepSeek V4
NATIVE_INT4_BYTES = 0.5625  # compressed-tensors with groups of 32, as Kimi K2.5 ships it

_NATIVE = {
    "bfloat16": "bf16",
    "float16": "fp16",
    "float32": "fp16",  # vLLM casts float32 checkpoints to 16 bits
    "fp8": "fp8",
    "int4": "int4",
    "mxfp4": "fp4",
    "fp4+fp8": "fp4",
}


def native_precision(model: Model) -> str:
    """The precision that the released checkpoint is served in."""
    return _NATIVE.get(model.native_dtype, "bf16")


@dataclass(frozen=True, slots=True)
class ParameterSplit:
    """Parameters by how they are stored and sharded; they sum to the model's total."""

    embedding: float  # input table and output head: kept at 16 bits by every quantised format
    experts: float  # routed experts
    rest: float

    @property
    def total(self) -> float:
        """All parameters."""
        return self.embedding + self.experts + self.rest


def split_parameters(model: Model) -> ParameterSplit:
    """Split the total. Experts follow from total and active parameters: ``(total - active) / (1 - k/E)``.

    That holds for gated and plain experts alike; it agrees with the layer-wise count of Qwen3-30B-A3B to 0.1 %.
    Without an active count the experts are counted from the layers.
    """
    total = model.total_params_b * 1e9
    embedding = min(model.vocab_size * model.hidden_size * (1 if model.tied_embeddings else 2), 0.5 * total)
    experts = 0.0
    if model.kind == "moe" and model.num_experts and model.experts_per_token:
        share = model.experts_per_token / model.num_experts
        if model.active_params_b and model.active_params_b < model.total_params_b:
            experts = (total - model.active_params_b * 1e9) / (1 - share)
        elif model.moe_intermediate_size:
            layers = model.layers - (model.dense_layers or 0)
            experts = 3.0 * layers * model.num_experts * model.hidden_size * model.moe_intermediate_size
        experts = min(experts, total - embedding)
    return ParameterSplit(embedding=embedding, experts=experts, rest=total - embedding - experts)


def expert_bytes(model: Model, precision: str) -> float:
    """Bytes per routed-expert (or, in a dense model, linear-layer) parameter."""
    if precision == "int4" and model.native_dtype == "int4":
        return NATIVE_INT4_BYTES
    if precision == "fp4" and model.native_dtype in ("mxfp4", "fp4+fp8"):
        return MXFP4_BYTES
    return BYTES_PER_PARAMETER[precision]


def rest_bytes(model: Model, precision: str) -> float:
    """Bytes per parameter outside experts and embeddings.

    Four-bit checkpoints of mixtures of experts keep attention and shared layers at 8 bits, those released natively
    in int4 or mxfp4 (Kimi, gpt-oss) at 16.
    """
    if model.kind == "moe" and BYTES_PER_PARAMETER[precision] < 1:
        return 2.0 if model.native_dtype in ("int4", "mxfp4") else 1.0
    return expert_bytes(model, precision)


def weight_bytes(
    model: Model, precision: str, *, tensor_parallel: int = 1, pipeline_parallel: int = 1, expert_parallel: int = 1
) -> float:
    """Bytes of weights on the fullest card of one replica.

    Tensor parallelism divides everything, pipeline parallelism the layers (the fullest stage counts); experts spread
    over `expert_parallel` cards where that is more than the tensor-parallel group (attention data parallelism).
    """
    split = split_parameters(model)
    stage = ceil(model.layers / pipeline_parallel) / model.layers
    experts = split.experts * expert_bytes(model, precision) / max(tensor_parallel, expert_parallel)
    rest = split.rest * rest_bytes(model, precision) / tensor_parallel
    table = split.embedding * 2.0 / tensor_parallel
    return (experts + rest) * stage + table
