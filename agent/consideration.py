"""A plan with what is said of it: made where plans are made, so that only plain values come back from there."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.asking import next_question
from agent.contradiction import Contradiction, contradiction
from agent.planner import Facts
from agent.planning import Wish, made
from agent.state import Json
from agent.wording import planned
from tools.intent import Intent, Question


@dataclass(frozen=True, slots=True)
class Considered:
    """A plan as JSON, the option it recommends, the words for it, ways out where it is infeasible, what to ask."""

    plan: Json
    chosen: str | None
    candidates: int
    words: str
    choices: list[Json]
    question: Question | None


def considered(
    facts: Facts, wish: Wish, intent: Intent, asked: tuple[str, ...], doubts: Sequence[Question]
) -> Considered:
    """Plan, and see what to say and to ask; `intent` is the need as it was said. Raises NotFound and BadInput."""
    found = made(facts, wish)
    clash = None if found.feasible else contradiction(facts, found)
    best = found.best("balanced")
    return Considered(
        plan={**found.to_json(), "intent": intent.model_dump(mode="json"), "snapshot": found.snapshot},
        chosen=best.id if best else None,
        candidates=found.considered.get("candidates", 0),
        words=planned(found) if clash is None else clash.words(),
        choices=[] if clash is None else clash.to_json(),
        question=next_question(intent, found, asked, doubts, facts) or _way_out(clash, asked),
    )


def _way_out(clash: Contradiction | None, asked: tuple[str, ...]) -> Question | None:
    """Which need may give way, where nothing holds all of them."""
    if clash is None or not clash.choices:
        return None
    field = f"relax: {', '.join(clash.choices[0].values)}"
    ways = tuple(choice.text for choice in clash.choices)
    return None if field in asked else Question(field=field, question="Which of these may give?", suggestions=ways)
