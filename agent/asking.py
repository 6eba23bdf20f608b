"""Which one question to ask next, if any: what was not understood, what prices need, then what moves the plan most.

The worth of a question is computed. Each plausible answer is screened over the models that lead the plan's lists; the
worth is the topic's doubt times the mean of how far the answers move the balanced choice: the logarithm of the ratio of
monthly costs, plus `OTHER_MODEL` where the model changes, or `NO_PLAN` where nothing is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log
from typing import Any

import numpy as np

from agent.missing import missing
from agent.planner import Facts
from agent.specification import UNRESOLVED
from agent.topics import HARDWARE, Topic, open_topics
from knowledge.errors import SextantError
from templates.numbers import dollars
from tools.editing import edit
from tools.intent import Intent, Question, Unresolved
from tools.planner import Plan
from tools.planner.case import Case
from tools.planner.grid import Mask
from tools.planner.planning import search
from tools.planner.pool import Pool
from tools.planner.profile import profile
from tools.planner.ranking import most_balanced
from tools.planner.shortlist import threshold

LEAST_WORTH = 0.1
"""Below this nothing is asked: the expected move of the bill is a tenth or less."""

LEAST_SPAN_USD = 20.0
"""Answers that move a month's bill by less are not worth a question."""

MOST_PLANS = 4
MOST_QUESTIONS = 4
OTHER_MODEL = 0.25
NO_PLAN = 1.0

_LEADING = ("balanced", "lowest_cost", "best_quality")


@dataclass(frozen=True, slots=True)
class Screened:
    """The balanced choice of a screening."""

    model_id: str
    monthly_usd: float


@dataclass(frozen=True, slots=True)
class Worth:
    """How far the answers of a topic move the plan, and the monthly bills between which they move it."""

    gain: float
    bills_usd: tuple[float, ...]


def next_question(
    intent: Intent,
    plan: Plan,
    asked: tuple[str, ...],
    doubts: Sequence[Question],
    facts: Facts,
) -> Question | None:
    """The question, or None when nothing is worth asking.

    `asked` are the fields asked about before, `doubts` the questions that the understanding left.
    """
    for question in (*doubts, *map(_unclear, intent.unresolved)):
        if question.field not in asked:
            return question
    lacking = missing(intent, facts.market)
    if lacking is not None:
        return lacking.question if lacking.question.field not in asked else None
    chosen = [field for field in asked if not field.startswith((UNRESOLVED, "relax"))]
    if not plan.feasible or plan.traffic.workload_type != "llm" or len(chosen) >= MOST_QUESTIONS:
        return None
    leading = sorted({option.model_id for name in _LEADING if (option := plan.best(name))})
    found = weightiest(facts, edit(intent, {"preferred_models": leading}), open_topics(intent, plan, asked))
    return found and _worded(*found)


def _unclear(item: Unresolved) -> Question:
    return Question(field=f"{UNRESOLVED}{item.text}", question=f"I also saw “{item.text}”: {item.why}. What is it?")


def weightiest(facts: Facts, intent: Intent, topics: Sequence[Topic]) -> tuple[Topic, Worth] | None:
    """The topic whose answers move the choice for `intent` most; None when none is worth a question."""
    now = screened(intent, facts)
    if now is None:
        return None
    weighed: list[tuple[Topic, Worth]] = []
    plans = 0
    for topic in topics:
        plans += len(topic.answers)
        if plans > MOST_PLANS:
            break
        weighed.append((topic, worth_of(topic, now, intent, facts)))
    best = max(weighed, key=lambda each: each[1].gain, default=None)
    return best if best is not None and best[1].gain >= LEAST_WORTH else None


def worth_of(topic: Topic, now: Screened, intent: Intent, facts: Facts) -> Worth:
    """What an answer to `topic` would be worth, and the bills between which the answers move it."""
    found = [answered(intent, values, facts) for values in topic.answers]
    bills = tuple(sorted({now.monthly_usd, *(after.monthly_usd for after in found if after)}))
    if None not in found and bills[-1] - bills[0] < LEAST_SPAN_USD:
        return Worth(0.0, bills)
    return Worth(topic.doubt * sum(_moved(now, after) for after in found) / len(found), bills)


