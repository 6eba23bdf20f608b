"""What the person thinks of the recommendation, kept with what its deployment measured."""

from agent.context import Context
from agent.state import State
from knowledge.errors import Conflict
from knowledge.records import Rating


def rate(state: State, context: Context, stars: int, comment: str = "") -> Rating:
    """Keep a rating with the newest outcome of this conversation. Raises BadInput, and Conflict before there is one."""
    for deployment in context.records.deployments.all(thread=state["thread"], owner=state["owner"]):
        outcome = context.records.outcomes.latest(deployment.deployment_id)
        if outcome is not None:
            return context.records.ratings.put(outcome.outcome_id, who=state["owner"], stars=stars, comment=comment)
    raise Conflict("there is no outcome to rate yet", "approve a plan and let it be tested first")
