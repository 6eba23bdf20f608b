"""Serving points as arrays: everything the roofline reads, one entry per point."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.facts import Accelerator, Model
from tools.memory.cache import kv_shards
from tools.memory.weights import expert_bytes, rest_bytes, split_parameters
from tools.performance.configuration import Configuration

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

GIB = 2**30
MEMORY_UTILIZATION = 0.9  # share of a card that engines give to weights, activations and cache
RUNTIME_GIB = 2.5  # activations, runtime and graphs of one card; `tools.memory` has the exact account
_UNKNOWN_LINK_GB_S = 32.0  # PCIe 4 ×16, one direction
_INTER_NODE_GB_S = 50.0  # one 400 Gb/s network card per accelerator
_PARTS = ("tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel")
_RECORDS = frozenset(["model", "accelerator"])
_LOWER = {"fp4": "fp8", "fp8": "bf16", "int8": "bf16", "int4": "bf16", "fp16": "bf16"}


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Architecture of a model as the roofline reads it. Parameters are counts; bytes depend on the precision."""

    layers: float
    hidden: float
    expert_params: float
    other_params: float  # read every step: everything but experts and the input embedding table
    head_params: float  # output head inside `other_params`: stays at 16 bits
    active_params: float  # multiplied per token
    experts: float
    experts_per_token: float
    table_params: float
    kv_bytes: float
    kv_window_bytes: float
    window: float
    index_bytes: float
    state_bytes: float
    attention_width: float  # query heads × (query + value width) / 2 of the layers that see everything
    window_attention_width: float
    kv_heads: float


def model_shape(model: Model) -> ModelShape:
    """Shape of `model`; parameter counts by `tools.memory.weights`."""
    split = split_parameters(model)
    table = split.embedding if model.tied_embeddings else split.embedding / 2
    experts, chosen = float(model.num_experts or 1), float(model.experts_per_token or 1)
    active = min(model.active_params_b or model.total_params_b, model.total_params_b) * 1e9
    # Facts given by a person may not agree with each other: something is left to multiply all the same.
    multiplied = max(active - (0.0 if model.tied_embeddings else table), active / 10)
    width = model.attention_heads * (model.head_dim + (model.v_head_dim or model.head_dim)) / 2
    window_layers = float(model.window_layers or 0)
    full_layers = float(model.layers - window_layers - (model.linear_state_layers or 0))
    if model.full_attention_layers:
        full_layers = float(model.full_attention_layers)
    return ModelShape(
        layers=float(model.layers),
        hidden=float(model.hidden_size),
        expert_params=split.experts,
        other_params=split.rest + table,
        head_params=min(table, 0.9 * multiplied),
        active_params=multiplied,
        experts=experts,
        experts_per_token=min(chosen, experts),
        table_params=split.embedding,
        kv_bytes=model.kv_bytes_per_token_bf16,
        kv_window_bytes=model.kv_window_bytes_per_token_bf16,
        window=float(model.sliding_window or 0),
        index_bytes=model.kv_index_bytes_per_token,
        state_bytes=model.kv_state_bytes_per_sequence,
        attention_width=width * max(full_layers, 0.0),
        window_attention_width=width * window_layers,
        kv_heads=float(kv_shards(model, 1 << 20)),
    )


def compute_tflops(accelerator: Accelerator, precision: str) -> float:
    """Dense peak at `precision`; where the card has no such unit, that of the next precision it has.

    Weights of 4 bits without FP4 units and all INT4 formats are widened to 16 bits before the multiplication.
    """
    peaks = {
        "fp4": accelerator.fp4_dense_tflops,
        "fp8": accelerator.fp8_dense_tflops,
        "int8": accelerator.int8_dense_tops,
        "bf16": accelerator.bf16_dense_tflops or accelerator.fp16_dense_tflops,
    }
    sixteen = peaks["bf16"] or (accelerator.int8_dense_tops or 4 * accelerator.memory_bandwidth_gb_s / 4) / 2
    while precision in _LOWER:
        if peak := peaks.get(precision):
            return max(peak, sixteen) if precision != "int8" else peak
        precision = _LOWER[precision]
    return sixteen


