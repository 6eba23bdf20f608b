"""Engine constants of the memory model, fitted from measured start-ups (`python -m evals.benchmarks.memory --fit`)."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class MemoryConstants:
    """What an engine needs besides weights and cache. Fitted for `engine_version`.

    Activation peak = max(sampler, forward pass) + workspace of the experts, where the sampler handles one row of
    logits per sequence slot and the forward pass one chunk of prefill tokens.
    """

    engine: str
    engine_version: str
    fitted_on: str
    logit_bytes: float  # per vocabulary entry and sequence slot
    hidden_buffers: float  # buffers of hidden size per chunk token during the forward pass
    runtime_gib_one_card: float  # CUDA context, NCCL, … outside of torch
    runtime_gib_many_cards: float  # with tensor parallelism: communicators and their buffers
    runtime_gib_per_card: float  # more for each card of the group
    graph_gib: float
    graph_gib_per_layer: float
    graph_gib_experts: float
    graph_gib_many_cards: float


@cache
def memory_constants() -> MemoryConstants:
    """The constants that ship with the project."""
    return MemoryConstants(**json.loads((files("knowledge") / "data" / "memory.json").read_text()))
