"""The plan that a conversation shows: the same whenever it is made again from the same words, facts and prices."""

from agent.context import Context
from agent.missing import priceable
from agent.state import State, intent_of, provenance_of
from tools.intent import Intent
from tools.planner import Plan, plan

OPTIONS_PER_LIST = 5


def plan_of(state: State, context: Context, intent: Intent | None = None) -> Plan:
    """Plan what was said, or another intent in its place. Raises NotFound and BadInput."""
    wanted = priceable(intent_of(state) if intent is None else intent, context.market)
    return plan(
        wanted,
        context.snapshot,
        context.market,
        said=provenance_of(state),
        limit=OPTIONS_PER_LIST,
        experience=context.own(),
    )
