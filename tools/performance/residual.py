"""The learned residual: what measured points say beyond the roofline, fading to nothing with distance from them.

A Gaussian process on the logs of measured over roofline, with two exponential kernels over the city-block distance of
scaled features. The distance splits into configuration and load, so its kernel is a product of two small tables.
"""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.errors import StateUnusable
from tools.performance.calibration import DIRECTORY
from tools.performance.points import Floats, Indices

Singles = npt.NDArray[np.float32]

FILE = DIRECTORY / "residual.npz"
DIGEST = DIRECTORY / "residual.json"
REACH_RATIO = 4  # reach of the wide kernel over that of the narrow one: k_narrow = k_wide⁴
_CHUNK = 64
_LARGEST_LOG = 2.0


@dataclass(frozen=True, slots=True)
class Kernel:
    """Reach of the wide kernel, share of the narrow one, and noise (variance over the prior's)."""

    reach: float
    narrow_share: float
    noise: float

    def mixed(self, wide: Singles) -> Singles:
        """Covariance from the wide kernel's values."""
        narrow = _fourth_power(wide)
        narrow *= np.float32(self.narrow_share)
        narrow += wide * np.float32(1 - self.narrow_share)
        return narrow

    @property
    def parts(self) -> tuple[tuple[int, float], ...]:
        """Powers of the wide kernel's values that make up the covariance, with their shares."""
        return (1, 1 - self.narrow_share), (REACH_RATIO, self.narrow_share)


@dataclass(frozen=True, eq=False)
class Residual:
    """Measured points, what they weigh, and who they are. N points over J configurations and M loads.

    Points are sorted by configuration, and every configuration has one.
    """

    kernel: Kernel
    configurations: Singles  # J × features
    loads: Singles  # M × features
    configuration_of: Indices  # N
    load_of: Indices  # N
    weights: Singles  # N × metrics
    row_ids: npt.NDArray[np.str_]  # N
    sources: npt.NDArray[np.str_]  # N
    observed: Singles  # N × metrics; NaN where not measured or not ours to show
    labels: npt.NDArray[np.str_]  # J × (model, gpu_type, precision, engine, cards)
    load_labels: npt.NDArray[np.str_]  # M
    widths: Mapping[str, Any]

    @cached_property
    def starts(self) -> Indices:
        """The first point of each configuration: points of one stand together."""
        return np.searchsorted(self.configuration_of, np.arange(len(self.configurations)))

    @cached_property
    def ends(self) -> Indices:
        """The point after the last one of each configuration."""
        return np.append(self.starts[1:], len(self.configuration_of))

    @property
    def digest(self) -> str:
        """SHA-256 of the contents."""
        return digest_of(self.arrays())

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The generated file's arrays."""
        names = (
            "configurations",
            "loads",
            "configuration_of",
            "load_of",
            "weights",
            "row_ids",
            "sources",
            "observed",
            "labels",
            "load_labels",
        )
        return {name: getattr(self, name) for name in names}

    def with_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> "Residual":
        """Other points under the same kernel and widths; `arrays` as `arrays()` gives them."""
        return Residual(kernel=self.kernel, widths=self.widths, **arrays)


@dataclass(frozen=True, slots=True)
class Correction:
    """Log corrections (points × metrics) and distance to the nearest measured point."""

    log: Floats
    distance: Floats


def similarity(features: Singles, others: Singles, reach: float) -> Singles:
    """exp(−city-block distance / reach), every row of `features` to every row of `others`."""
    distance = np.zeros((len(features), len(others)), dtype=np.float32)
    for column in range(features.shape[1]):
        mine, theirs = features[:, column], others[:, column]
        if mine.size and (mine.min() != mine.max() or theirs.min() != theirs.max() or mine[0] != theirs[0]):
            distance += np.abs(mine[:, None] - theirs[None, :])
    return np.asarray(np.exp(distance * np.float32(-1 / reach)), dtype=np.float32)


def corrections(residual: Residual, configuration: Floats, load: Floats) -> Correction:
    """Corrections of points given by their features (one row per point in both arrays).

    Measured points are summed per configuration first, once for every distinct load that is asked; what is left for a
    point is a sum over configurations. A point's result does not depend on what else is asked with it.
    """
    cards, card_of = np.unique(configuration.astype(np.float32), axis=0, return_inverse=True)
    asked, asked_of = np.unique(load.astype(np.float32), axis=0, return_inverse=True)
    near_cards = similarity(cards, residual.configurations, residual.kernel.reach)
    near_loads = similarity(asked, residual.loads, residual.kernel.reach)
    starts = residual.starts
    log = np.zeros((len(configuration), residual.weights.shape[1]))
    closest = np.zeros(len(configuration))
    order = np.argsort(asked_of, kind="stable")
    edges = np.searchsorted(asked_of[order], np.arange(0, len(asked) + _CHUNK, _CHUNK))
    for chunk, (first, last) in enumerate(itertools.pairwise(edges)):
        rows, base = order[first:last], chunk * _CHUNK
        if not len(rows):
            continue
        near = near_loads[base : base + _CHUNK].take(residual.load_of, axis=1)
        local, mine = asked_of[rows] - base, near_cards[card_of[rows]]
        closest[rows] = (mine * np.maximum.reduceat(near, starts, axis=1)[local]).max(axis=1)
        for power, share in residual.kernel.parts:
            pull = near if power == 1 else _fourth_power(near)
            reach = mine if power == 1 else _fourth_power(mine)
            for metric in range(log.shape[1]):
                pulled = np.add.reduceat(pull * residual.weights[:, metric], starts, axis=1)[local]
                log[rows, metric] += share * np.einsum("ij,ij->i", reach, pulled)
    distance = -np.log(np.maximum(closest, 1e-30)) * residual.kernel.reach
    return Correction(np.clip(log, -_LARGEST_LOG, _LARGEST_LOG), distance)


