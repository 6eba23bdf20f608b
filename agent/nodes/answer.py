"""What the message asked and what changes nothing: answered from the plan, the facts and the records."""

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.context import Context
from agent.events import Asked, Failed
from agent.replies import REPLIES
from agent.state import State
from knowledge.errors import SextantError


def answer(state: State, runtime: Runtime[Context]) -> State:
    """Answer each pending command in order."""
    write = get_stream_writer()
    asked = list(state.get("asked") or [])
    for command in state.get("pending") or []:
        try:
            for event in REPLIES[command["command"]](command, state, runtime.context):
                write(event)
                asked += [event.field] if isinstance(event, Asked) else []
        except SextantError as error:
            write(Failed(error.message, error.cure))
    return {"pending": [], "route": "", "asked": asked}
