"""Approved option → something that runs, once: idempotent by conversation and plan."""

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.context import Context
from agent.events import Failed, Progress, Said
from agent.places import place_named
from agent.state import State
from knowledge.errors import Conflict, SextantError
from templates.answers import answer
from tools.deploy.option import specification_from_plan
from tools.deploy.target import DeployProgress

SETTLED = ("reserved", "applied")
"""Steps of a target that come before anything is started, and after everything runs."""


def deploy(state: State, runtime: Runtime[Context]) -> State:
    """Apply what the card shows on the target and wait until it is healthy."""
    write, context = get_stream_writer(), runtime.context

    def progress(event: DeployProgress) -> None:
        write(Progress("deploy", event.fraction, event.note, event.step))
        if context.stopped() and event.step not in SETTLED:  # the target cleans up what a failure leaves
            raise Conflict("stopped as you asked; nothing of it runs", "approve it again when you want it")

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
    facts = {"replicas": spec.replicas, "before": _still_running(state, record.deployment_id, context)}
    words = answer("deployed", deployment=record, target=target.name, **facts)
    write(Said(words, "deployed", {**facts, "running": len(record.endpoints)}))
    return {"deployment": {"id": record.deployment_id, "endpoints": list(record.endpoints)}, "route": ""}


def _still_running(state: State, deployment_id: str, context: Context) -> list[str]:
    """Earlier deployments of this conversation that nobody stopped."""
    found = context.records.deployments.all(thread=state["thread"], owner=state["owner"])
    return [each.deployment_id for each in found if each.replicas and each.deployment_id != deployment_id]