def _fourth_power(values: Singles) -> Singles:
    squared = np.square(values)
    return np.asarray(np.square(squared, out=squared), dtype=np.float32)


def nearest_points(residual: Residual, configuration: Floats, load: Floats, count: int) -> list[tuple[int, float]]:
    """The `count` measured points nearest to one point, with their distances."""
    cards = np.abs(residual.configurations - configuration).sum(axis=1)
    loads = np.abs(residual.loads - load).sum(axis=1)[residual.load_of]
    # Each of them belongs to one of the `count` configurations whose own nearest point is nearest.
    closest = cards + np.minimum.reduceat(loads, residual.starts)
    among = np.flatnonzero(closest <= np.partition(closest, count - 1)[count - 1])
    rows = np.concatenate([np.arange(residual.starts[each], residual.ends[each]) for each in among])
    distance = cards[residual.configuration_of[rows]] + loads[rows]
    order = np.argsort(distance, kind="stable")[:count]
    return [(int(rows[at]), float(distance[at])) for at in order]


def block_corrections(
    residual: Residual, features: Floats, block: int, load: Floats, *, metrics: Sequence[int]
) -> Floats:
    """Log corrections (points × the chosen `metrics`) of many configurations under one load.

    The kernel is a product over blocks of features, here those before column `block` (the model) and those from it on
    (card and layout). It is tabulated for the distinct values of each block and contracted with the measured points
    by one matrix product per power: 20,000 configurations in some 30 milliseconds.
    """
    if not len(features):
        return np.zeros((0, len(metrics)))
    near = similarity(load.astype(np.float32), residual.loads, residual.kernel.reach)[0][residual.load_of]
    models, model_of = _tabulated(residual, features, slice(0, block))
    places, place_of = _tabulated(residual, features, slice(block, None))
    count, weights = len(residual.configurations), residual.weights[:, list(metrics)]
    table = np.zeros((len(models), len(metrics) * len(places)), dtype=np.float32)
    for power, share in residual.kernel.parts:
        pull = (near**power * share)[:, None] * weights
        pulled = np.stack([np.bincount(residual.configuration_of, column, count) for column in pull.T])
        mine, theirs = (models, places) if power == 1 else (_fourth_power(models), _fourth_power(places))
        table += mine @ (theirs[None] * pulled[:, None].astype(np.float32)).reshape(-1, count).T
    log = table.reshape(len(models), len(metrics), len(places))[model_of, :, place_of]
    return np.clip(log.astype(np.float64), -_LARGEST_LOG, _LARGEST_LOG)


def _tabulated(residual: Residual, features: Floats, columns: slice) -> tuple[Singles, Indices]:
    """Similarity of the distinct values of some columns to the measured configurations, and which each row has."""
    first, inverse = _distinct(features[:, columns])
    asked = features[first, columns].astype(np.float32)
    return similarity(asked, residual.configurations[:, columns], residual.kernel.reach), inverse


def _distinct(rows: Floats) -> tuple[Indices, Indices]:
    """First occurrence and index of the distinct rows, compared by a fixed projection (far faster than row by row)."""
    projection = np.sqrt(np.arange(2, rows.shape[1] + 2, dtype=np.float64)) % 1.0 + 0.37
    _, first, inverse = np.unique(rows @ projection, return_index=True, return_inverse=True)
    return first, inverse


def digest_of(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over names, shapes and bytes; independent of compression."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.shape} {array.dtype.str}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=2)
def load_residual(file: Path = FILE, described: Path = DIGEST) -> Residual:
    """The shipped residual (read once). Raises StateUnusable when file and digest do not belong together."""
    facts = json.loads(described.read_text(encoding="utf-8"))
    with np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files}
    if digest_of(arrays) != facts["sha256"]:
        raise StateUnusable(
            f"{file.name} does not match the digest in {described.name}",
            "run: python -m tools.performance.fitting TRAIN.csv",
        )
    kernel = Kernel(**facts["kernel"])
    for name in ("configuration_of", "load_of"):
        arrays[name] = arrays[name].astype(np.intp)
    return Residual(kernel=kernel, widths=facts["widths"], **arrays)
