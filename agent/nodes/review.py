"""Wait on the specification card; nothing happens before the pause, so a resumed turn repeats nothing."""

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent.context import Context
from agent.specification import edited, redone, undone
from agent.state import Action, State


def review(state: State, runtime: Runtime[Context]) -> State:  # noqa: ARG001  # every node has the same signature
    """Pause with the card's revision; go on with what the person did. The façade has checked it already."""
    action: Action = interrupt({"awaiting": "review", "revision": state["revision"]})
    update: State = {"action": action, "route": ""}
    match action["kind"]:
        case "edit":
            update |= edited(state, action["values"])
        case "undo":
            update |= undone(state) or {}
        case "redo":
            update |= redone(state) or {}
        case "choose":
            update |= {"chosen": action["values"]["option"], "revision": state["revision"] + 1}
        case "approve":
            update |= {"place": action["values"].get("target", "")}
    return update
