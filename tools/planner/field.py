"""The configurations that an intent leaves open, screened: what one replica of each carries within the targets."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from knowledge.facts import Accelerator, Model
from tools.performance.residual import Residual
from tools.performance.screening import Screen, corrected, screen
from tools.planner.capacity import Capacity, capacity
from tools.planner.case import Case
from tools.planner.grid import PRECISIONS, Fitting, Floats, Grid, Mask, Rows, fitting
from tools.planner.latency import Spread, spread
from tools.planner.quantization import qualities
from tools.planner.rejection import Change, Ledger, Miss
from tools.planner.shortlist import Shortlist
from tools.planner.traffic import TrafficProfile
from tools.quality.comparison import ranking_score

GIB = 2**30
ROOM_ABOVE_IDLE = 1.1
"""A target is relaxed to this much over what an idle replica needs, so that the relaxed plan carries some load."""


@dataclass(frozen=True)
class Field:
    """Screened configurations; rows of `grid`, `screen` and `capacity` belong together."""

    grid: Grid
    screen: Screen
    capacity: Capacity
    wide: Spread
    tried: int

    def take(self, rows: Rows | Mask) -> "Field":
        """Some rows of the field."""
        grid, screened, capable = self.grid.take(rows), self.screen.take(rows), self.capacity.take(rows)
        return replace(self, grid=grid, screen=screened, capacity=capable)


def field(short: Shortlist, accelerators: Sequence[Accelerator], case: Case) -> Field | None:
    """Screen every configuration that fits in memory; None when nothing is left to screen."""
    if not short.models or not accelerators:
        return None
    found = fitting(short.models, accelerators)
    traffic = case.traffic
    _note_memory(found, case.ledger, started=False)
    rows = _open_rows(found.grid, short, case)
    _note_memory(found, case.ledger, started=True)
    if not len(rows):
        return None
    tried = len(found.grid) + found.unfit
    if not case.experience:
        return _field(found, rows.tobytes(), _Demand(traffic), case.experience.residual, tried)
    chosen = [found.configurations[row] for row in rows.tolist()]
    alone = _screened(found, rows.tobytes(), traffic.isl.mean, traffic.osl.mean, case.experience.residual)
    return _with_capacity(found.grid.take(rows), corrected(alone, chosen, case.experience), traffic, tried)


@dataclass(frozen=True, eq=False, slots=True)
class _Demand:
    """What capacity depends on in a profile: two that differ in load alone are the same here."""

    traffic: TrafficProfile

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Demand) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        targets = self.traffic.targets
        times = targets.ttft_ms, targets.tpot_ms, targets.e2e_ms
        return self.traffic.isl, self.traffic.osl, targets.percentile, times, targets.e2e_basis


@lru_cache(maxsize=16)
def _field(found: Fitting, rows: bytes, demand: _Demand, residual: Residual | None, tried: int) -> Field:
    """The field of some rows; plans that differ in load or prices share it."""
    traffic = demand.traffic
    alone = _screened(found, rows, traffic.isl.mean, traffic.osl.mean, residual)
    return _with_capacity(found.grid.take(np.frombuffer(rows, dtype=np.intp)), alone, traffic, tried)


def _with_capacity(grid: Grid, screened: Screen, traffic: TrafficProfile, tried: int) -> Field:
    wide = spread(screened, traffic, traffic.targets.percentile)
    return Field(grid, screened, capacity(grid, screened, traffic, wide), wide, tried)


@lru_cache(maxsize=16)
def _screened(found: Fitting, rows: bytes, isl: float, osl: float, residual: Residual | None) -> Screen:
    """Step costs of some rows; plans that differ in targets, load or prices share them."""
    chosen = [found.configurations[row] for row in np.frombuffer(rows, dtype=np.intp).tolist()]
    return screen(chosen, isl=isl, osl=osl, residual=residual)


def forget_screens() -> None:
    """Drop the step costs and capacities that plans share, as a benchmark of a first plan needs."""
    _field.cache_clear()
    _screened.cache_clear()


def _open_rows(grid: Grid, short: Shortlist, case: Case) -> Rows:
    """Rows that precision, parallelism and context allow; the others are counted under the first rule they break."""
    intent, traffic, ledger = case.intent, case.traffic, case.ledger
    left = np.ones(len(grid), dtype=np.bool_)
    if intent.quantization:
        wanted = {precision_named(name) for name in intent.quantization}
        allowed = np.array([kind in wanted for kind in PRECISIONS])[grid.precision]
        ledger.count("quantization", int((left & ~allowed).sum()), "configurations")
        names = list(intent.quantization)
        ledger.add(_setting_misses(grid, left & ~allowed, "quantization", lambda row: Change(
            "quantization", [*names, PRECISIONS[grid.precision[row]]]
        )))  # fmt: skip
        left &= allowed
    if intent.tensor_parallel is not None:
        allowed = grid.tensor == intent.tensor_parallel
        ledger.count("tensor_parallel", int((left & ~allowed).sum()), "configurations")
        ledger.add(_setting_misses(grid, left & ~allowed, "tensor_parallel", lambda row: Change(
            "tensor_parallel", int(grid.tensor[row])
        )))  # fmt: skip
        left &= allowed
    good = good_enough(grid, short, case)
    ledger.count("quality_in_precision", int((left & ~good).sum()), "configurations")
    ledger.add(_precision_misses(grid, left & ~good, case, short.threshold))
    left &= good
    missing = grid.sequence_bytes(traffic.context_tokens) - grid.room_bytes
    holds = missing <= 0
    ledger.count("memory", int((left & ~holds).sum()), "configurations")
    ledger.add(_context_misses(grid, left & ~holds, missing, traffic))
    return np.flatnonzero(left & holds)


def good_enough(grid: Grid, short: Shortlist, case: Case) -> Mask:
    """Rows whose quality reaches the threshold in their precision; models admitted by name despite it stay."""
    known = [case.snapshot.quality.get((model.model_id, case.traffic.task_type)) for model in grid.models]
    whole = np.array([max(ranking_score(each), 0.0) for each in known])[grid.model]
    enough: Mask = (_counted_quality(grid, case) >= short.threshold) | (whole < short.threshold)
    return enough


def _counted_quality(grid: Grid, case: Case) -> Floats:
    """What counts against the threshold: the score in each row's precision, an estimated one at its lower bound."""
    known = [case.snapshot.quality.get((model.model_id, case.traffic.task_type)) for model in grid.models]
    doubt = np.array([each.score - ranking_score(each) if each else 0.0 for each in known])[grid.model]
    counted: Floats = qualities(grid, case).score - doubt
    return counted


