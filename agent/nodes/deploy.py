"""Approved option → something that runs, once: idempotent by conversation and plan."""

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.context import Context
from agent.events import Failed, Progress, Said
from agent.places import place_named
from agent.state import State
from knowledge.errors import SextantError
from templates.answers import answer
from tools.deploy.option import specification_from_plan
from tools.deploy.target import DeployProgress


def deploy(state: State, runtime: Runtime[Context]) -> State:
    """Apply what the card shows on the target and wait until it is healthy."""
    write, context = get_stream_writer(), runtime.context

    def progress(event: DeployProgress) -> None:
        write(Progress("deploy", event.fraction, event.note, event.step))

    try:
        spec = specification_from_plan(state["plan"], state.get("chosen"))
        target = place_named(state.get("place", ""), context).target
        record = target.apply(
            spec,
            owner=state["owner"],
            thread=state["thread"],
            time_factor=context.time_factor,
            on_progress=progress,
        )
    except SextantError as error:
        write(Failed(error.message, error.cure))
        return {"route": "failed", "revision": state["revision"] + 1}
    write(Said(answer("deployed", deployment=record, target=target.name, replicas=spec.replicas)))
    return {"deployment": {"id": record.deployment_id, "endpoints": list(record.endpoints)}, "route": ""}
