"""Published scores as comparable evidence: oriented, standardised within a benchmark, and weighed."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import median

from knowledge.facts import Model, QualityScore

BENCHMARK_HALF_LIFE_DAYS = 18 * 30.42
ARENA_HALF_WEIGHT_WIDTH = 40.0
LARGEST_Z = 3.0
MAD_TO_SD = 1.4826
SATURATED_PERCENT = 85.0
CONSISTENCY = "Vectara HHEM-2.3: factual consistency rate"
ANSWER_RATE = "Vectara HHEM-2.3: answer rate"
ANSWERED_CONSISTENCY = "Vectara HHEM-2.3: factual consistency x answer rate"

_REDUCED = re.compile(r"\b(?:INT4|INT8|NVFP4|GPTQ|AWQ|SpinQuant|QLoRA)\b")
_CONFIDENCE = re.compile(r"95% CI (\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")
_DATED_RELEASE = re.compile(r"\b(20\d\d)-(\d\d)(?:-(\d\d))?\b")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One model on one benchmark: `z` standard units above the benchmark's median, `weight` in independent rows."""

    model_id: str
    benchmark: str
    task: str
    z: float
    weight: float
    independent: bool
    source: str
    dated: str


def reporter_weight(score: QualityScore) -> float:
    """How far a row is believed: independent 1, vendor's own table 0.5, and less for figures at second hand."""
    notes = score.notes.lower()
    if score.reported_by == "user":
        return 3.0
    weight = 1.0
    if score.reported_by == "vendor":
        weight = 0.2 if "competitor figure" in notes else 0.35 if "community-entered" in notes else 0.5
    if "of this base model" in notes or "used as proxy" in notes:
        weight *= 0.6
    return weight


def mode_weight(variant: str, reasoning: str | None) -> float:
    """Weight by how near the measured mode is to the one served by default: hybrids answer without thinking."""
    thinks = "thinking" in variant and "non-thinking" not in variant
    if reasoning == "hybrid":
        return 1.0 if "non-thinking" in variant else 0.3 if thinks else 0.7
    return 1.0


def recency_weight(score: QualityScore, as_of: date) -> float:
    """Half for every 18 months since the release that a benchmark names, else since the copy that was read."""
    named = _DATED_RELEASE.search(score.benchmark)
    year, month, day = named.groups() if named else score.source_date.split("-")
    age_days = (as_of - date(int(year), int(month), int(day or 1))).days
    return float(0.5 ** (max(age_days, 0) / BENCHMARK_HALF_LIFE_DAYS))


def precision_weight(score: QualityScore) -> float:
    """Wide intervals of Arena categories count less."""
    interval = _CONFIDENCE.search(score.notes)
    if not interval:
        return 1.0
    width = float(interval.group(2)) - float(interval.group(1))
    return 1.0 / (1.0 + (width / ARENA_HALF_WEIGHT_WIDTH) ** 2)


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The value at half of the weight."""
    ordered = sorted(zip(values, weights, strict=True))
    half = sum(weights) / 2
    passed = 0.0
    for value, weight in ordered:
        passed += weight
        if passed >= half:
            return value
    return ordered[-1][0]


def with_answered_consistency(scores: Iterable[QualityScore]) -> list[QualityScore]:
    """Replace Vectara's consistency by consistency × answer rate: refusing to answer must not buy faithfulness."""
    scores = list(scores)
    answered = {(row.model_id, row.variant): row.score for row in scores if row.benchmark == ANSWER_RATE}
    combined = []
    for row in scores:
        if row.benchmark == CONSISTENCY:
            rate = answered.get((row.model_id, row.variant), 100.0)
            combined.append(replace(row, benchmark=ANSWERED_CONSISTENCY, score=row.score * rate / 100))
        elif row.benchmark != ANSWER_RATE:
            combined.append(row)
    return combined


def _standardised(values: Sequence[float], percent: bool) -> list[float]:
    if percent and median(values) > SATURATED_PERCENT:
        shares = [min(max(value / 100, 0.02), 0.99) for value in values]
        values = [math.log(share / (1 - share)) for share in shares]
    middle = median(values)
    spread = MAD_TO_SD * median([abs(value - middle) for value in values])
    if spread == 0:
        return []
    return [min(max((value - middle) / spread, -LARGEST_Z), LARGEST_Z) for value in values]


def evidence_of(
    scores: Iterable[QualityScore], models: Mapping[str, Model], *, as_of: date, fewest_models: int = 10
) -> list[Evidence]:
    """Evidence from every benchmark that at least `fewest_models` models share, one row per model and benchmark.

    Several rows of one model on one benchmark (variants, runs, reporters) become their weighted median.
    """
    cells: dict[str, dict[str, list[tuple[QualityScore, float]]]] = {}
    for row in with_answered_consistency(scores):
        if _REDUCED.search(row.variant):
            continue
        model = models.get(row.model_id)
        weight = reporter_weight(row) * mode_weight(row.variant, model.reasoning if model else None)
        weight *= recency_weight(row, as_of) * precision_weight(row)
        cells.setdefault(row.benchmark, {}).setdefault(row.model_id, []).append((row, weight))
    found: list[Evidence] = []
    for benchmark, by_model in sorted(cells.items()):
        if len(by_model) >= fewest_models:
            found.extend(_evidence_of_benchmark(benchmark, by_model))
    return found


def _evidence_of_benchmark(
    benchmark: str, by_model: Mapping[str, Sequence[tuple[QualityScore, float]]]
) -> Iterable[Evidence]:
    values = []
    for rows in by_model.values():
        sign = 1 if rows[0][0].higher_is_better else -1
        values.append(weighted_median([sign * row.score for row, _ in rows], [weight for _, weight in rows]))
    first = next(iter(by_model.values()))[0][0]
    percent = first.scale == "percent" and first.higher_is_better
    for (model_id, rows), z in zip(by_model.items(), _standardised(values, percent), strict=False):
        best, weight = max(rows, key=lambda pair: (pair[1], pair[0].source, pair[0].variant))
        dated = max(row.source_date for row, _ in rows)
        yield Evidence(model_id, benchmark, best.task, z, weight, best.reported_by == "independent", best.source, dated)
