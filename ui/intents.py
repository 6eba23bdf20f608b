"""Intents that a command works on: from words, from a file, and with fields set on the command line."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from knowledge.errors import BadInput

if TYPE_CHECKING:
    from knowledge.snapshot import Snapshot
    from tools.intent import Intent, Provenance
    from tools.market import Market
    from tools.planner.mix import RequestClass

MAX_BYTES = 1_000_000
MAX_INTENTS = 200

Said = Mapping[str, "Provenance"]


class Wanted(NamedTuple):
    """An intent, the provenance of its fields, and the request classes of its traffic where a mix was given."""

    intent: "Intent"
    said: Said
    classes: "tuple[RequestClass, ...]"


def intents(text: str | None, spec: Path | None, sets: Sequence[str], snapshot: "Snapshot") -> list[Wanted]:
    """Each intent with the provenance of its fields and its classes. Raises BadInput and NotFound naming the fault."""
    if (text is None) == (spec is None):
        raise BadInput(
            "say what you need, or give a file: one of TEXT and --spec", 'for example sextant plan "a chatbot"'
        )
    if text is not None:
        return [Wanted(*_with(*_understood(text, snapshot), sets), ())]
    return [Wanted(*_with(intent, {}, sets), classes) for intent, classes in _from_file(spec)]


def current_market(snapshot: "Snapshot") -> "Market":
    """The prices to plan with: the catalog's current view, or the bundled ones where nothing was synced yet."""
    from datetime import UTC, datetime

    from tools.market import Market
    from ui.settings import read_settings

    home = read_settings().home
    if not any(home.glob("prices*")):  # nothing synced: the store need not even be imported
        return Market.bundled(snapshot)
    from tools.catalog.market import market_at

    return market_at(home, snapshot, datetime.now(UTC).date())


def _understood(text: str, snapshot: "Snapshot") -> tuple["Intent", Said]:
    from agent.understanding import understand

    if not text.strip():
        raise BadInput(
            "the message is empty", 'say what you need, for example "a chatbot for 1000 users"', field="text"
        )
    understood = understand(text, snapshot)
    return understood.intent, understood.provenance


def _with(intent: "Intent", said: Said, sets: Sequence[str]) -> tuple["Intent", Said]:
    if not sets:
        return intent, said
    from tools.editing import edit, read_assignment
    from tools.intent import Provenance

    values = dict(read_assignment(each) for each in sets)
    entries = {path: Provenance(source="edited", text=f"{path}={value}") for path, value in values.items()}
    return edit(intent, values), {**said, **entries}


def _from_file(spec: Path | None) -> list[tuple["Intent", "tuple[RequestClass, ...]"]]:
    from pydantic import ValidationError

    from tools.intent import Intent

    if spec is None:
        return []
    values = _read(spec)
    items = values if isinstance(values, list) else [values]
    if not items or len(items) > MAX_INTENTS:
        raise BadInput(f"{spec} holds {len(items)} intents: 1 to {MAX_INTENTS} are planned at once", field="spec")
    found = []
    for position, item in enumerate(items):
        where = f"{spec}[{position}]" if isinstance(values, list) else str(spec)
        if not isinstance(item, dict):
            raise BadInput(
                f"{where} is not an intent object", "give an object with the fields of an intent", field="spec"
            )
        fields = item.get("intent", {each: value for each, value in item.items() if each != "classes"})
        try:
            intent = Intent.model_validate_json(json.dumps(fields), strict=False)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            path = ".".join(str(part) for part in fault["loc"])
            shown = f" (got {str(fault['input'])[:60]})" if fault["type"] != "extra_forbidden" else ""
            raise BadInput(f"{where}: {path}: {fault['msg'].lower()}{shown}", field=path) from error
        found.append((intent, _classes(item, where)))
    return found


def _classes(item: Mapping[str, Any], where: str) -> "tuple[RequestClass, ...]":
    """The traffic mix that stands beside an intent (`classes`), if there is one."""
    if item.get("classes") is None:
        return ()
    from tools.planner.mix import read_classes

    return read_classes(item["classes"], where)


def _read(spec: Path) -> Any:
    try:
        raw = sys.stdin.buffer.read(MAX_BYTES + 1) if str(spec) == "-" else spec.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {spec}: {error.strerror}", "give a file with an intent", field="spec") from error
    if len(raw) > MAX_BYTES:
        raise BadInput(f"{spec} is larger than {MAX_BYTES:,} bytes", field="spec")
    try:
        return json.loads(raw, parse_constant=_refused)
    except ValueError as error:
        raise BadInput(f"{spec} is not JSON: {error}", "give an intent as JSON", field="spec") from error


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is not a number that can be planned with")
