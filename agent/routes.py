"""Where the conversation goes next: pure functions of the state, one per fork of the diagram."""

from typing import Literal

from agent.state import State

Pause = Literal["review", "__end__"]


def pause(state: State) -> Pause:
    """Wait on the card when there is a plan, else wait for words."""
    return "review" if state.get("plan") else "__end__"


def after_understanding(
    state: State,
) -> Literal["profile", "answer", "deploy", "validate", "roll_back", "review", "__end__"]:
    """What the message asked for."""
    match state.get("route"):
        case "plan":
            return "profile"
        case "answer":
            return "answer"
        case "deploy":
            return "deploy"
        case "validate":
            return "validate"
        case "roll_back":
            return "roll_back"
        case _:
            return pause(state)


def after_profile(state: State) -> Literal["choose_models", "review", "__end__"]:
    """On to the models, unless the profile could not be made."""
    return pause(state) if state.get("route") == "failed" else "choose_models"


def after_choice(state: State) -> Literal["plan_capacity", "review", "__end__"]:
    """On to capacity, unless the choice could not be made."""
    return pause(state) if state.get("route") == "failed" else "plan_capacity"


def after_planning(state: State) -> Literal["answer", "review", "__end__"]:
    """Answer what else the message asked, then wait on the card."""
    return "answer" if state.get("pending") and state.get("route") != "failed" else pause(state)


def after_review(
    state: State,
) -> Literal["understand", "profile", "review", "deploy", "roll_back", "__end__"]:
    """What the person did on the card."""
    match state["action"]["kind"]:
        case "say":
            return "understand"
        case "edit" | "undo" | "redo":
            return "profile"
        case "approve":
            return "deploy"
        case "rollback":
            return "roll_back"
        case "cancel":
            return "__end__"
        case "choose":
            return "review"


def after_deploy(state: State) -> Literal["validate", "review"]:
    """Prove what is running; a failed deployment goes back to the card."""
    return "review" if state.get("route") == "failed" else "validate"