_PRECISION_WORDS = {
    "fp32": "fp16", "float16": "fp16", "half": "fp16", "bfloat16": "bf16", "16bit": "bf16", "8bit": "fp8",
    "w8a8": "int8", "awq": "int4", "gptq": "int4", "w4a16": "int4", "4bit": "int4", "nvfp4": "fp4", "mxfp4": "fp4",
}  # fmt: skip


def precision_named(name: str) -> str:
    """The precision that a format's name stands for; unknown names come back folded."""
    folded = name.lower().replace("-", "").replace("_", "")
    return _PRECISION_WORDS.get(folded, folded)


def _note_memory(found: Fitting, ledger: Ledger, *, started: bool) -> None:
    """What is missing where a model does not start; first for models that start nowhere, then for the others."""
    if not started:
        ledger.count("memory", found.unfit, "configurations")
    starting = {found.grid.models[index].model_id for index in np.unique(found.grid.model)}
    for model_id, shortfall in sorted(found.nearest.items(), key=lambda item: item[1].missing_bytes):
        if (model_id in starting) != started:
            continue
        where = shortfall.configuration
        missing = shortfall.missing_bytes / GIB
        cards = f"{where.gpu_count} × {where.accelerator.gpu_type}"
        text = f"{model_id} in {where.quantization} needs {max(missing, 0.01):.3g} GiB more on each card of {cards}"
        what = describe(where.model, where.accelerator, where.quantization, where.tensor_parallel)
        ledger.add([Miss("memory", model_id, what, round(missing, 2), 0.0, "GiB per card missing", None, text)])


def _context_misses(grid: Grid, refused: Mask, missing: Floats, traffic: TrafficProfile) -> Iterator[Miss]:
    longest = grid.longest_tokens()
    for row in nearest_rows(grid, refused, missing):
        what, tokens, short = _described(grid, int(row)), int(longest[row]), round(missing[row] / GIB, 2)
        text = f"{what} holds {tokens:,} tokens beside the weights, a sequence may have {traffic.context_tokens:,}"
        change = Change("context_length", tokens) if tokens > traffic.isl.mean + traffic.osl.mean else None
        yield Miss("memory", _model_id(grid, int(row)), what, short, 0.0, "GiB per card missing", change, text)


