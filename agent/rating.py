"""What the person thinks of the recommendation, kept with what its deployment measured."""

from agent.context import Context
from agent.state import State
from knowledge.errors import Conflict
from knowledge.records import Rating


def rate(state: State, context: Context, stars: int, comment: str = "") -> Rating:
    """Keep a rating with the newest outcome of this conversation. Raises BadInput, and Conflict before there is one."""
    return context.records.ratings.put(_outcome(state, context), who=state["owner"], stars=stars, comment=comment)


def withdraw(state: State, context: Context, stars: int) -> bool:
    """Take back a rating of so many stars; whether that was the one kept. Raises Conflict as `rate`."""
    return context.records.ratings.withdraw(_outcome(state, context), who=state["owner"], stars=stars)


def _outcome(state: State, context: Context) -> str:
    """The newest outcome of a conversation."""
    for deployment in context.records.deployments.all(thread=state["thread"], owner=state["owner"]):
        outcome = context.records.outcomes.latest(deployment.deployment_id)
        if outcome is not None:
            return outcome.outcome_id
    raise Conflict("there is no outcome to rate yet", "approve a plan and let it be tested first")
