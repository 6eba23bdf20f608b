"""Conversations read from the state directory: exported, replayed, explained."""

from pathlib import Path
from typing import Any

from agent.events import Said
from agent.export import Prices, exported, read_export
from agent.replay import line, replayed
from agent.replies.explanation import explain
from agent.trace import trace
from knowledge.errors import BadInput
from ui.opening import opened
from ui.person import person
from ui.replaying import replaying
from ui.settings import read_settings


async def exported_session(thread: str, owner: str) -> str:
    """The export of a conversation as text. Raises NotFound and Conflict."""
    async with opened(time_factor=1.0) as sessions:
        state = await sessions.state(thread, owner or person())
        context = sessions.context
    prices = Prices(digest=context.market.digest, as_of=context.market.as_of)
    model = context.backend.name if context.backend else None
    return exported(state, snapshot=context.snapshot.version, prices=prices, model=model).text()


async def replayed_session(file: Path) -> str:
    """The events of a replay as JSON lines. Raises BadInput."""
    export = read_export(file)
    async with replaying(export, read_settings().home) as sessions:
        return "".join([line(record) async for record in replayed(export, sessions)])


async def explained_session(thread: str, owner: str, *, traced: bool) -> tuple[str, dict[str, Any], str]:
    """Why the choice is what it is: in words, as facts, and the snapshot behind it. Raises NotFound and BadInput."""
    async with opened(time_factor=1.0) as sessions:
        state = await sessions.state(thread, owner or person())
        if not state.get("plan"):
            raise BadInput(f"the conversation {thread} has no plan yet", "say what you need first")
        command = {"command": "Explain", "subject": "trace" if traced else ""}
        said = [event.text for event in explain(command, state, sessions.context) if isinstance(event, Said)]
    return "\n".join(said), trace(state), state["plan"]["snapshot"]
