"""Precompute quality by task: ``python -m tools.quality [SOURCE_DIR]``.

With a folder of gathered tables, scores that serve for fitting only are used too; without, only those that ship.
Writes `quality_by_task.csv`, `quality_thresholds.csv` and `quality_inputs.csv` (digests of what they came from).
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Literal

from knowledge.errors import SextantError
from knowledge.facts import Model, ModelQuality, QualityScore, QualityThreshold
from knowledge.importing import GATHERED_ON, given_quality_scores
from knowledge.loading import read_records, write_records
from knowledge.snapshot import DATA, Snapshot, load
from tools.quality.alignment import align
from tools.quality.assessment import assess
from tools.quality.evidence import evidence_of
from tools.quality.scheme import Share, by_task

APART = frozenset({"summarization_faithfulness", "safety", "classification"})
OWN_SCALES = {"embedding": ("embeddings",), "reranking": ("rerank",)}
FEWEST_MODELS, FEWEST_MODELS_ON_OWN_SCALE = 10, 5


@dataclass(frozen=True, slots=True)
class Reference:
    """What a quality word means: the model that a plan must be at least as good as."""

    quality: Literal["standard", "high", "very_high"]
    reference_model: str
    meaning: str
    origin: str


@dataclass(frozen=True, slots=True)
class Input:
    """A file that the result came from."""

    file: str
    sha256: str
    rows: int


def assess_all(
    scores: Sequence[QualityScore],
    models: Mapping[str, Model],
    scheme: Mapping[str, Sequence[Share]],
    *,
    as_of: date,
) -> list[ModelQuality]:
    """Quality by task; embedding and reranking models on scales of their own, never mixed with the chat scale."""
    own_tasks = {task for tasks in OWN_SCALES.values() for task in tasks}
    assessed: list[ModelQuality] = []
    for task, targets in OWN_SCALES.items():
        of_task = [row for row in scores if row.task == task]
        evidence = evidence_of(of_task, models, as_of=as_of, fewest_models=FEWEST_MODELS_ON_OWN_SCALE)
        if evidence:
            assessed += assess(evidence, {target: scheme[target] for target in targets}, align(evidence))
    chat = [row for row in scores if row.task not in OWN_SCALES]
    evidence = evidence_of(chat, models, as_of=as_of, fewest_models=FEWEST_MODELS)
    tasks = {task: groups for task, groups in scheme.items() if task not in own_tasks}
    assessed += assess(evidence, tasks, align(evidence, apart=APART))
    return sorted(assessed, key=lambda quality: (quality.task_type, quality.model_id))


def thresholds(assessed: Iterable[ModelQuality], references: Sequence[Reference]) -> list[QualityThreshold]:
    """The score each word asks for by task: its model's, less one standard error since smaller differences are ties.

    Where the models of the words are not in order, the lower word asks for no more than the higher one.
    """
    known = {(quality.model_id, quality.task_type): quality for quality in assessed}
    found: list[QualityThreshold] = []
    for task in sorted({task for _, task in known}):
        ceiling = 100.0
        for reference in reversed(references):
            quality = known.get((reference.reference_model, task))
            if quality:
                ceiling = round(min(ceiling, max(quality.score - quality.standard_error, 0.0)), 1)
                words = (reference.reference_model, reference.meaning, reference.origin)
                found.append(QualityThreshold(task, reference.quality, ceiling, *words))
    return sorted(found, key=lambda row: (row.task_type, row.score))


def _inputs(snapshot: Snapshot, scores: Sequence[QualityScore], given: Path | None) -> list[Input]:
    shipped = ["quality_scores.csv.gz", "quality_scheme.csv", "quality_references.csv", "models.csv"]
    files = {name: snapshot.directory / name for name in shipped}
    counts = {"quality_scores.csv.gz": len(snapshot.quality_scores), "models.csv": len(snapshot.models)}
    if given:
        files["SOURCE_DIR/quality_scores.csv"] = given / "quality_scores.csv"
        counts["SOURCE_DIR/quality_scores.csv"] = len(scores)
    return [Input(name, sha256(path.read_bytes()).hexdigest(), counts.get(name, 0)) for name, path in files.items()]


def precompute(snapshot: Snapshot, given: Path | None) -> None:
    """Write the generated files into the directory of `snapshot`."""
    directory = snapshot.directory
    scores = given_quality_scores(given, snapshot.sources.values()) if given else snapshot.quality_scores
    scheme = by_task(read_records(directory / "quality_scheme.csv", Share))
    assessed = assess_all(scores, snapshot.models, scheme, as_of=GATHERED_ON)
    references = read_records(directory / "quality_references.csv", Reference)
    write_records(directory / "quality_by_task.csv", ModelQuality, assessed)
    write_records(directory / "quality_thresholds.csv", QualityThreshold, thresholds(assessed, references))
    write_records(directory / "quality_inputs.csv", Input, _inputs(snapshot, scores, given))


def main(arguments: Sequence[str]) -> int:
    """Run the command; exit code 2 with one line when something does not fit."""
    if len(arguments) > 1:
        sys.stderr.write("usage: python -m tools.quality [SOURCE_DIR]\n")
        return 2
    try:
        precompute(load(DATA), Path(arguments[0]) if arguments else None)
    except (SextantError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
