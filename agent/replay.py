"""Plays an exported conversation again: the same inputs on the same facts and prices give the same bytes.

Nothing is deployed and no language model is asked. On other facts or prices the last line says what changed.
"""

import json
from collections.abc import AsyncIterator

from agent.events import Event, to_json
from agent.export import Export, Input
from agent.sessions import Sessions
from agent.state import Json
from knowledge.errors import Conflict, SextantError
from knowledge.records import Deployment
from tools.deploy.specification import DeploymentSpec
from tools.deploy.target import OnProgress, ReplicaHealth, ignore_progress
from tools.planner.comparison import options_beside

THREAD, OWNER = "replay", "replay"


class WithheldTarget:
    """Where a replay deploys: nowhere, and it says so."""

    name = "replay"

    def apply(
        self,
        spec: DeploymentSpec,  # noqa: ARG002  # the protocol's signature
        *,
        owner: str,  # noqa: ARG002
        thread: str,  # noqa: ARG002
        time_factor: float = 1.0,  # noqa: ARG002
        on_progress: OnProgress = ignore_progress,  # noqa: ARG002
    ) -> Deployment:
        """Refuse."""
        raise Conflict("here the conversation deployed; a replay deploys nothing", "approve the plan in a conversation")

    def health(self, deployment: Deployment) -> tuple[ReplicaHealth, ...]:  # noqa: ARG002
        """Nothing runs."""
        return ()

    def rollback(
        self,
        deployment_id: str,
        *,
        who: str,  # noqa: ARG002
        on_progress: OnProgress = ignore_progress,  # noqa: ARG002
    ) -> Deployment:
        """Refuse."""
        raise Conflict(f"a replay cannot roll back {deployment_id}", "roll it back in its conversation")

    def reconcile(self, *, resume: bool = False) -> tuple[Deployment, ...]:  # noqa: ARG002
        """Nothing runs."""
        return ()


async def replayed(export: Export, sessions: Sessions) -> AsyncIterator[Json]:
    """One record per input and event, then what changed. `sessions` must be empty and use the `WithheldTarget`."""
    for number, given in enumerate(export.inputs, 1):
        yield {"turn": number, "type": "input", "kind": given.kind, "text": given.text, "values": given.values}
        try:
            async for event in _again(given, sessions):
                yield {"turn": number, **to_json(event)}
        except SextantError as error:
            yield {"turn": number, "type": "refused", "message": error.message, "what_to_do": error.cure}
    yield await _compared(export, sessions)


def line(record: Json) -> str:
    """A record as one line of JSON."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"


async def _again(given: Input, sessions: Sessions) -> AsyncIterator[Event]:
    if given.values.get("attachments"):
        raise Conflict("a bill was attached here; an export holds no files", "attach it again in a conversation")
    if given.kind == "say":
        async for event in sessions.say(THREAD, OWNER, given.text):
            yield event
        return
    view = await sessions.view(THREAD, OWNER)
    async for event in sessions.act(THREAD, OWNER, given.kind, view.revision, given.values):
        yield event


async def _compared(export: Export, sessions: Sessions) -> Json:
    """The choice at the end then and now, field by field, and whether facts and prices are the same."""
    state = await sessions.state(THREAD, OWNER)
    view = await sessions.view(THREAD, OWNER)
    plan = view.plan or {}
    now = {
        "snapshot": plan.get("snapshot", sessions.context.snapshot.version),
        "prices": plan.get("market")
        or {
            "digest": sessions.context.market.digest,
            "as_of": sessions.context.market.as_of,
        },
    }
    then = {"snapshot": export.snapshot, "prices": export.prices.model_dump()}
    return {
        "type": "compared",
        "same_facts": then == now,
        "then": then,
        "now": now,
        "same_intent": (state.get("intent") or {}) == export.intent,
        "changes": options_beside(export.chosen or {}, view.chosen_option or {}),
    }
