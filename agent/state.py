"""What a conversation remembers: JSON values only, so that any version and any store can read it.

The transcript is not here. pydantic validates where a node reads a value.
"""

from typing import Any, Literal, TypedDict

from tools.intent import Intent, Provenance

SCHEMA_VERSION = 1

Json = dict[str, Any]


Kind = Literal["say", "edit", "choose", "approve", "cancel", "rollback", "undo", "redo"]


class Action(TypedDict):
    """What the person did at a pause: words, or a click on the card."""

    kind: Kind
    text: str
    values: Json


class State(TypedDict, total=False):
    """State of one conversation (a LangGraph thread)."""

    schema_version: int
    thread: str
    owner: str
    turn: int
    action: Action
    inputs: list[Json]
    inputs_dropped: int
    route: str
    pending: list[Json]
    last: Json
    asked: list[str]
    doubts: list[Json]
    intent: Json
    provenance: dict[str, Json]
    past: list[Json]
    future: list[Json]
    traffic: Json
    models: list[str]
    plan: Json
    chosen: str | None
    choices: list[Json]
    revision: int
    place: str
    deployment: Json | None
    report: Json | None


def intent_of(state: State) -> Intent:
    """The validated intent of a conversation; empty when nothing was said yet."""
    return Intent.model_validate(state.get("intent") or {})


def provenance_of(state: State) -> dict[str, Provenance]:
    """Where each said or edited field is from."""
    return {path: Provenance.model_validate(entry) for path, entry in (state.get("provenance") or {}).items()}


def chosen_option(state: State) -> Json | None:
    """The option that the card shows and an approval deploys."""
    plan = state.get("plan") or {}
    return next((option for option in plan.get("options", ()) if option["id"] == state.get("chosen")), None)
