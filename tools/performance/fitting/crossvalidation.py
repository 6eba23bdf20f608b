"""Held-out errors by kind of gap, with everything refitted on what is left: constants, group effects and residual."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import isotonic_regression

from tools.performance.calibration import Physics
from tools.performance.estimation import METRICS, estimate
from tools.performance.fitting.measurements import Measurements
from tools.performance.fitting.residual import fit_residual
from tools.performance.fitting.roofline import fit_roofline
from tools.performance.points import Floats, Indices
from tools.performance.residual import Kernel

GAPS = ("point", "curve", "model_gpu", "gpu", "source")
"""What is held out: single load points, whole curves, (model, GPU) pairs, whole GPUs, whole sources."""

_FOLDS = {"point": 4, "curve": 4, "model_gpu": 5, "gpu": 6, "source": 8}
_CURVE = (
    "arch_model_id",
    "gpu_type",
    "gpu_count",
    "tensor_parallel",
    "pipeline_parallel",
    "data_parallel",
    "expert_parallel",
    "quantization",
    "engine",
    "isl",
    "osl",
    "serving_mode",
    "load_kind",
)
_POINT = (*_CURVE, "concurrency", "request_rate")
_KEYS = {"point": _POINT, "curve": _CURVE, "model_gpu": ("arch_model_id", "gpu_type"), "gpu": ("gpu_type",)}
_GAP_WEIGHT = {"point": 1.0, "curve": 1.0, "model_gpu": 1.0, "gpu": 1.0, "source": 0.4}
"""Questions near what was measured are the commonest; a whole new source is rarer."""
_STEPS = 18
_ROWS_PER_BIN, _MOST_BINS = 80, 12
_NO_TABLE = {"distance": [0.0], **{metric: [0.0] for metric in METRICS}}
_NO_WIDTHS = {"complete": _NO_TABLE, "incomplete": _NO_TABLE}


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Predictions of held-out rows; `log_error` is ln(predicted / measured), points × METRICS, NaN: not measured."""

    gap: str
    rows: Indices
    predicted: Floats
    observed: Floats
    distance: Floats
    complete: npt.NDArray[np.bool_]

    @property
    def log_error(self) -> Floats:
        """Log errors."""
        return np.asarray(np.log(self.predicted / self.observed))


def folds(data: Measurements, gap: str) -> Indices:
    """Fold of every row; rows that share what is held out share a fold."""
    if gap == "source":
        return _source_folds(data)
    columns = [data.column(name) for name in _KEYS[gap]]
    keys = ["|".join(cells) for cells in zip(*columns, strict=True)]
    return np.array([zlib.crc32(f"{gap} {key}".encode()) % _FOLDS[gap] for key in keys], dtype=np.intp)


def _source_folds(data: Measurements) -> Indices:
    """Sources dealt out by size, so that the large ones stand alone."""
    sources = data.column("source")
    names, counts = np.unique(sources, return_counts=True)
    ranked = [str(name) for _, name in sorted(zip((-counts).tolist(), names.tolist(), strict=True))]
    turn = {name: at % _FOLDS["source"] for at, name in enumerate(ranked)}
    return np.array([turn[str(name)] for name in sources], dtype=np.intp)


def held_out(
    data: Measurements,
    start: Physics,
    kernel: Kernel,
    gap: str,
    *,
    only: Sequence[int] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[HeldOut]:
    """Fit without each fold in turn and predict it."""
    fold = folds(data, gap)
    for number in sorted(set(fold.tolist())) if only is None else only:
        left, out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        train, test = data.take(left), data.take(out)
        physics = fit_roofline(train, start, steps=_STEPS)
        residual = fit_residual(train, physics, kernel, shown=frozenset(), widths=_NO_WIDTHS)
        answer = estimate(test.work, physics, residual)
        predicted = np.stack([answer.output_tok_s, answer.ttft_ms, answer.tpot_ms], axis=1)
        progress(f"{gap} {number}: {len(out)} rows held out")
        complete = np.array([each.complete for each in test.work], dtype=np.bool_)
        yield HeldOut(gap, out, predicted, test.observed, answer.correction.distance, complete)


def interval_widths(results: Sequence[HeldOut], *, coverage: float = 0.8) -> dict[str, dict[str, list[float]]]:
    """Half-widths by distance that hold `coverage` of held-out points, for complete and for incomplete inputs."""
    distance = np.concatenate([each.distance for each in results])
    errors = np.abs(np.concatenate([each.log_error for each in results]))
    complete = np.concatenate([each.complete for each in results])
    rows = {gap: sum(len(each.rows) for each in results if each.gap == gap) for gap in GAPS}
    weight = np.concatenate([np.full(len(each.rows), _GAP_WEIGHT[each.gap] / rows[each.gap]) for each in results])
    return {
        name: _widths(distance[kept], errors[kept], weight[kept], coverage=coverage)
        for name, kept in (("complete", complete), ("incomplete", ~complete))
    }


def _widths(distance: Floats, errors: Floats, weight: Floats, *, coverage: float) -> dict[str, list[float]]:
    """Weighted conformal half-widths: in each bin of distance the smallest that holds the share; never falling."""
    if not len(distance):
        return dict(_NO_TABLE)
    bins = int(np.clip(len(distance) // _ROWS_PER_BIN, 1, _MOST_BINS))
    edges = np.unique(np.quantile(distance, np.linspace(0, 1, bins + 1)))
    edges = np.append(edges, edges[-1]) if len(edges) == 1 else edges
    centres = [float(np.median(distance[(distance >= low) & (distance <= high)])) for low, high in _pairs(edges)]
    widths: dict[str, list[float]] = {"distance": [round(each, 4) for each in centres]}
    for at, metric in enumerate(METRICS):
        heights, held = [], []
        for low, high in _pairs(edges):
            inside = (distance >= low) & (distance <= high) & ~np.isnan(errors[:, at])
            heights.append(_quantile(errors[inside, at], weight[inside], coverage))
            held.append(float(weight[inside].sum()) + 1e-12)
        rising = isotonic_regression(heights, sample_weight=held)
        widths[metric] = [round(each, 4) for each in rising.tolist()]
    return widths


def _quantile(values: Floats, weight: Floats, share: float) -> float:
    """Weighted quantile; zero where there are no values (their bin then weighs nothing either)."""
    if not len(values):
        return 0.0
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(int(np.searchsorted(reached, share)), len(values) - 1)])


def _pairs(edges: Floats) -> list[tuple[float, float]]:
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