@dataclass(frozen=True, slots=True)
class Points:
    """Configurations under load, as arrays of equal length. Bytes and flops are per replica unless said otherwise.

    `gpu`, `engine`, `architecture`, … are indices into the vocabularies of the calibration (−1: unknown).
    """

    shape: npt.NDArray[Any]  # structured ModelShape rows
    expert_bytes: Floats
    other_bytes: Floats
    table_bytes: Floats
    kv_scale: Floats  # bytes per KV element / 2
    tflops: Floats
    bandwidth_gb_s: Floats
    link_gb_s: Floats
    memory_gib: Floats
    tensor: Floats
    pipeline: Floats
    data: Floats
    expert: Floats

    def __len__(self) -> int:
        return len(self.tflops)

    def take(self, rows: npt.NDArray[Any]) -> "Points":
        """The points of `rows` (indices or a mask)."""
        return Points(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @property
    def gpus(self) -> Floats:
        """Cards of one replica."""
        return self.tensor * self.pipeline * self.data


SHAPE_TYPE = np.dtype([(field.name, np.float64) for field in fields(ModelShape)])


def _row(shape: ModelShape) -> tuple[float, ...]:
    return tuple(getattr(shape, field.name) for field in fields(ModelShape))


def distinct(configurations: Sequence[Configuration], *names: str) -> tuple[list[Configuration], npt.NDArray[np.intp]]:
    """First configuration of every distinct combination of attributes, and which combination each has.

    Models and cards are compared by identity: column by column, 20,000 configurations take a few milliseconds.
    """
    columns = (map(attrgetter(name), configurations) for name in names)
    plain = (map(id, column) if name in _RECORDS else column for name, column in zip(names, columns, strict=True))
    keys = zip(*plain, strict=True)
    index: dict[tuple[object, ...], int] = {}
    member = np.fromiter((index.setdefault(key, len(index)) for key in keys), np.intp, len(configurations))
    _, first = np.unique(member, return_index=True)
    return [configurations[at] for at in first.tolist()], member


def points(configurations: Sequence[Configuration]) -> Points:
    """Arrays of `configurations`."""
    count = len(configurations)
    models, kind_of = distinct(configurations, "model", "quantization")
    cards, card_of = distinct(configurations, "accelerator", "quantization")
    caches, cache_of = distinct(configurations, "kv_dtype")
    parts = np.stack([np.fromiter(map(attrgetter(name), configurations), np.float64, count) for name in _PARTS], axis=1)
    shapes = np.array([_row(model_shape(each.model)) for each in models], dtype=SHAPE_TYPE)
    stored = np.array([_stored_bytes(each.model, each.quantization) for each in models]).reshape(-1, 3)
    peaks = np.array([_card(each.accelerator, each.quantization) for each in cards]).reshape(-1, 5)
    scales = np.array([0.5 if each.kv_dtype == "fp8" else 1.0 for each in caches])
    cards_of, kinds_of = peaks[card_of], stored[kind_of]
    across_nodes = parts[:, 0] * parts[:, 2] > cards_of[:, 3]
    return Points(
        shape=shapes[kind_of],
        expert_bytes=kinds_of[:, 0],
        other_bytes=kinds_of[:, 1],
        table_bytes=kinds_of[:, 2],
        kv_scale=scales[cache_of],
        tflops=cards_of[:, 0],
        bandwidth_gb_s=cards_of[:, 1],
        link_gb_s=np.where(across_nodes, np.minimum(cards_of[:, 2], _INTER_NODE_GB_S), cards_of[:, 2]),
        memory_gib=cards_of[:, 4],
        tensor=parts[:, 0],
        pipeline=parts[:, 1],
        data=parts[:, 2],
        expert=parts[:, 3],
    )


def _stored_bytes(model: Model, precision: str) -> tuple[float, float, float]:
    """Bytes of experts, of what else is read every step, and of the tables as they lie in memory."""
    shape = model_shape(model)
    rest = (shape.other_params - shape.head_params) * rest_bytes(model, precision)
    return shape.expert_params * expert_bytes(model, precision), rest + 2 * shape.head_params, 2 * shape.table_params


def _card(accelerator: Accelerator, precision: str) -> tuple[float, float, float, float, float]:
    # A card alone (PCIe) still talks to its neighbours in the same machine: up to eight share a node.
    domain = float(max(accelerator.scale_up_domain, 8))
    return (
        compute_tflops(accelerator, precision),
        accelerator.memory_bandwidth_gb_s,
        accelerator.interconnect_gb_s or _UNKNOWN_LINK_GB_S,
        domain,
        accelerator.vram_gib_reported or accelerator.vram_gb * 0.985,
    )
