"""Fit the residual: solve the Gaussian process at the measured points."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from tools.performance.calibration import Physics
from tools.performance.estimation import Question, question
from tools.performance.evidence import label, load_label
from tools.performance.fitting.measurements import METRICS, Measurements
from tools.performance.fitting.roofline import log_errors
from tools.performance.points import Floats
from tools.performance.residual import Kernel, Residual, Singles, similarity

_LARGEST_LOG = 2.0  # beyond a factor of 7 a row measures something else than its columns say
_HEAVIEST = 2.0


def fit_residual(
    data: Measurements, physics: Physics, kernel: Kernel, *, shown: frozenset[str], widths: Mapping[str, Any]
) -> Residual:
    """Residual of `data` over `physics`. Values of rows whose id is not in `shown` are left out of the file."""
    asked = question(data.work, physics)
    cards, card_of = np.unique(asked.configuration.astype(np.float32), axis=0, return_inverse=True)
    loads, load_of = np.unique(asked.load.astype(np.float32), axis=0, return_inverse=True)
    order = np.lexsort((load_of, card_of))
    row_ids = data.column("row_id")
    visible = np.array([row in shown for row in row_ids.tolist()])
    observed = np.where(visible[:, None], data.observed, np.nan).astype(np.float32)
    return Residual(
        kernel=kernel,
        configurations=cards,
        loads=loads,
        configuration_of=card_of[order],
        load_of=load_of[order],
        weights=_weights(data, asked, physics, kernel)[order],
        row_ids=row_ids[order],
        sources=data.column("source")[order],
        observed=observed[order],
        labels=_labels(data, card_of, len(cards)),
        load_labels=_load_labels(data, load_of, len(loads)),
        widths=widths,
    )


def _weights(data: Measurements, asked: Question, physics: Physics, kernel: Kernel) -> Singles:
    logs = np.array([physics.log_effects(member) for member in data.classes])[data.class_of]
    missing = np.clip(-log_errors(data, physics, logs), -_LARGEST_LOG, _LARGEST_LOG)
    noise = kernel.noise / np.minimum(np.sqrt(data.weight), _HEAVIEST)
    weights = np.zeros((len(data), len(METRICS)), dtype=np.float32)
    for metric in range(len(METRICS)):
        rows = np.flatnonzero(~np.isnan(missing[:, metric]))
        if not len(rows):
            continue
        covariance = _covariance(asked.configuration[rows], asked.load[rows], kernel)
        covariance[np.diag_indices_from(covariance)] += noise[rows].astype(np.float32)
        factor = cho_factor(covariance, lower=True, overwrite_a=True, check_finite=False)
        weights[rows, metric] = cho_solve(factor, missing[rows, metric].astype(np.float32), check_finite=False)
    return weights


def _covariance(configuration: Floats, load: Floats, kernel: Kernel) -> Singles:
    cards, card_of = np.unique(configuration.astype(np.float32), axis=0, return_inverse=True)
    loads, load_of = np.unique(load.astype(np.float32), axis=0, return_inverse=True)
    wide = similarity(cards, cards, kernel.reach)[card_of].take(card_of, axis=1)
    wide *= similarity(loads, loads, kernel.reach)[load_of].take(load_of, axis=1)
    return kernel.mixed(wide)


def _labels(data: Measurements, card_of: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, np.dtype[np.str_]]:
    labels = np.full((count, 5), "", dtype="<U64")
    for at, each in zip(card_of.tolist(), data.work, strict=True):
        labels[at] = label(each)
    return labels


def _load_labels(data: Measurements, load_of: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, np.dtype[np.str_]]:
    labels = np.full(count, "", dtype="<U48")
    for at, each in zip(load_of.tolist(), data.work, strict=True):
        labels[at] = load_label(each)
    return labels
