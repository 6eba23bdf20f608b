"""Orders of candidates: balanced, lowest cost, lowest latency, best quality, and the Pareto set.

What is unknown never beats what is known: candidates of unknown quality stand after the others in every list, those of
unknown latency (APIs) after the others in the balanced list and outside the lowest latency list.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tools.intent import Priority
from tools.planner.grid import Floats, Rows
from tools.planner.pool import Pool
from tools.planner.traffic import Targets

WEIGHTS: Mapping[Priority, Mapping[str, float]] = {
    "balanced": {"cost": 0.35, "latency": 0.20, "quality": 0.30, "risk": 0.15},
    "cost": {"cost": 0.60, "latency": 0.10, "quality": 0.15, "risk": 0.15},
    "latency": {"cost": 0.25, "latency": 0.40, "quality": 0.20, "risk": 0.15},
    "accuracy": {"cost": 0.20, "latency": 0.10, "quality": 0.55, "risk": 0.15},
}
PARETO_LIMIT = 24
PER_MODEL = 3
LONGEST = 100
"""Options in a list, at most: all but the Pareto set."""
AS_GOOD = 3.0
"""Points of quality within which models count as equally good: a middling standard error of the scores."""
AS_FAST = 1.15
"""Times within this factor count as equally fast, and then the cheaper is named first: predictions are no finer."""


def latency_score(found: Pool, targets: Targets) -> Floats:
    """Mean of the three times as shares of their targets; NaN where unknown."""
    score: Floats = (
        found.ttft_ms / targets.ttft_ms + found.tpot_ms / targets.tpot_ms + found.e2e_ms / targets.e2e_ms
    ) / 3
    return score


def balance(found: Pool, targets: Targets, priority: Priority, budget_usd: float | None = None) -> Floats:
    """Score between 0 and 1, higher is better.

    Cost counts the share of the budget that is left, or without a budget falls by a third for each factor of ten
    over the cheapest; latency the share of the targets that is left; quality its lower bound against the best one.
    """
    weights = WEIGHTS[priority]
    cost = np.where(found.known_cost, found.monthly_usd, found.gpu_count)
    # Candidates of known latency lead the list, so cost is measured from the cheapest of them.
    compared = cost[found.known_latency] if found.known_latency.any() else cost
    positive = compared[compared > 0]
    cheapest = positive.min() if len(positive) else 1.0
    cheap = np.clip(1 - np.log10(np.maximum(cost, cheapest) / cheapest) / 3, 0.0, 1.0)
    if budget_usd is not None:
        cheap = np.clip(1 - cost / budget_usd, 0.0, 1.0)
    fast = np.clip(1 - np.nan_to_num(latency_score(found, targets), nan=1.0), 0.0, 1.0)
    best = max(float(found.quality_low.max(initial=0.0)), 1e-9)
    good = found.quality_low / best
    score: Floats = (
        weights["cost"] * cheap
        + weights["latency"] * fast
        + weights["quality"] * good
        + weights["risk"] * (1 - found.risk.total)
    )
    return score


def orders(found: Pool, targets: Targets, priority: Priority, budget_usd: float | None = None) -> dict[str, Rows]:
    """Row numbers of each list, best first, one row per model and accelerator."""
    groups = _groups(found)
    late = latency_score(found, targets)
    unknown, blind = ~found.known_quality, ~found.known_latency
    cost, cards, quality = found.monthly_usd, found.gpu_count, -found.quality_low
    known = np.flatnonzero(~blind)
    return {
        "balanced": _distinct(groups, _balanced(found, targets, priority, budget_usd)),
        "lowest_cost": _distinct(groups, np.lexsort((found.risk.total, quality, blind, cards, cost, unknown))),
        "lowest_latency": _distinct(
            groups, known[np.lexsort((late[known], cost[known], _steps(late[known]), unknown[known]))]
        ),
        "best_quality": _distinct(groups, np.lexsort((quality, cost, blind, _ties(found), unknown))),
        "pareto": pareto(found, late),
    }


def most_balanced(found: Pool, targets: Targets, priority: Priority, budget_usd: float | None = None) -> int:
    """The first row of the balanced list."""
    return int(_balanced(found, targets, priority, budget_usd)[0])


def _balanced(found: Pool, targets: Targets, priority: Priority, budget_usd: float | None) -> Rows:
    score = np.round(balance(found, targets, priority, budget_usd), 9)
    return np.lexsort((found.gpu_count, found.monthly_usd, -score, ~found.known_latency, ~found.known_quality))


def _ties(found: Pool) -> Floats:
    """How far each sure quality lies below the best, in whole steps of `AS_GOOD` points."""
    best = float(found.quality_low.max(initial=0.0))
    steps: Floats = np.floor((best - found.quality_low) / AS_GOOD + 1e-9)
    return steps


def _steps(late: Floats) -> Floats:
    """How many factors `AS_FAST` each is slower than the fastest, in whole steps."""
    if not len(late):
        return late
    steps: Floats = np.floor(np.log(np.maximum(late, 1e-9) / max(float(late.min()), 1e-9)) / np.log(AS_FAST) + 1e-9)
    return steps


@dataclass(frozen=True, slots=True)
class _Groups:
    """What a row is, as numbers: its model and accelerator, and its model."""

    group: Rows
    model: Rows


def _groups(found: Pool) -> _Groups:
    return _Groups(_numbered(found.group.tolist()), _numbered(found.model.tolist()))


def _numbered(names: Sequence[object]) -> Rows:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.intp)


def _distinct(groups: _Groups, order: Rows) -> Rows:
    """The first row of each model and accelerator, in order, at most three of a model."""
    first = order[np.sort(np.unique(groups.group[order], return_index=True)[1])]
    seen: dict[int, int] = defaultdict(int)
    kept: list[int] = []
    for row, model in zip(first.tolist(), groups.model[first].tolist(), strict=True):
        if seen[model] < PER_MODEL:
            seen[model] += 1
            kept.append(row)
    return np.array(kept[:LONGEST], dtype=np.intp)


def pareto(found: Pool, late: Floats) -> Rows:
    """Candidates that no other beats in cost, latency and quality at once; cheapest first, at most 24."""
    slow = np.where(found.known_latency, late, np.inf)
    order = np.lexsort((-found.quality_low, slow, found.monthly_usd))
    order = order[found.known_quality[order]]
    front = np.array(
        _undominated(order.tolist(), slow[order].tolist(), found.quality_low[order].tolist()), dtype=np.intp
    )
    if len(front) > PARETO_LIMIT:
        front = front[np.unique(np.linspace(0, len(front) - 1, PARETO_LIMIT).round().astype(np.intp))]
    return front


def _undominated(rows: list[int], slow: list[float], quality: list[float]) -> list[int]:
    """Rows in order of cost that no cheaper one beats in both others.

    `times` and `best` are the staircase of what was kept: the best quality reached at each latency or less.
    """
    kept: list[int] = []
    times: list[float] = []
    best: list[float] = []
    for row, late, good in zip(rows, slow, quality, strict=True):
        at = bisect_right(times, late)
        if at and best[at - 1] >= good:
            continue
        kept.append(row)
        first = bisect_left(times, late)
        last = first
        while last < len(best) and best[last] <= good:
            last += 1
        times[first:last], best[first:last] = [late], [good]
    return kept
