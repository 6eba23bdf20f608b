"""Combine aligned evidence into one score per model and task, with its doubt."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from knowledge.facts import ModelQuality
from tools.quality.alignment import Alignment
from tools.quality.evidence import Evidence
from tools.quality.scheme import Share

COMPLETE_ROWS = 10.0
PRIOR_ROWS = 2.0
ENOUGH_ROWS_FOR_REGRESSION = 4.0
ESTIMATE_WIDENING = 2.0
TOP_SOURCES = 3


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the evidence says of one model at one task: level, weight in rows, spread between rows, and the rows.

    `concentration` is the sum of squared group weights: rows of one group err together, groups err apart.
    """

    level: float
    rows: float
    spread: float
    concentration: float
    evidence: tuple[tuple[Evidence, float], ...]

    @property
    def outweighs_prior(self) -> bool:
        return self.rows > PRIOR_ROWS


@dataclass(frozen=True, slots=True)
class _Regression:
    """Expected level at a task from the general level, and the spread around it."""

    intercept: float
    slope: float
    sd: float

    def expect(self, general: float) -> float:
        return self.intercept + self.slope * general


def _hear(evidence: Sequence[Evidence], groups: Sequence[Share], alignment: Alignment) -> _Heard | None:
    weighed: list[tuple[float, float, Evidence]] = []
    concentration = 0.0
    for group in groups:
        rows = [row for row in evidence if group.holds(row.benchmark)]
        weight = sum(row.weight for row in rows)
        if rows:
            rows_counted = group.share * COMPLETE_ROWS * min(1.0, weight)
            concentration += rows_counted**2
            weighed.extend((alignment.level(row), rows_counted * row.weight / weight, row) for row in rows)
    total = sum(counted for _, counted, _ in weighed)
    if not total:
        return None
    level = sum(value * counted for value, counted, _ in weighed) / total
    spread = sum((value - level) ** 2 * counted for value, counted, _ in weighed) / total
    return _Heard(level, total, spread, concentration, tuple((row, counted) for _, counted, row in weighed))


def _regress(heard: Mapping[str, _Heard], general: Mapping[str, float]) -> _Regression:
    points = [
        (general[model], said.level, said.rows)
        for model, said in heard.items()
        if model in general and said.rows >= ENOUGH_ROWS_FOR_REGRESSION
    ]
    weight = sum(rows for _, _, rows in points)
    if len(points) < 3:
        return _Regression(0.0, 0.0, 1.0)
    mean_x = sum(x * rows for x, _, rows in points) / weight
    mean_y = sum(y * rows for _, y, rows in points) / weight
    variance = sum((x - mean_x) ** 2 * rows for x, _, rows in points)
    slope = sum((x - mean_x) * (y - mean_y) * rows for x, y, rows in points) / variance if variance else 0.0
    intercept = mean_y - slope * mean_x
    residual = sum((y - intercept - slope * x) ** 2 * rows for x, y, rows in points) / weight
    return _Regression(intercept, slope, math.sqrt(residual))


@dataclass(frozen=True, slots=True)
class _Task:
    """What is common to all models at one task: the regression, and the usual spread between groups of evidence."""

    name: str
    regression: _Regression
    within_sd: float

    def level(self, heard: _Heard | None, general: float) -> tuple[float, float]:
        """Level and standard error on the common scale."""
        expected = self.regression.expect(general)
        prior_sd = self.regression.sd * (1.0 if heard and heard.outweighs_prior else ESTIMATE_WIDENING)
        if heard is None:
            return expected, prior_sd
        total = heard.rows + PRIOR_ROWS
        level = (heard.rows * heard.level + PRIOR_ROWS * expected) / total
        variance = max(self.within_sd**2, heard.spread) * heard.concentration + (prior_sd * PRIOR_ROWS) ** 2
        return level, math.sqrt(variance) / total


def _scored(model_id: str, task: _Task, heard: _Heard | None, general: float) -> ModelQuality:
    level, error = task.level(heard, general)
    low, middle, high = (100 * NormalDist().cdf(at) for at in (level - error, level, level + error))
    rows = sorted(heard.evidence, key=lambda pair: (-pair[1], pair[0].benchmark)) if heard else []
    independent = sum(counted for row, counted in rows if row.independent) / heard.rows if heard else 0.0
    names = tuple(dict.fromkeys(row.benchmark.replace(";", ",") for row, _ in rows))
    return ModelQuality(
        model_id=model_id,
        task_type=task.name,
        score=round(middle, 1),
        standard_error=round(max((high - low) / 2, 0.1), 1),
        basis="measured" if heard and heard.outweighs_prior else "estimated",
        rows=len(rows),
        independent_share=round(independent, 2),
        newest_date=max((row.dated for row, _ in rows), default=""),
        top_sources=names[:TOP_SOURCES],
    )


def assess(
    evidence: Sequence[Evidence],
    scheme: Mapping[str, Sequence[Share]],
    alignment: Alignment,
) -> list[ModelQuality]:
    """Quality of every model at every task of `scheme`, on 0 to 100 by the normal curve of its level.

    A model with scores elsewhere only is estimated from its general level and marked so; one with none is left out.
    """
    of_model: dict[str, list[Evidence]] = {}
    for row in evidence:
        of_model.setdefault(row.model_id, []).append(row)
    assessed: list[ModelQuality] = []
    for task_type, groups in scheme.items():
        heard = {model: said for model, rows in of_model.items() if (said := _hear(rows, groups, alignment))}
        strong = [said for said in heard.values() if said.rows >= ENOUGH_ROWS_FOR_REGRESSION]
        within_sd = math.sqrt(sum(said.spread for said in strong) / len(strong)) if strong else 1.0
        task = _Task(task_type, _regress(heard, alignment.general), within_sd)
        assessed.extend(
            _scored(model, task, heard.get(model), alignment.general.get(model, 0.0))
            for model in sorted(of_model)
            if model in heard or model in alignment.general
        )
    return assessed
