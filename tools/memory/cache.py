"""KV cache and recurrent state of a sequence, by attention kind."""

from dataclasses import dataclass
from math import ceil

from knowledge.facts import Model

BLOCK_TOKENS = 16  # vLLM's page of KV cache


@dataclass(frozen=True, slots=True)
class CacheShape:
    """Bytes that a sequence keeps on one card: a growing part, a part up to the window, and a fixed state."""

    growing_bytes_per_token: float
    window_bytes_per_token: float
    window_tokens: float
    state_bytes: float

    def sequence_bytes(self, tokens: float) -> float:
        """Bytes of one sequence of `tokens` tokens."""
        window = self.window_bytes_per_token * min(tokens, self.window_tokens)
        return self.growing_bytes_per_token * tokens + window + self.state_bytes

    @property
    def reported_bytes_per_token(self) -> float:
        """Bytes per token as vLLM reports its cache size: window layers count as if they kept everything."""
        return self.growing_bytes_per_token + self.window_bytes_per_token


def kv_shards(model: Model, tensor_parallel: int) -> int:
    """Cards among which the KV heads divide; latent caches (MLA, CSA/HCA) are kept whole by every rank."""
    if model.attention in ("MLA", "CSA/HCA"):
        return 1
    return min(tensor_parallel, model.kv_heads)


def group_padding(model: Model) -> tuple[float, float]:
    """Factors by which vLLM pads the full and the window layers of a model that has both.

    Layers share pages in groups of equal size, the smaller of the two counts; the last group of a kind is padded.
    Gemma 3 27B: 10 full and 52 window layers are kept as 1 + 6 groups of 10.
    """
    full, window = model.full_attention_layers or 0, model.window_layers or 0
    if not full or not window:
        return 1.0, 1.0
    small, large = sorted((full, window))
    size = large if large < 1.25 * small else small
    return ceil(full / size) * size / full, ceil(window / size) * size / window


def cache_shape(
    model: Model, *, tensor_parallel: int = 1, pipeline_parallel: int = 1, kv_bytes_per_element: int = 2
) -> CacheShape:
    """Cache of one sequence on the fullest card; formula and figures per kind: `knowledge.facts.Model`."""
    shards = kv_shards(model, tensor_parallel)
    stage = ceil(model.layers / pipeline_parallel) / model.layers
    scale = kv_bytes_per_element / 2 / shards * stage
    full, window = group_padding(model)
    index = model.kv_index_bytes_per_token * stage
    return CacheShape(
        growing_bytes_per_token=model.kv_bytes_per_token_bf16 * scale * full + index,
        window_bytes_per_token=model.kv_window_bytes_per_token_bf16 * scale * window,
        window_tokens=float(model.sliding_window or 0),
        state_bytes=model.kv_state_bytes_per_sequence * stage / tensor_parallel,
    )
