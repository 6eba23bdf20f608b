"""Put benchmarks of different years and difficulty on one scale: z = level + slope × general level of the model.

An old table lacks the strong new models, so that its median is a lower level than the median of a new one. Shared
models tell by how much: one level per model, one level and slope per benchmark, fitted by alternating least squares.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.quality.evidence import Evidence

ROUNDS = 200
LEVEL_PRIOR_ROWS = 0.5
SLOPE_PRIOR_ROWS = 5.0
LEAST_SLOPE, LARGEST_SLOPE = 0.4, 2.5

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Alignment:
    """General level by model (mean 0, spread 1) with its weight in rows, and (level, slope) by benchmark."""

    general: Mapping[str, float]
    rows: Mapping[str, float]
    benchmarks: Mapping[str, tuple[float, float]]
    residual_sd: float

    def level(self, evidence: Evidence) -> float:
        """The level on the common scale that one row speaks for."""
        level, slope = self.benchmarks[evidence.benchmark]
        return (evidence.z - level) / slope


def _columns(evidence: Sequence[Evidence]) -> tuple[list[str], list[str], Indices, Indices, Array, Array]:
    models = sorted({row.model_id for row in evidence})
    names = sorted({row.benchmark for row in evidence})
    at_model = {model: index for index, model in enumerate(models)}
    at_name = {name: index for index, name in enumerate(names)}
    i = np.array([at_model[row.model_id] for row in evidence], dtype=np.intp)
    j = np.array([at_name[row.benchmark] for row in evidence], dtype=np.intp)
    z = np.array([row.z for row in evidence])
    w = np.array([row.weight for row in evidence])
    return models, names, i, j, z, w


def _sums(values: Array, groups: Indices, count: int) -> Array:
    return np.bincount(groups, weights=values, minlength=count).astype(np.float64)


def align(evidence: Sequence[Evidence], *, apart: Collection[str] = ()) -> Alignment:
    """Fit the common scale on all evidence but that of the tasks `apart`, which do not follow general ability.

    Benchmarks of those tasks keep slope 1 and are only levelled, by the general level of the models they hold.
    """
    shared = [row for row in evidence if row.task not in apart]
    models, names, i, j, z, w = _columns(shared)
    theta = np.zeros(len(models))
    level, slope = np.zeros(len(names)), np.ones(len(names))
    total = _sums(w, j, len(names))
    for _ in range(ROUNDS):
        numerator = _sums(w * slope[j] * (z - level[j]), i, len(models))
        theta = numerator / (_sums(w * slope[j] ** 2, i, len(models)) + LEVEL_PRIOR_ROWS)
        theta = (theta - theta.mean()) / theta.std()
        mean_z = _sums(w * z, j, len(names)) / total
        mean_theta = _sums(w * theta[i], j, len(names)) / total
        covariance = _sums(w * (z - mean_z[j]) * (theta[i] - mean_theta[j]), j, len(names))
        variance = _sums(w * (theta[i] - mean_theta[j]) ** 2, j, len(names))
        slope = np.clip((covariance + SLOPE_PRIOR_ROWS) / (variance + SLOPE_PRIOR_ROWS), LEAST_SLOPE, LARGEST_SLOPE)
        level = mean_z - slope * mean_theta
    residual = (z - level[j]) / slope[j] - theta[i]
    general = dict(zip(models, theta.tolist(), strict=True))
    fitted = {name: (float(level[at]), float(slope[at])) for at, name in enumerate(names)}
    weights = dict(zip(models, _sums(w, i, len(models)).tolist(), strict=True))
    residual_sd = float(np.sqrt(np.average(residual**2, weights=w)))
    return Alignment(general, weights, fitted | _levelled(evidence, general, apart), residual_sd)


def _levelled(
    evidence: Sequence[Evidence], general: Mapping[str, float], apart: Collection[str]
) -> dict[str, tuple[float, float]]:
    rows: dict[str, list[Evidence]] = {}
    for row in evidence:
        if row.task in apart:
            rows.setdefault(row.benchmark, []).append(row)
    levels = {}
    for name, on_it in rows.items():
        offsets = [(row.z - general[row.model_id], row.weight) for row in on_it if row.model_id in general]
        weight = sum(share for _, share in offsets)
        levels[name] = (sum(offset * share for offset, share in offsets) / weight if weight else 0.0, 1.0)
    return levels
