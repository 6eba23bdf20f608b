"""A prompt tried on what the conversation has deployed; it changes nothing, so it waits for no card."""

from collections.abc import AsyncIterator

from agent.context import Context
from agent.events import Replied
from agent.state import State
from knowledge.errors import Conflict


async def replies(state: State, context: Context, prompt: str) -> AsyncIterator[Replied]:
    """The answer as it grows; only the person's own deployment of this conversation is asked. Raises Conflict."""
    from tools.deploy.trying import answered  # noqa: PLC0415  # the HTTP client loads with the first prompt

    known = state.get("deployment")
    if not known:
        raise Conflict("nothing is deployed in this conversation", "approve a plan first")
    record = context.records.deployments.get(known["id"])
    if record.owner != state["owner"]:
        raise Conflict(f"{record.deployment_id} belongs to somebody else", "deploy a plan of your own")
    faster = "" if record.time_factor == 1 else f"simulated {record.time_factor:g} times faster; times as if real"
    async for reply in answered(record, prompt):
        yield Replied(
            text=reply.text,
            finished=reply.finished,
            prompt_tokens=reply.prompt_tokens,
            output_tokens=reply.output_tokens,
            ttft_ms=reply.ttft_ms,
            tpot_ms=reply.tpot_ms,
            note="; ".join(filter(None, (reply.cut, faster))),
        )
