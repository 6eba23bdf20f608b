"""How an intent grows and changes over a conversation: said, edited, undone. Pure functions on the state."""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.state import Json, State, intent_of
from tools.editing import FIELDS, changed_paths, edit
from tools.intent import Intent, Provenance, Question, Understanding, Unresolved

UNDO_DEPTH = 50
MAX_UNRESOLVED = 20

UNRESOLVED = "unresolved: "
"""How a question about something unclear names it; its words follow."""

LOAD_FIELDS = ("expected_qps", "requests_per_day", "tokens_per_day", "concurrent_users", "total_users")
"""Ways to say the load, most specific first: the profile uses the first that is set."""


def described(state: State, understanding: Understanding) -> State:
    """The state after new words: what they say joins what was said before, the newest word winning."""
    before = intent_of(state)
    said = understanding.intent.model_dump(mode="json", exclude_none=True, exclude={"unresolved"})
    values = {path: value for path, value in _said_paths(said).items() if path in understanding.provenance or value}
    values |= dict.fromkeys(_overridden_load(before, understanding.intent))
    if understanding.intent.task_type and before.workload_type not in (None, "llm", understanding.intent.workload_type):
        values |= {
            "workload_type": understanding.intent.workload_type,
            "usage": None,
        }  # a new need, for a language model
    unclear = [*_waiting(state, before, understanding), *understanding.intent.unresolved][-MAX_UNRESOLVED:]
    after = edit(before, values).model_copy(update={"unresolved": tuple(unclear)})
    entries = {path: entry.model_dump(mode="json") for path, entry in understanding.provenance.items()}
    change, doubts = _changed(state, before, after, entries), _doubts(state, understanding, unclear)
    return change if doubts == (state.get("doubts") or []) else change | {"doubts": doubts}


def edited(state: State, values: Mapping[str, Any], *, text: str | None = None) -> State:
    """The state after values were put in by hand (a card) or by a command; raises BadInput, changing nothing.

    What was unclear and asked about last is settled by it.
    """
    before = intent_of(state)
    asked = (state.get("asked") or [""])[-1]
    unclear = tuple(item for item in before.unresolved if UNRESOLVED + item.text != asked or text is None)
    after = edit(before, values).model_copy(update={"unresolved": unclear})
    entry = Provenance(source="edited", text=text, turn=state.get("turn", 1)).model_dump(mode="json")
    return _changed(state, before, after, dict.fromkeys(values, entry))


def undone(state: State) -> State | None:
    """The state before the last change, or None when nothing was specified before it."""
    return _stepped(state, "past", "future")


def redone(state: State) -> State | None:
    """The state that an undo left, or None."""
    return _stepped(state, "future", "past")


def withdrawn(state: State) -> State:
    """The state without its last change, as though it had never been asked for."""
    past = list(state.get("past") or [])
    if not past:
        return {"future": []}
    moment = past.pop()
    return {**_at(moment), "past": past, "future": []}


def restored(state: State, moment: Json) -> State:
    """The state with the intent and provenance of another moment; undo leads back."""
    return {**_at(moment), "past": [*(state.get("past") or []), _moment(state)][-UNDO_DEPTH:], "future": []}


def plannable(state: State) -> bool:
    """Whether anything was said that a plan can begin with."""
    return bool(intent_of(state).model_dump(exclude_none=True, exclude={"unresolved", "use_case_description"}))


def _waiting(state: State, before: Intent, said: Understanding) -> list[Unresolved]:
    """What was unclear before, has not been asked about, and is not said clearly now."""
    asked = set(state.get("asked") or [])
    clear = " ".join(entry.text or "" for entry in said.provenance.values())
    known = {item.text for item in said.intent.unresolved}
    return [
        item
        for item in before.unresolved
        if UNRESOLVED + item.text not in asked and item.text not in clear and item.text not in known
    ]


def _doubts(state: State, said: Understanding, unclear: Sequence[Unresolved]) -> list[Json]:
    """The questions to ask, in order: those about what is unclear under its words, those of a model under the field."""
    found: dict[str, Json] = {}
    for question in (*map(Question.model_validate, state.get("doubts") or []), *said.questions):
        about = next((item for item in unclear if item.text in question.question), None)
        field = UNRESOLVED + about.text if about else question.field
        if about or field in FIELDS:
            found[field] = question.model_copy(update={"field": field}).model_dump(mode="json")
    return list(found.values())


def _said_paths(said: Mapping[str, Any]) -> Json:
    """Dotted paths of what was said; records such as the budget merge field by field, lists replace."""
    paths: Json = {}
    for name, value in said.items():
        if isinstance(value, Mapping) and name != "usage":
            paths |= {f"{name}.{leaf}": inner for leaf, inner in value.items()}
        else:
            paths[name] = value
    return paths


def _overridden_load(before: Intent, said: Intent) -> list[str]:
    """A load that was changed ("actually 2000 users") must not be hidden by a more specific one said earlier."""
    corrected = [
        position
        for position, name in enumerate(LOAD_FIELDS)
        if getattr(said, name) is not None and getattr(before, name) not in (None, getattr(said, name))
    ]
    if not corrected:
        return []
    return [name for name in LOAD_FIELDS[: min(corrected)] if getattr(said, name) is None]


def _changed(state: State, before: Intent, after: Intent, entries: Mapping[str, Json]) -> State:
    if before == after:
        return {}
    leaves = changed_paths(Intent(), after)
    known = {**(state.get("provenance") or {}), **entries}
    kept = {path: entry for path, entry in known.items() if any(leaf.startswith(path) for leaf in leaves)}
    past = [*(state.get("past") or []), _moment(state)]
    return {
        "intent": after.model_dump(mode="json", exclude_none=True),
        "provenance": kept,
        "past": past[-UNDO_DEPTH:],
        "future": [],
        "chosen": None,
    }


def _moment(state: State) -> Json:
    return {"intent": state.get("intent") or {}, "provenance": state.get("provenance") or {}}


def _at(moment: Json) -> State:
    return {"intent": moment["intent"], "provenance": moment["provenance"], "chosen": None}


def _stepped(state: State, source: str, target: str) -> State | None:
    """One step along what was specified; moments at which nothing was are no place to go to."""
    stack: list[Json] = _places(state.get(source))  # type: ignore[arg-type]  # "past" or "future"
    if not stack:
        return None
    moment = stack.pop()
    stepped = _at(moment)
    stepped[source] = stack  # type: ignore[literal-required]
    stepped[target] = _places([*(state.get(target) or []), _moment(state)])[-UNDO_DEPTH:]  # type: ignore[literal-required,misc]
    return stepped


def _places(moments: list[Json] | None) -> list[Json]:
    return [moment for moment in moments or [] if plannable(_at(moment))]
