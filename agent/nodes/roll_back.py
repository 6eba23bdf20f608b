"""Undo the deployment of this conversation."""

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.context import Context
from agent.events import Failed, Progress, Said
from agent.places import target_of
from agent.state import State
from knowledge.errors import SextantError
from templates.answers import answer
from tools.deploy.target import DeployProgress


def roll_back(state: State, runtime: Runtime[Context]) -> State:
    """Stop what runs; repeating it changes nothing, so a crash in the middle is harmless."""
    write, context = get_stream_writer(), runtime.context
    deployment = state.get("deployment")
    if not deployment:
        return {"route": ""}

    def progress(event: DeployProgress) -> None:
        write(Progress("roll back", event.fraction, event.note, event.step))

    try:
        target = target_of(context.records.deployments.get(deployment["id"]), context)
        record = target.rollback(deployment["id"], who=state["owner"], on_progress=progress)
    except SextantError as error:
        write(Failed(error.message, error.cure))
        return {"route": "failed"}
    write(Said(answer("rolled_back", deployment_id=record.deployment_id)))
    return {"deployment": None, "route": "", "revision": state.get("revision", 0) + 1}
