"""What is deployed in this conversation and how it did."""

from agent.context import Context
from agent.events import Event, Said
from agent.state import Json, State
from templates.answers import answer


def status(command: Json, state: State, context: Context) -> list[Event]:  # noqa: ARG001  # every reply has this signature
    """Deployments of the conversation, newest first, with their last verdict."""
    found = context.records.deployments.all(thread=state["thread"], owner=state["owner"])
    verdicts = {entry.deployment_id: context.records.outcomes.latest(entry.deployment_id) for entry in found}
    return [Said(answer("status", deployments=found, verdicts=verdicts))]
