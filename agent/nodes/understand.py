"""Words → typed commands → a changed intent, and where to go next."""

from collections.abc import Sequence
from dataclasses import asdict

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.backends.completion import completed
from agent.commands import (
    Approve,
    Cancel,
    Choose,
    Clear,
    Command,
    Describe,
    Dialogue,
    InvoiceAnalysis,
    LoadScenario,
    Redo,
    RollBack,
    Set,
    StartOver,
    Undo,
    Validate,
)
from agent.context import Context
from agent.contradiction import taken
from agent.events import Failed, Said
from agent.missing import completing
from agent.replies.beside import differing
from agent.specification import described, edited, plannable, redone, restored, undone
from agent.state import Json, State, chosen_option, intent_of, provenance_of
from agent.understanding.commands import commands
from agent.understanding.orders import order_of
from knowledge.errors import NotAllowed, SextantError
from templates.answers import answer

LATELY = 3
"""Turns within which "go with it" means the last what-if."""


def understand(state: State, runtime: Runtime[Context]) -> State:
    """Read the message against the conversation and carry out what it changes; the rest is left in `pending`."""
    turn = state.get("turn", 0) + 1
    update: State = {"turn": turn, "pending": [], "route": ""}
    for command in _read(state, runtime.context, turn):
        merged: State = {**state, **update}
        try:
            update |= _carried_out(command, merged, runtime.context)
        except SextantError as error:
            get_stream_writer()(Failed(error.message, error.cure))
    merged = {**state, **update}
    forgotten = "intent" in update and not update.get("route")
    if (update.get("route") == "plan" or forgotten) and not plannable(merged):
        nothing: Json = {"command": "Nothing"}
        update |= {"route": "answer", "pending": [*merged.get("pending", []), nothing], "plan": {}, "chosen": None}
    return {**update, "last": update["pending"][-1] if update["pending"] else {}}


def _read(state: State, context: Context, turn: int) -> Sequence[Command]:
    """The commands of the message; a language model, where there is one, fills what the rules left empty."""
    text = state["action"]["text"]
    answered = _answered_with(state, context)
    found: list[Command] = [answered] if answered else list(commands(text, context.snapshot, dialogue(state, turn)))
    if state["action"]["values"].get("attachments"):
        found = [InvoiceAnalysis()]
    if context.backend is not None:
        for place, command in enumerate(found):
            if isinstance(command, Describe):
                result = completed(command.understanding, text, context.backend, turn=turn)
                found[place] = Describe(result.understanding)
                if result.note:
                    get_stream_writer()(Said(result.note))
    return found


def _answered_with(state: State, context: Context) -> Set | LoadScenario | None:
    """The change that a message is when it takes a way out or the last what-if, or says what prices need to know."""
    text = state["action"]["text"]
    choice = taken(text, state.get("choices") or [])
    if choice is not None:
        return Set(choice["values"], text.strip())
    if order_of(text) == "adopt":
        recent = [f"what-if-{state.get('turn', 0) - back}" for back in range(LATELY)]
        kept = {each.name for each in context.records.scenarios.all(state["thread"])}
        return next((LoadScenario(name) for name in recent if name in kept), None)
    values = completing(text, intent_of(state), context.market)
    return Set(values, text.strip()) if values else None


def dialogue(state: State, turn: int) -> Dialogue:
    """What the message is read against."""
    plan = state.get("plan") or {}
    asked = state.get("asked") or []
    return Dialogue(
        intent=intent_of(state),
        traffic=state.get("traffic") or {},
        options=tuple(plan.get("options", ())),
        lists={name: tuple(ids) for name, ids in plan.get("lists", {}).items()},
        chosen=state.get("chosen"),
        asked=asked[-1] if asked else None,
        deployed=bool(state.get("deployment")),
        turn=turn,
        last=state.get("last") or {},
        said=tuple(
            dict.fromkeys(each.text for each in provenance_of(state).values() if each.turn == turn - 1 and each.text)
        ),
    )


def _carried_out(command: Command, state: State, context: Context) -> State:
    """The effect of one command on the state."""
    if isinstance(command, Approve | Validate | RollBack) and not context.may_deploy:
        raise NotAllowed("you may plan here, but not deploy, load-test or roll back", "ask whoever may")
    match command:
        case Describe(understanding):
            return _replanned(state, described(state, understanding))
        case Set(values, text):
            return _replanned(state, edited(state, values, text=text))
        case Clear(fields, text):
            return _replanned(state, edited(state, dict.fromkeys(fields), text=text))
        case Undo():
            return _replanned(state, undone(state) or {})
        case Redo():
            return _replanned(state, redone(state) or {})
        case LoadScenario(name):
            return _replanned(state, restored(state, _kept(name, state, context)))
        case StartOver():
            return {"intent": {}, "provenance": {}, "past": [], "future": [], "plan": {}, "asked": [], "doubts": [],
                    "chosen": None, "choices": []}  # fmt: skip
        case Choose(option):
            return _chosen(state, option)
        case _:
            return _asked_for(command, state)


def _kept(name: str, state: State, context: Context) -> Json:
    """A specification kept under a name; without one, the first of this conversation."""
    if name:
        return dict(context.records.scenarios.get(state["thread"], name).overrides)
    past = [moment for moment in state.get("past") or [] if moment["intent"]]
    return past[0] if past else {"intent": state.get("intent") or {}, "provenance": state.get("provenance") or {}}


def _asked_for(command: Command, state: State) -> State:
    """The commands that change nothing of the specification."""
    match command:
        case Approve(target):
            return {**_waits_for(state, "deploy", needed="chosen"), "place": target}
        case Validate():
            return _waits_for(state, "validate", needed="deployment")
        case RollBack():
            return _waits_for(state, "roll_back", needed="deployment")
        case Cancel():
            return {"plan": {}, "chosen": None, "route": ""}
        case _:
            return _answered(state, command)


def _replanned(state: State, change: State) -> State:
    """A changed intent is planned anew; what was approved in the same breath waits for the new card."""
    if "intent" in change or not state.get("plan"):
        return {**change, "route": "plan"}
    if state.get("route"):
        return change
    unchanged: Json = {"command": "Nothing", "wanted": "change"}
    return {**change, "route": "answer", "pending": [*state.get("pending", []), unchanged]}


def _waits_for(state: State, route: str, *, needed: str) -> State:
    """An effect is carried out only on what the person has seen: not together with a change."""
    if state.get("route") == "plan":
        return {}
    if not state.get(needed):
        return {"pending": [*state.get("pending", []), {"command": "Nothing", "wanted": route}], "route": "answer"}
    return {"route": route}


def _chosen(state: State, option: str) -> State:
    if state.get("route") == "plan":
        return {}
    chosen: State = {**state, "chosen": option}
    before, taken_now = chosen_option(state), chosen_option(chosen)
    if before and taken_now:
        difference = differing(before, taken_now)
        get_stream_writer()(Said(answer("chosen", option=taken_now, difference=difference)))
    return {"chosen": option, "revision": state.get("revision", 0) + 1}


def _answered(state: State, command: Command) -> State:
    route = state.get("route") or "answer"
    return {"pending": [*state.get("pending", []), _as_json(command)], "route": route}


def _as_json(command: Command) -> Json:
    return {"command": type(command).__name__, **asdict(command)}