def _moved(now: Screened, after: Screened | None) -> float:
    if after is None:
        return NO_PLAN
    return abs(log(after.monthly_usd / now.monthly_usd)) + OTHER_MODEL * (after.model_id != now.model_id)


def screened(intent: Intent, facts: Facts) -> Screened | None:
    """The balanced choice of an intent, screened and not drawn; None when nothing serves it."""
    return _screened(intent.model_dump_json(), facts)


def answered(intent: Intent, values: Mapping[str, Any], facts: Facts) -> Screened | None:
    """The balanced choice after an answer; one that only leaves candidates out needs no other search."""
    after = edit(intent, values)
    found = _searched(intent.model_dump_json(), facts)
    left = _left(tuple(values), intent, after, found) if found is not None else None
    if found is None or left is None:
        return screened(after, facts)
    case = replace(found.case, intent=after, traffic=profile(after, facts.snapshot))
    return _best(case, found.candidates.take(np.flatnonzero(left)))


def _left(changed: tuple[str, ...], before: Intent, after: Intent, found: "_Searched") -> Mask | None:
    """Which candidates an answer leaves, by the rules of the search; None where it would find others."""
    candidates, case = found.candidates, found.case
    if changed == ("budget.max_monthly_cost_usd",) and before.budget is None:
        limit = after.budget.max_monthly_cost_usd if after.budget else None
        return None if limit is None else np.asarray(candidates.monthly_usd <= limit)
    if changed == ("deployment_model",) and all(getattr(before, name) is None for name in HARDWARE):
        sold = candidates.source < 0
        left = {"api": sold, "cloud_rental": ~sold}.get(str(after.deployment_model), np.zeros_like(sold))
        return left if left.any() else None
    if changed == ("quality_threshold",) and before.quality_threshold is None and candidates.known_quality.all():
        floors = [threshold(case.snapshot, profile(each, case.snapshot)) for each in (before, after)]
        return np.asarray(candidates.quality_low >= floors[1]) if floors[1] >= floors[0] else None
    return None


@dataclass(frozen=True, slots=True)
class _Searched:
    """What a search found, and what it worked on."""

    case: Case
    candidates: Pool


@lru_cache(maxsize=4)
def _searched(intent_json: str, facts: Facts) -> _Searched | None:
    intent = Intent.model_validate_json(intent_json)
    try:
        case = Case(intent, profile(intent, facts.snapshot), facts.snapshot, facts.market)
        found = search(case).pool
    except SextantError:
        return None  # an answer that contradicts what was said leads nowhere
    return None if found is None else _Searched(case, found)


@lru_cache(maxsize=256)
def _screened(intent_json: str, facts: Facts) -> Screened | None:
    found = _searched(intent_json, facts)
    return None if found is None else _best(found.case, found.candidates)


def _best(case: Case, candidates: Pool) -> Screened | None:
    """The head of the balanced list."""
    if not len(candidates):
        return None
    budget = case.intent.budget.max_monthly_cost_usd if case.intent.budget else None
    row = most_balanced(candidates, case.traffic.targets, case.intent.priority or "balanced", budget)
    return Screened(str(candidates.model[row]), max(float(candidates.monthly_usd[row]), 0.01))


def _worded(topic: Topic, worth: Worth) -> Question:
    """The question with what hangs on it and what holds until it is answered."""
    low, high = worth.bills_usd[0], worth.bills_usd[-1]
    span = f" Answers move the bill between {dollars(low)} and {dollars(high)} a month." if high > low else ""
    words = f"{topic.question}{span} Until you say: {topic.default}."
    return Question(field=topic.field, question=words, suggestions=topic.suggestions)
