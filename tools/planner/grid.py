"""Every configuration that starts: model × precision × accelerator × parallelism, as arrays.

The grid depends on the facts alone; it is built once for the models and accelerators that an intent leaves open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.facts import Accelerator, Model
from tools.memory.budget import (
    DEFAULT_UTILIZATION,
    activation_bytes,
    engine_limits,
    footprint,
    parallel_problem,
    physical_bytes,
    usable_precision,
)
from tools.memory.weights import native_precision
from tools.performance.configuration import Configuration

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

PRECISIONS = ("bf16", "fp16", "fp8", "int8", "int4", "fp4")
TENSOR_PARALLEL = (1, 2, 4, 8)
PIPELINE_PARALLEL = (1, 2, 4)
NODE_CARDS = 8
PLAIN_LINK_CARDS = 4
"""Cards joined by PCIe alone work as one tensor-parallel group up to here: the largest that was measured."""

MAINLINE_VENDORS = ("NVIDIA", "AMD")
"""Vendors that are planned for unasked; others need another build of the engine and are planned for when named."""

_VARIANT_MARKS: Mapping[str, tuple[str, ...]] = {
    "fp8": ("fp8",),
    "int8": ("w8a8", "int8"),
    "int4": ("awq", "gptq-int4", "int4", "w4a16"),
    "fp4": ("nvfp4", "mxfp4", "fp4"),
}


def precisions(model: Model, accelerator: Accelerator) -> tuple[str, ...]:
    """Precisions that the model can be served in on the accelerator, native first.

    Besides the released checkpoint: FP8, which vLLM makes at start-up from 16 bits, and the quantised checkpoints that
    the facts name. Cards without BF16 serve 16-bit models in FP16.
    """
    kinds = released_precisions(model)
    if kinds[0] == "bf16" and accelerator.bf16_dense_tflops is None:
        kinds = ("fp16", *kinds[1:])
    return tuple(kind for kind in kinds if usable_precision(model, accelerator, kind))


def released_precisions(model: Model) -> tuple[str, ...]:
    """Native precision, FP8 of 16-bit models, and those of the quantised checkpoints that are known."""
    native = native_precision(model)
    names = " ".join(model.quantized_variants).lower()
    marked = [kind for kind, marks in _VARIANT_MARKS.items() if any(mark in names for mark in marks)]
    if native in ("bf16", "fp16"):
        marked = ["fp8", *marked]
    return tuple(dict.fromkeys((native, *marked)))


def tensor_limit(accelerator: Accelerator) -> int:
    """Largest tensor-parallel group: the scale-up domain, at most a node; cards on PCIe up to four."""
    return min(max(accelerator.scale_up_domain, PLAIN_LINK_CARDS), NODE_CARDS)


@dataclass(frozen=True)
class Grid:
    """Configurations as columns; row i is one replica. Bytes are per card."""

    models: tuple[Model, ...]
    accelerators: tuple[Accelerator, ...]
    model: Rows
    accelerator: Rows
    precision: Rows
    tensor: Integers
    pipeline: Integers
    room_bytes: Floats  # left for the cache
    growing_bytes: Floats  # of cache per token
    window_bytes: Floats
    window_tokens: Floats
    state_bytes: Floats
    max_sequences: Integers  # of the engine

    def __len__(self) -> int:
        return len(self.model)

    @property
    def cards(self) -> Integers:
        """Cards of one replica."""
        return self.tensor * self.pipeline

    def take(self, rows: npt.NDArray[Any]) -> "Grid":
        """The grid of some rows (indices or a mask)."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        return Grid(**{k: v[rows] if isinstance(v, np.ndarray) else v for k, v in columns.items()})

    def sequence_bytes(self, tokens: float) -> Floats:
        """Cache of one sequence of `tokens` tokens."""
        window = self.window_bytes * np.minimum(tokens, self.window_tokens)
        return self.growing_bytes * tokens + window + self.state_bytes

    def longest_tokens(self) -> Floats:
        """Tokens of the longest sequence that the cache of each row holds; 0 where not even its fixed parts fit."""
        left = self.room_bytes - self.state_bytes - self.window_bytes * self.window_tokens
        longest: Floats = np.floor(np.maximum(left, 0.0) / np.maximum(self.growing_bytes, 1.0))
        return longest

    def sequences(self, tokens: float) -> Floats:
        """Sequences of `tokens` tokens that the cache of a replica holds, engine limit included; may be below 1."""
        held = self.room_bytes / np.maximum(self.sequence_bytes(tokens), 1.0)
        return np.minimum(held, self.max_sequences)

    def configuration(self, row: int) -> Configuration:
        """Row as the record that performance and memory read."""
        return Configuration(
            self.models[self.model[row]],
            self.accelerators[self.accelerator[row]],
            PRECISIONS[self.precision[row]],
            int(self.tensor[row]),
            int(self.pipeline[row]),
        )

    def configurations(self) -> list[Configuration]:
        """All rows as records."""
        columns = (self.model, self.accelerator, self.precision, self.tensor, self.pipeline)
        return [
            Configuration(self.models[model], self.accelerators[card], PRECISIONS[kind], tensor, pipeline)
            for model, card, kind, tensor, pipeline in zip(*(column.tolist() for column in columns), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The configuration of a model that came nearest to fitting; `missing_bytes` per card."""

    configuration: Configuration
    missing_bytes: float


@dataclass(frozen=True, eq=False)
class Fitting:
    """The grid of what starts, and of what does not: how many, and the nearest of each model."""

    grid: Grid
    unfit: int
    nearest: Mapping[str, Shortfall]

    @cached_property
    def configurations(self) -> list[Configuration]:
        """Rows of the grid as records."""
        return self.grid.configurations()


def fitting(models: Sequence[Model], accelerators: Sequence[Accelerator]) -> Fitting:
    """Try every precision and parallelism of `models` on `accelerators`; cached by their names."""
    return _fitting(_Cast(tuple(models), tuple(accelerators)))


@dataclass(frozen=True, eq=False)
class _Cast:
    """Models and accelerators as a cache key: records of one snapshot differ when their identity does."""

    models: tuple[Model, ...]
    accelerators: tuple[Accelerator, ...]

    @property
    def identity(self) -> tuple[int, ...]:
        return (*map(id, self.models), 0, *map(id, self.accelerators))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Cast) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)


@lru_cache(maxsize=8)
def _fitting(cast: _Cast) -> Fitting:
    cards = _Cards(cast.accelerators)
    integers: list[npt.NDArray[np.int64]] = []
    floats: list[Floats] = []
    nearest: dict[str, Shortfall] = {}
    unfit = 0
    for index, model in enumerate(cast.models):
        tensor = [tp for tp in TENSOR_PARALLEL if parallel_problem(model, tp) is None]
        largest = cards.largest_group(tensor)
        for kind, usable in cards.precisions(model).items():
            open_cards = usable.copy()
            for tp, pp in [(tp, 1) for tp in tensor] + [(tp, pp) for pp in PIPELINE_PARALLEL[1:] for tp in tensor]:
                # More stages only where the largest group of one machine does not hold the model.
                tried = open_cards & (tp <= largest if pp == 1 else tp == largest)
                if not tried.any():
                    continue
                room, columns = cards.room(model, kind, tp, pp)
                fits = tried & (room > 0)
                if pp > 1 or fits.any():
                    open_cards &= ~(fits & (tp == largest))
                rows = np.flatnonzero(fits)
                unfit += int(tried.sum()) - len(rows)
                integers.append(_columns(len(rows), index, rows, PRECISIONS.index(kind), tp, pp))
                floats.append(np.column_stack([room[rows], *(column[rows] for column in columns)]))
                missed = np.where(tried & ~fits, room, -np.inf)
                best = int(missed.argmax())
                if missed[best] > -np.inf and -missed[best] < _missing(nearest, model):
                    configuration = Configuration(model, cast.accelerators[best], kind, tp, pp)
                    nearest[model.model_id] = Shortfall(configuration, float(-missed[best]))
    table = np.concatenate(integers) if integers else np.zeros((0, 5), dtype=np.int64)
    sizes = np.concatenate(floats) if floats else np.zeros((0, 6))
    return Fitting(_grid(cast, table, sizes), unfit, nearest)


def _missing(nearest: Mapping[str, Shortfall], model: Model) -> float:
    known = nearest.get(model.model_id)
    return np.inf if known is None else known.missing_bytes


def _columns(count: int, model: int, rows: Rows, *parts: int) -> npt.NDArray[np.int64]:
    table = np.empty((count, 5), dtype=np.int64)
    table[:, 0], table[:, 1] = model, rows
    table[:, 2:] = parts
    return table


def _grid(cast: _Cast, table: npt.NDArray[np.int64], sizes: Floats) -> Grid:
    return Grid(
        models=cast.models,
        accelerators=cast.accelerators,
        model=table[:, 0].astype(np.intp),
        accelerator=table[:, 1].astype(np.intp),
        precision=table[:, 2].astype(np.intp),
        tensor=table[:, 3],
        pipeline=table[:, 4],
        room_bytes=sizes[:, 0],
        growing_bytes=sizes[:, 1],
        window_bytes=sizes[:, 2],
        window_tokens=sizes[:, 3],
        state_bytes=sizes[:, 4],
        max_sequences=sizes[:, 5].astype(np.int64),
    )


class _Cards:
    """The accelerators as arrays, and what a model leaves free on each."""

    def __init__(self, accelerators: Sequence[Accelerator]) -> None:
        self.accelerators = accelerators
        self.memory = np.array([physical_bytes(card) for card in accelerators])
        self.limits = [engine_limits(card) for card in accelerators]
        self.kinds = sorted(set(self.limits), key=lambda kind: kind.max_sequences)
        self.kind_of = np.array([self.kinds.index(limit) for limit in self.limits], dtype=np.intp)
        self.slots = np.array([float(limit.max_sequences) for limit in self.limits])
        self.tensor_limits = np.array([tensor_limit(card) for card in accelerators])
        self._usable: dict[str, dict[str, Mask]] = {}

    def precisions(self, model: Model) -> Mapping[str, Mask]:
        """Per precision, the cards that serve the model in it."""
        kinds = released_precisions(model)
        if model.native_dtype not in self._usable:
            self._usable[model.native_dtype] = {
                kind: np.array([usable_precision(model, card, kind) for card in self.accelerators])
                for kind in PRECISIONS
            }
        usable = self._usable[model.native_dtype]
        masks = {kind: usable[kind] for kind in kinds}
        if kinds[0] == "bf16":
            masks["fp16"] = usable["fp16"] & ~usable["bf16"]
        return masks

    def largest_group(self, tensor: Sequence[int]) -> Integers:
        """The largest of the tensor-parallel sizes that each card's machine holds."""
        sizes = np.array(tensor)
        held: Integers = np.where(sizes[None, :] <= self.tensor_limits[:, None], sizes[None, :], 0).max(axis=1)
        return held

    def room(self, model: Model, kind: str, tp: int, pp: int) -> tuple[Floats, tuple[Floats, ...]]:
        """Bytes left for the cache (negative: missing) and the cache's shape, per card."""
        shape = Configuration(model, self.accelerators[0], kind, tp, pp)
        need = footprint(shape, self.kinds[0])
        rest = need.weight_bytes + need.runtime_bytes
        fixed = np.array([rest + activation_bytes(model, limits, tp) for limits in self.kinds])[self.kind_of]
        graphs = need.graph_bytes - (1 - DEFAULT_UTILIZATION) * self.memory
        room = DEFAULT_UTILIZATION * self.memory - fixed
        room = np.where(graphs > 0, np.minimum(room, -graphs), room)
        cache = need.cache
        fill = np.ones_like(self.memory)
        growing, window = cache.growing_bytes_per_token * fill, cache.window_bytes_per_token * fill
        return room, (growing, window, cache.window_tokens * fill, cache.state_bytes * fill, self.slots)
