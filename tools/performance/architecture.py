"""Models and accelerators that the facts do not hold: from a config.json, a parameter count, or datasheet numbers."""

from collections.abc import Mapping
from typing import Any

from knowledge.errors import BadInput
from knowledge.facts import Accelerator, Model

DATASHEET = (
    "vram_gb",
    "memory_bandwidth_gb_s",
    "bf16_dense_tflops",
    "fp8_dense_tflops",
    "fp4_dense_tflops",
    "int8_dense_tops",
    "interconnect_gb_s",
)
"""Numbers that describe an accelerator; the first three are needed."""
_GIVEN = "given by the user"
_TYPICAL_VOCABULARY = 128_000
_LAYERS_OF_HIDDEN = 128.0  # dense decoders are about this many times as wide as deep


def model_from_config(config: Mapping[str, Any], *, name: str = "", params_b: float | None = None) -> Model:
    """Model from the architecture facts of a Hugging Face config.json.

    `params_b` is the total in billions; without it the total is counted from the architecture. Vision-language
    configs keep the language model under `text_config`. Raises BadInput naming the key that is missing or not usable.
    """
    text = config.get("text_config")
    facts: Mapping[str, Any] = {**config, **text} if isinstance(text, Mapping) else config
    layers, hidden = _whole(facts, "num_hidden_layers", "n_layer"), _whole(facts, "hidden_size", "n_embd")
    heads = _whole(facts, "num_attention_heads", "n_head")
    kv_heads = _whole(facts, "num_key_value_heads", default=heads)
    head_dim = _whole(facts, "head_dim", default=max(hidden // heads, 1))
    lora = _whole(facts, "kv_lora_rank", default=0)
    rope, nope = _whole(facts, "qk_rope_head_dim", default=0), _whole(facts, "qk_nope_head_dim", default=0)
    value_dim = _whole(facts, "v_head_dim", default=head_dim)
    vocabulary = _whole(facts, "vocab_size", default=_TYPICAL_VOCABULARY)
    experts = _whole(facts, "num_experts", "n_routed_experts", "num_local_experts", default=0)
    chosen = _whole(facts, "num_experts_per_tok", "num_experts_per_token", "moe_top_k", default=2 if experts else 0)
    wide = _whole(facts, "intermediate_size", "n_inner", default=4 * hidden)
    expert_wide = _whole(facts, "moe_intermediate_size", default=wide)
    shared = _whole(facts, "n_shared_experts", "num_shared_experts", default=0)
    dense = min(_whole(facts, "first_k_dense_replace", default=0), layers) if experts else layers
    tied = bool(facts.get("tie_word_embeddings", False))
    if lora:
        head_dim = rope + nope or head_dim
    full, window_layers = _layer_kinds(facts, layers)
    per_layer = float(lora + rope) if lora else 2.0 * kv_heads * head_dim
    attention = _attention_params(
        facts, hidden=hidden, heads=heads, kv_heads=kv_heads, head=head_dim, value=value_dim, lora=lora, rope=rope
    )
    expert = 3.0 * hidden * expert_wide
    table = vocabulary * hidden
    common = layers * attention + dense * 3.0 * hidden * wide + table * (1 if tied else 2)
    routed = layers - dense
    total = common + routed * expert * (experts + shared)
    active = common + routed * expert * (chosen + shared)
    if params_b:
        total, active = params_b * 1e9, params_b * 1e9 * active / total
    quantized = facts.get("quantization_config")
    method = str(quantized.get("quant_method", "")) if isinstance(quantized, Mapping) else ""
    window = _whole(facts, "sliding_window", default=0) if window_layers else 0
    return Model(
        model_id=name or str(config.get("_name_or_path") or "model from config.json"),
        family=str(config.get("model_type", "unknown")),
        kind="moe" if experts else "dense",
        total_params_b=total / 1e9,
        active_params_b=active / 1e9,
        layers=layers,
        hidden_size=hidden,
        attention_heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        attention="MLA" if lora else "MHA" if kv_heads == heads else "GQA",
        attention_variant="sliding" if window_layers else None,
        kv_lora_rank=lora or None,
        qk_rope_head_dim=rope or None,
        qk_nope_head_dim=nope or None,
        v_head_dim=value_dim,
        intermediate_size=wide,
        moe_intermediate_size=expert_wide if experts else None,
        num_experts=experts or None,
        experts_per_token=chosen or None,
        shared_experts=shared or None,
        dense_layers=dense if experts else None,
        full_attention_layers=full if full != layers else None,
        window_layers=window_layers or None,
        linear_state_layers=layers - full - window_layers or None,
        sliding_window=window or None,
        vocab_size=vocabulary,
        tied_embeddings=tied,
        context_window_tokens=_whole(facts, "max_position_embeddings", "n_positions", default=4096),
        native_dtype=method or str(facts.get("torch_dtype") or facts.get("dtype") or "bfloat16"),
        kv_bytes_per_token_bf16=2.0 * full * per_layer,
        kv_window_bytes_per_token_bf16=2.0 * window_layers * per_layer,
        kv_index_bytes_per_token=0.0,
        kv_state_bytes_per_sequence=0.0,
        checkpoint_gib=None,
        mtp_layers=_whole(facts, "num_nextn_predict_layers", default=0),
        vision_tower="vision_config" in config,
        licence="unknown",
        gated=None,
        languages=(),
        modalities="text>text",
        release_date=None,
        quantized_variants=(),
        supports_tools=None,
        reasoning=None,
        facts_source=_GIVEN,
        note="",
        verified="no",
    )


def model_from_size(name: str, params_b: float) -> Model:
    """A typical dense decoder of `params_b` billion parameters: only for rows that name a model nobody knows.

    ``12 · layers · hidden² = parameters`` with ``hidden = 128 · layers``; eight KV heads of width 128.
    """
    layers = max(round((params_b * 1e9 / 12 / _LAYERS_OF_HIDDEN**2) ** (1 / 3)), 4)
    hidden = max(round(layers * _LAYERS_OF_HIDDEN / 128) * 128, 256)
    heads = max(hidden // 128, 1)
    config = {
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_key_value_heads": min(8, heads),
        "vocab_size": _TYPICAL_VOCABULARY if params_b > 2 else 32_000,
        "tie_word_embeddings": params_b < 4,
        "intermediate_size": round(3.5 * hidden),
    }
    return model_from_config(config, name=name, params_b=params_b)


def accelerator_from_datasheet(
    name: str,
    *,
    vram_gb: float,
    memory_bandwidth_gb_s: float,
    bf16_dense_tflops: float,
    fp8_dense_tflops: float | None = None,
    fp4_dense_tflops: float | None = None,
    int8_dense_tops: float | None = None,
    interconnect_gb_s: float | None = None,
    scale_up_domain: int = 8,
    vendor: str = "",
    architecture: str = "",
) -> Accelerator:
    """Accelerator from its datasheet: dense peaks (without sparsity), bandwidth in GB/s, memory in GB."""
    return Accelerator(
        gpu_type=name,
        vendor=vendor or "unknown",
        architecture=architecture or "unknown",
        year=2026,
        vram_gb=vram_gb,
        vram_gib_reported=None,
        fp16_dense_tflops=bf16_dense_tflops,
        bf16_dense_tflops=bf16_dense_tflops,
        fp8_dense_tflops=fp8_dense_tflops,
        fp4_dense_tflops=fp4_dense_tflops,
        int8_dense_tops=int8_dense_tops,
        memory_bandwidth_gb_s=memory_bandwidth_gb_s,
        interconnect="",
        interconnect_gb_s=interconnect_gb_s,
        scale_up_domain=scale_up_domain,
        tdp_w=None,
        launch_price_usd=None,
        compute_capability=None,
        facts_source=_GIVEN,
        verified="no",
    )


def accelerator_of_unknown_kind(name: str) -> Accelerator:
    """A mid-range data-centre card: only for rows that name a card nobody knows."""
    return accelerator_from_datasheet(
        name,
        vram_gb=80.0,
        memory_bandwidth_gb_s=2000.0,
        bf16_dense_tflops=400.0,
        fp8_dense_tflops=800.0,
        interconnect_gb_s=64.0,
    )


def _whole(facts: Mapping[str, Any], *names: str, default: int | None = None) -> int:
    for name in names:
        value = facts.get(name)
        if isinstance(value, list) and value:
            value = max(value) if all(isinstance(each, int) for each in value) else None
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise BadInput(f"config.json: {name} must be a whole number, not {str(value)[:40]!r}", field=name)
        return int(value)
    if default is None:
        raise BadInput(f"config.json has no {names[0]}", "give the config.json of a decoder model", field=names[0])
    return default


def _layer_kinds(facts: Mapping[str, Any], layers: int) -> tuple[int, int]:
    """Layers that see everything and layers with a window; the rest keep a fixed state."""
    kinds = facts.get("layer_types")
    if isinstance(kinds, list) and kinds:
        full = sum(kind == "full_attention" for kind in kinds)
        window = sum(kind in ("sliding_attention", "chunked_attention") for kind in kinds)
        return full, window
    if facts.get("use_sliding_window") is False or not facts.get("sliding_window"):
        return layers, 0
    if pattern := facts.get("sliding_window_pattern"):
        full = layers // int(pattern)
        return full, layers - full
    return 0, layers


def _attention_params(
    facts: Mapping[str, Any], *, hidden: int, heads: int, kv_heads: int, head: int, value: int, lora: int, rope: int
) -> float:
    if not lora:
        return float(hidden * head * (2 * heads + 2 * kv_heads))
    query_lora = _whole(facts, "q_lora_rank", default=0)
    query = hidden * query_lora + query_lora * heads * head if query_lora else hidden * heads * head
    latent = hidden * (lora + rope) + lora * heads * (head - rope + value)
    return float(query + latent + heads * value * hidden)
