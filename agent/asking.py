"""Which one question to ask next, if any: what was not understood, what prices need, then what moves the plan most.

The worth of a question is computed. Each plausible answer is screened over the models that lead the plan's lists; the
worth is the topic's doubt times the mean of how far the answers move the balanced choice: the logarithm of the ratio of
monthly costs, plus `OTHER_MODEL` where the model changes, or `NO_PLAN` where nothing is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

from agent.missing import missing
from agent.planner import Facts, Planner
from agent.specification import UNRESOLVED
from agent.topics import Topic, open_topics
from knowledge.errors import SextantError
from templates.numbers import dollars
from tools.editing import edit
from tools.intent import Intent, Question, Unresolved
from tools.planner import Plan
from tools.planner.case import Case
from tools.planner.planning import search
from tools.planner.profile import profile
from tools.planner.ranking import orders

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
    *,
    planner: Planner,
) -> Question | None:
    """The question, or None when nothing is worth asking; `planner` screens what the answers would move.

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
    found = planner(weightiest, facts, edit(intent, {"preferred_models": leading}), open_topics(intent, plan, asked))
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
    found = [screened(edit(intent, values), facts) for values in topic.answers]
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


@lru_cache(maxsize=256)
def _screened(intent_json: str, facts: Facts) -> Screened | None:
    intent = Intent.model_validate_json(intent_json)
    try:
        case = Case(intent, profile(intent, facts.snapshot), facts.snapshot, facts.market)
        found = search(case).pool
    except SextantError:
        return None  # an answer that contradicts what was said leads nowhere
    if found is None:
        return None
    budget = intent.budget.max_monthly_cost_usd if intent.budget else None
    order = orders(found, case.traffic.targets, intent.priority or "balanced", budget)["balanced"]
    row = int(order[0])
    return Screened(str(found.model[row]), max(float(found.monthly_usd[row]), 0.01))


def _worded(topic: Topic, worth: Worth) -> Question:
    """The question with what hangs on it and what holds until it is answered."""
    low, high = worth.bills_usd[0], worth.bills_usd[-1]
    span = f" Answers move the bill between {dollars(low)} and {dollars(high)} a month." if high > low else ""
    words = f"{topic.question}{span} Until you say: {topic.default}."
    return Question(field=topic.field, question=words, suggestions=topic.suggestions)
