"""The plan that a conversation shows: the same whenever it is made again from the same words, facts and prices."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from agent.context import Context
from agent.missing import priceable
from agent.planner import Facts
from agent.state import State, intent_of, provenance_of
from tools.intent import Intent, Provenance
from tools.learning import Correction, Subject
from tools.performance.experience import Experience
from tools.planner import Plan, plan

OPTIONS_PER_LIST = 5
KEPT = 32
"""Plans that are not made again when they are asked for again: before a what-if, on undo, at the next question."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is planned: an intent, where its fields are from (both as JSON), what own deployments taught."""

    intent: str
    said: str
    corrections: Mapping[Subject, Correction] = field(hash=False)


def plan_of(state: State, context: Context, intent: Intent | None = None) -> Plan:
    """Plan what was said, or another intent in its place. Raises NotFound, BadInput and Unavailable."""
    return context.planner(made, context.facts, wish_of(state, context, intent))


def wish_of(state: State, context: Context, intent: Intent | None = None) -> Wish:
    """What to plan for a conversation, or for another intent in the place of its own."""
    wanted = priceable(intent_of(state) if intent is None else intent, context.market)
    said = {path: entry.model_dump(mode="json") for path, entry in provenance_of(state).items()}
    return Wish(wanted.model_dump_json(), json.dumps(said), context.own().corrections)


@lru_cache(maxsize=KEPT)
def made(facts: Facts, wish: Wish) -> Plan:
    """The plan of a wish, kept where it was made. Raises NotFound and BadInput."""
    return plan(
        Intent.model_validate_json(wish.intent),
        facts.snapshot,
        facts.market,
        said={path: Provenance.model_validate(entry) for path, entry in json.loads(wish.said).items()},
        limit=OPTIONS_PER_LIST,
        experience=Experience(wish.corrections, facts.measured),
    )
