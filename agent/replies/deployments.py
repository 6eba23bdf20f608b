"""What is deployed in this conversation and how it did."""

from agent.context import Context
from agent.events import Event, Said
from agent.observing import observed
from agent.state import Json, State
from knowledge.records import Deployment, Outcome
from templates.answers import answer


def status(command: Json, state: State, context: Context) -> list[Event]:  # noqa: ARG001  # every reply has this signature
    """Deployments of the conversation, newest first, with their last verdict and what their Prometheus saw."""
    found = context.records.deployments.all(thread=state["thread"], owner=state["owner"])
    verdicts = {entry.deployment_id: context.records.outcomes.latest(entry.deployment_id) for entry in found}
    seen = [each for deployment in found if (each := observed(deployment, context)) is not None]
    facts = {
        "deployments": [_told(entry, verdicts[entry.deployment_id]) for entry in found],
        "observed": seen,
    }
    words = answer("status", deployments=found, verdicts=verdicts, observed=seen)
    return [Said(words, "status" if found else "", facts if found else {})]


def _told(entry: Deployment, outcome: Outcome | None) -> Json:
    return {
        "id": entry.deployment_id,
        "model": entry.model_id,
        "runs": f"{entry.gpu_count} × {entry.gpu_type}",
        "target": entry.target,
        "state": entry.state,
        "since": entry.updated_at,
        "monthly_usd": entry.monthly_cost_usd,
        "verdict": outcome.verdict if outcome else None,
        "reason": entry.reason,
    }
