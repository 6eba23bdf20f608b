"""Fit the roofline's constants and group effects to log errors by damped Gauss-Newton steps.

A group effect moves a point only through the four log effects of its class, so the Jacobian of hundreds of effects
needs four derivatives per point; constants need one each. Errors beyond `_ROBUST` count linearly (soft L1).
"""

from dataclasses import dataclass, replace

import numpy as np

from tools.performance.calibration import EFFECTS, REFERENCE_YEAR, Physics
from tools.performance.fitting.measurements import Measurements
from tools.performance.loads import serve
from tools.performance.points import Floats

_ROBUST = 0.25
_STEP = 1e-3
_LARGEST_MOVE = 0.5
_METRIC_WEIGHT = (1.0, 0.35, 1.0)  # rate, TTFT (its definitions differ most between sources), TPOT
_RIDGE = {"architecture": 12.0, "gpu_type": 36.0, "engine": 12.0, "precision": 24.0, "kind": 24.0, "engine_kind": 36.0}
_RIDGE_CONSTANT = 2.0
_RIDGE_YEAR = 40.0


@dataclass(frozen=True, slots=True)
class _Parameters:
    """Names of the fitted parameters in the order of the vector."""

    constants: tuple[str, ...]
    effects: tuple[tuple[str, str, str], ...]  # grouping, member, effect
    years: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.constants) + len(self.effects) + len(self.years)


def fit_roofline(data: Measurements, start: Physics, *, steps: int = 25) -> Physics:
    """Physics that fits `data`, from the constants of `start`; deterministic."""
    names = _parameters(data, start)
    member = _membership(data, names)
    prior = np.log([start.constants[name] for name in names.constants])
    vector = np.concatenate([prior, np.zeros(len(names) - len(prior))])
    centre, ridge = vector.copy(), _ridge(names)
    damping, best = 1.0, np.inf
    current, trial = vector, vector
    for _ in range(steps):
        errors, weight, jacobian = _linearised(data, start, names, member, trial)
        loss = float(np.sum(weight * _ROBUST**2 * (np.sqrt(1 + (errors / _ROBUST) ** 2) - 1) * 2)) + float(
            ridge @ (trial - centre) ** 2
        )
        if loss <= best:
            best, current, damping = loss, trial, max(damping / 3, 1e-3)
            soft = weight / np.sqrt(1 + (errors / _ROBUST) ** 2)
            normal = jacobian.T @ (jacobian * soft[:, None])
            gradient = jacobian.T @ (soft * errors) + ridge * (current - centre)
        else:
            damping *= 4
        lhs = normal + np.diag(ridge + damping * (1e-3 + np.diag(normal)) * 0.1)
        trial = current - np.clip(np.linalg.solve(lhs, gradient), -_LARGEST_MOVE, _LARGEST_MOVE)
    return _physics(start, names, current)


def _parameters(data: Measurements, start: Physics) -> _Parameters:
    present: dict[tuple[str, str], None] = {}
    for which in sorted(set(data.class_of.tolist())):
        present.update(dict.fromkeys(data.classes[which].memberships))
    effects = tuple((grouping, name, effect) for grouping, name in sorted(present) for effect in EFFECTS)
    return _Parameters(tuple(start.constants), effects, EFFECTS)


def _membership(data: Measurements, names: _Parameters) -> Floats:
    """Points × (effects + years): how far each parameter enters the log effect of its kind."""
    column: dict[tuple[str, str], list[int]] = {pair[:2]: [] for pair in names.effects}
    for at, (grouping, name, _) in enumerate(names.effects):
        column[grouping, name].append(at)
    per_class = np.zeros((len(data.classes), len(names.effects) + len(names.years)))
    for row, each in enumerate(data.classes):
        for pair in each.memberships:
            per_class[row, column.get(pair, [])] = 1.0
        per_class[row, len(names.effects) :] = each.year - REFERENCE_YEAR
    return np.asarray(per_class[data.class_of])


def _ridge(names: _Parameters) -> Floats:
    groups = [_RIDGE[grouping] for grouping, _, _ in names.effects]
    return np.array([_RIDGE_CONSTANT] * len(names.constants) + groups + [_RIDGE_YEAR] * len(names.years))


def log_errors(data: Measurements, physics: Physics, logs: Floats) -> Floats:
    """Log of predicted over observed, points × metrics; NaN where nothing was measured."""
    _, served = serve(data.points, physics.effects_of(logs), data.loads, physics)
    predicted = np.stack([served.output_tok_s, served.ttft_ms, served.tpot_ms], axis=1)
    return np.asarray(np.log(predicted / data.observed))


def _linearised(
    data: Measurements, start: Physics, names: _Parameters, member: Floats, vector: Floats
) -> tuple[Floats, Floats, Floats]:
    fixed = len(names.constants)
    kind_of = np.array([EFFECTS.index(effect) for _, _, effect in names.effects] + list(range(len(EFFECTS))))
    physics = _with_constants(start, names, vector)
    logs = np.stack([member[:, kind_of == kind] @ vector[fixed:][kind_of == kind] for kind in range(len(EFFECTS))], 1)
    base = log_errors(data, physics, logs)
    measured = ~np.isnan(base)
    parts: list[Floats] = []
    for at in range(fixed):
        moved = vector.copy()
        moved[at] += _STEP
        parts.append(((log_errors(data, _with_constants(start, names, moved), logs) - base) / _STEP)[measured])
    by_kind = []
    for kind in range(len(EFFECTS)):
        shifted = logs.copy()
        shifted[:, kind] += _STEP
        by_kind.append(((log_errors(data, physics, shifted) - base) / _STEP)[measured])
    point_of = np.broadcast_to(np.arange(len(data))[:, None], base.shape)[measured]
    spread = member[point_of] * np.stack(by_kind, axis=1)[:, kind_of]
    weight = (data.weight[:, None] * np.array(_METRIC_WEIGHT))[measured]
    return base[measured], weight, np.concatenate([np.stack(parts, axis=1), spread], axis=1)


def _with_constants(start: Physics, names: _Parameters, vector: Floats) -> Physics:
    values = np.exp(vector[: len(names.constants)])
    constants = {
        name: float(np.clip(value, *start.bounds[name])) for name, value in zip(names.constants, values, strict=True)
    }
    return replace(start, constants=constants)


def _physics(start: Physics, names: _Parameters, vector: Floats) -> Physics:
    fixed, effects = len(names.constants), len(names.effects)
    groups: dict[str, dict[str, dict[str, float]]] = {}
    for (grouping, name, effect), value in zip(names.effects, vector[fixed : fixed + effects], strict=True):
        groups.setdefault(grouping, {}).setdefault(name, {})[effect] = round(float(value), 4)
    years = {
        effect: round(float(value), 4) for effect, value in zip(names.years, vector[fixed + effects :], strict=True)
    }
    fitted = _with_constants(start, names, vector)
    return replace(fitted, groups=groups, per_year=years)