def _precision_misses(grid: Grid, refused: Mask, case: Case, floor: float) -> Iterator[Miss]:
    score = _counted_quality(grid, case)
    for row in nearest_rows(grid, refused, -score):
        what, value = _described(grid, int(row)), round(float(score[row]), 2)
        text = f"{what} surely scores {value:g} in that precision, {floor:g} are asked for"
        yield Miss("quality_in_precision", _model_id(grid, int(row)), what, value, floor, "points", None, text)


def _setting_misses(grid: Grid, refused: Mask, rule: str, change: Callable[[int], Change]) -> Iterator[Miss]:
    for row in nearest_rows(grid, refused, grid.cards.astype(np.float64)):
        what, wished = _described(grid, int(row)), change(int(row))
        text = f"{what} is left out by {wished.field}"
        yield Miss(rule, _model_id(grid, int(row)), what, None, None, "", wished, text)


def _model_id(grid: Grid, row: int) -> str:
    model: Model = grid.models[int(grid.model[row])]
    return model.model_id


def describe(model: Model, accelerator: Accelerator, precision: str, tensor_parallel: int) -> str:
    """A configuration in a few words."""
    return f"{model.model_id} in {precision} on {tensor_parallel} × {accelerator.gpu_type}"


def nearest_rows(grid: Grid, among: Mask, distance: Floats) -> Rows:
    """Per model, the row of `among` with the smallest distance; models in order of that distance."""
    rows = np.flatnonzero(among)
    if not len(rows):
        return rows
    order = rows[np.lexsort((rows, distance[rows]))]
    _, first = np.unique(grid.model[order], return_index=True)
    best: Rows = order[np.sort(first)]
    return best


def carrying(found: Field, case: Case) -> Field | None:
    """The rows that meet every latency target at some load; the others are counted under the target they miss."""
    traffic, ledger = case.traffic, case.ledger
    if not (~found.capacity.feasible).any():
        return found
    idle, targets = found.capacity.idle, traffic.targets
    over = {
        "ttft": (idle.ttft_ms, targets.ttft_ms, "target_ttft_p90_ms"),
        "tpot": (idle.tpot_ms, targets.tpot_ms, "target_tpot_p90_ms"),
        "e2e": (idle.e2e_ms, targets.e2e_ms, "target_e2e_latency_p90_ms"),
    }
    missed = np.stack([values > limit for values, limit, _ in over.values()])
    alone = missed.sum(axis=0) == 1
    counted = np.zeros(len(found.grid), dtype=np.bool_)
    for index, (name, (values, limit, path)) in enumerate(over.items()):
        under = missed[index] & ~counted
        counted |= under
        ledger.count(name, int(under.sum()), "configurations")
        candidates = under & alone if (under & alone).any() else under
        for row in nearest_rows(found.grid, candidates, values):
            what = _described(found.grid, int(row))
            value, allow = float(values[row]), rounded_up(float(values[row]) * ROOM_ABOVE_IDLE)
            also = "" if alone[row] else " (and misses another target)"
            metric = f"{name.upper()} p{targets.percentile}"
            best = f"{value:.0f} ms" if round(value) > limit else f"just over {limit:.4g} ms"
            text = f"{what}: {metric} is {best} at best, {limit:.4g} ms are allowed{also}"
            change = Change(path, allow) if alone[row] else None
            ledger.add([Miss(name, _model_id(found.grid, int(row)), what, round(value, 1), limit, "ms", change, text)])
    rows = np.flatnonzero(found.capacity.feasible)
    return found.take(rows) if len(rows) else None


def _described(grid: Grid, row: int) -> str:
    each = grid.configuration(row)
    return describe(each.model, each.accelerator, each.quantization, each.tensor_parallel)


def rounded_up(milliseconds: float) -> float:
    """A target that a person would write: two significant figures, rounded up."""
    if milliseconds <= 0:
        return 1.0
    step = 10.0 ** max(np.floor(np.log10(milliseconds)) - 1, 0)
    return float(np.ceil(milliseconds / step) * step)
