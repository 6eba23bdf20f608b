"""The plan that a conversation shows: the same whenever it is made again from the same words, facts and prices."""

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from agent.asking import Facts
from agent.context import Context
from agent.missing import priceable
from agent.state import State, intent_of, provenance_of
from tools.intent import Intent, Provenance
from tools.planner import Plan, plan

if TYPE_CHECKING:
    from tools.performance.experience import Experience

OPTIONS_PER_LIST = 5
KEPT = 32
"""Plans that are not made again when they are asked for again: before a what-if, on undo, at the next question."""


def plan_of(state: State, context: Context, intent: Intent | None = None) -> Plan:
    """Plan what was said, or another intent in its place. Raises NotFound and BadInput."""
    wanted = priceable(intent_of(state) if intent is None else intent, context.market)
    said = {path: entry.model_dump(mode="json") for path, entry in provenance_of(state).items()}
    facts = Facts(context.snapshot, context.market)
    with context.planner:
        return _planned(wanted.model_dump_json(), json.dumps(said), facts, _Learned(context.own()))


class _Learned:
    """What own deployments taught, as part of a key: the same as long as it says the same."""

    def __init__(self, experience: "Experience") -> None:
        self.experience = experience

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Learned):
            return NotImplemented
        mine, theirs = self.experience, other.experience
        return mine == theirs and mine.residual is theirs.residual

    def __hash__(self) -> int:
        return hash((len(self.experience.corrections), id(self.experience.residual)))


@lru_cache(maxsize=KEPT)
def _planned(intent: str, said: str, facts: Facts, learned: _Learned) -> Plan:
    provenance = {path: Provenance.model_validate(entry) for path, entry in json.loads(said).items()}
    return plan(
        Intent.model_validate_json(intent),
        facts.snapshot,
        facts.market,
        said=provenance,
        limit=OPTIONS_PER_LIST,
        experience=learned.experience,
    )
