"""The residual after further measurements: a person's, a vendor's or a community's points, on top of the shipped ones.

The Gaussian process is conditioned on the new points jointly with the shipped ones that are nearest to them (the
standard update of its posterior: Rasmussen and Williams, Gaussian Processes for Machine Learning, eq. 2.22 to 2.24, by
the Schur complement). So a point moves what resembles it, but not where shipped measurements already say better, and
the same file gives the same predictions. numpy alone is needed, and nothing is fitted again.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from knowledge.facts import Benchmark
from knowledge.snapshot import Snapshot
from tools.performance.calibration import CURRENT_YEAR, Physics
from tools.performance.estimation import METRICS, Estimate, estimate
from tools.performance.evidence import label, load_label
from tools.performance.fitting.measurements import Measurements, measurements
from tools.performance.points import Floats, Indices
from tools.performance.residual import Kernel, Residual, Singles, similarity

SHIPPED_NEAR = 800
"""Shipped points that take part: those nearest to any new one. Farther ones have next to no covariance left."""

_LARGEST_LOG = 2.0  # as in the fit: beyond a factor of 7 a row measures something else than its columns say
_HEAVIEST = 2.0


def further(rows: Sequence[Benchmark], snapshot: Snapshot) -> Measurements:
    """Rows as measured points; those without a date count as of today."""
    cells = [
        {name: "" if value is None else str(value) for name, value in asdict(row).items()}
        | {"request_rate": "" if row.request_rate_rps is None else str(row.request_rate_rps)}
        for row in rows
    ]
    data = measurements(cells, snapshot)
    return replace(data, work=tuple(replace(each, year=each.year or CURRENT_YEAR) for each in data.work))


def log_gaps(data: Measurements, physics: Physics, residual: Residual) -> tuple[Floats, Estimate]:
    """ln(measured / predicted) of every point (points × METRICS, NaN: not measured), and the prediction."""
    answer = estimate(data.work, physics, residual)
    served = answer.question.served
    predicted = np.stack([served.output_tok_s, served.ttft_ms, served.tpot_ms], axis=1) * np.exp(answer.correction.log)
    return np.asarray(np.log(data.observed / predicted)), answer


def conditioned(residual: Residual, physics: Physics, data: Measurements) -> Residual:
    """`residual` with the points of `data`: their weights, and those of the shipped ones as they change by them."""
    gaps, answer = log_gaps(data, physics, residual)
    gaps = np.clip(gaps, -_LARGEST_LOG, _LARGEST_LOG)
    asked = answer.question
    cards, card_of = np.unique(asked.configuration.astype(np.float32), axis=0, return_inverse=True)
    loads, load_of = np.unique(asked.load.astype(np.float32), axis=0, return_inverse=True)
    near = _nearest(residual, cards[card_of], loads[load_of])
    weights = residual.weights.copy()
    fresh = np.zeros((len(data), len(METRICS)), dtype=np.float32)
    for metric in range(len(METRICS)):
        rows = np.flatnonzero(~np.isnan(gaps[:, metric]))
        shipped = near[residual.weights[near, metric] != 0]
        if len(rows):
            features = (cards[card_of[rows]], loads[load_of[rows]])
            sure = np.array([1.0 if data.rows[row]["quality"] == "A" else 0.5 for row in rows])
            noise = residual.kernel.noise / sure
            fresh[rows, metric], moved = _update(residual, shipped, features, gaps[rows, metric], noise)
            weights[shipped, metric] += moved
    return _joined(residual, replace_weights=weights, data=data, features=(cards, card_of, loads, load_of), fresh=fresh)


def _nearest(residual: Residual, cards: Singles, loads: Singles) -> Indices:
    """Shipped points with the largest covariance with any new one, in their order."""
    near_cards = similarity(cards, residual.configurations, residual.kernel.reach)
    near_loads = similarity(loads, residual.loads, residual.kernel.reach)
    closest = np.zeros(len(residual.configuration_of), dtype=np.float32)
    for card, load in zip(near_cards, near_loads, strict=True):
        np.maximum(closest, card[residual.configuration_of] * load[residual.load_of], out=closest)
    return np.sort(np.argsort(-closest, kind="stable")[:SHIPPED_NEAR])


def _update(
    residual: Residual, shipped: Indices, features: tuple[Singles, Singles], gaps: Floats, noise: Floats
) -> tuple[Floats, Floats]:
    """Weights of the new points, and what they add to the weights of the shipped ones."""
    kernel = residual.kernel
    old = (residual.configurations[residual.configuration_of[shipped]], residual.loads[residual.load_of[shipped]])
    own = _covariance(features, features, kernel)
    own[np.diag_indices_from(own)] += noise
    if not len(shipped):
        return np.asarray(np.linalg.solve(own, gaps), dtype=np.float64), np.zeros(0)
    among = _covariance(old, old, kernel)
    among[np.diag_indices_from(among)] += _shipped_noise(residual)[shipped]
    across = _covariance(old, features, kernel)
    explained = np.linalg.solve(among, across)
    weights: Floats = np.asarray(np.linalg.solve(own - across.T @ explained, gaps), dtype=np.float64)
    return weights, np.asarray(-explained @ weights, dtype=np.float64)


def _covariance(one: tuple[Singles, Singles], other: tuple[Singles, Singles], kernel: Kernel) -> Floats:
    wide = similarity(one[0], other[0], kernel.reach) * similarity(one[1], other[1], kernel.reach)
    return kernel.mixed(wide).astype(np.float64)


def _shipped_noise(residual: Residual) -> Floats:
    """Noise of the shipped points as the fit has it: more for rows of crowded sources."""
    _, source_of, count = np.unique(residual.sources, return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(count[source_of])
    return np.asarray(residual.kernel.noise / np.minimum(np.sqrt(weight / weight.mean()), _HEAVIEST))


def _joined(
    residual: Residual,
    *,
    replace_weights: Singles,
    data: Measurements,
    features: tuple[Singles, Indices, Singles, Indices],
    fresh: Singles,
) -> Residual:
    """Both sets of points in one residual; the new ones stand last, sorted by configuration like the others."""
    cards, card_of, loads, load_of = features
    order = np.lexsort((load_of, card_of))
    labels, load_labels = np.full((len(cards), 5), "", dtype="<U64"), np.full(len(loads), "", dtype="<U48")
    for card, load, work in zip(card_of.tolist(), load_of.tolist(), data.work, strict=True):
        labels[card], load_labels[load] = label(work), load_label(work)
    return replace(
        residual,
        configurations=np.concatenate([residual.configurations, cards]),
        loads=np.concatenate([residual.loads, loads]),
        configuration_of=np.concatenate([residual.configuration_of, card_of[order] + len(residual.configurations)]),
        load_of=np.concatenate([residual.load_of, load_of[order] + len(residual.loads)]),
        weights=np.concatenate([replace_weights, fresh[order]]),
        row_ids=np.concatenate([residual.row_ids, data.column("row_id")[order]]),
        sources=np.concatenate([residual.sources, data.column("source")[order]]),
        observed=np.concatenate([residual.observed, data.observed.astype(np.float32)[order]]),
        labels=np.concatenate([residual.labels, labels]),
        load_labels=np.concatenate([residual.load_labels, load_labels]),
    )
