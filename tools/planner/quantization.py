"""What serving in fewer bits costs in quality: shares of the score, from published comparisons (`docs/quality.md`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from knowledge.facts import Model
from knowledge.snapshot import Snapshot
from tools.memory.weights import native_precision
from tools.planner.case import Case
from tools.planner.grid import PRECISIONS, Floats, Grid, Mask

_LONG_PROMPT_TASKS = frozenset(["long_document_summarization", "translation"])
_LONG_TOKENS = 32_768


def penalty(model: Model, precision: str, task_type: str, context_tokens: int) -> float:
    """Share of the quality score lost by serving `model` in `precision` instead of as released; 0 for native ones.

    FP8 0.3 %; INT8 1 % (under 2B 4 %); INT4 1 to 12 % by size and 5 % more for long or foreign text; NVFP4 1.5 %.
    """
    if precision in (native_precision(model), "bf16", "fp16"):
        return 0.0
    size = model.total_params_b
    if precision == "fp8":
        return 0.003
    if precision == "int8":
        return 0.04 if size < 2 else 0.01
    if precision == "fp4":
        return 0.015
    steps: Sequence[tuple[float, float]] = ((1, 0.12), (4, 0.06), (30, 0.03), (float("inf"), 0.01))
    base = next(share for below, share in steps if size < below)
    hard = task_type in _LONG_PROMPT_TASKS or (task_type == "document_qa" and context_tokens > _LONG_TOKENS)
    return base + (0.05 if hard else 0.0) + (0.10 if task_type == "agentic" and size < 4 else 0.0)


@dataclass(frozen=True, slots=True)
class Qualities:
    """Quality of each row in its precision: score, lower bound, and whether anything is known."""

    score: Floats
    low: Floats
    known: Mask


def qualities(grid: Grid, case: Case) -> Qualities:
    """Published quality of each row's model at the task, less what its precision costs."""
    scored = _scored(case.snapshot, case.traffic.task_type, case.traffic.context_tokens)
    known = np.array([model.model_id in scored for model in grid.models], dtype=np.bool_)
    table = np.array([scored.get(model.model_id, _NOTHING) for model in grid.models])
    scores = table[grid.model, grid.precision]
    return Qualities(scores[:, 0], scores[:, 1], known[grid.model])


@lru_cache(maxsize=64)
def _scored(snapshot: Snapshot, task_type: str, context_tokens: int) -> Mapping[str, Floats]:
    """Score and lower bound of each model that is known at a task (precisions × 2)."""
    found = {}
    for model in snapshot.models.values():
        quality = snapshot.quality.get((model.model_id, task_type))
        if quality is not None:
            kept = np.array([1 - penalty(model, kind, task_type, context_tokens) for kind in PRECISIONS])
            low = max(quality.score - quality.standard_error, 0.0)
            found[model.model_id] = np.stack([quality.score * kept, low * kept], axis=1)
    return found


_NOTHING = np.zeros((len(PRECISIONS), 2))
