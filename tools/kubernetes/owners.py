"""Who manages a field of a live object, read from its managedFields (Kubernetes' FieldsV1).

FieldsV1 is a tree of `f:<field>`, `k:<keys of a list's item>`, `v:<value of a set>`, `i:<index>` and `.` for the item
itself; a branch that ends owns all that stands below it. Times there have a resolution of one second and say when a
manager last wrote anything, so they cannot tell who wrote a field; only the field sets can.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """A step into a list to the item whose `key` is `value`; `entry` is that item, whose other keys may count too."""

    key: str
    value: Any
    entry: Mapping[str, Any] = field(compare=False, repr=False)


Step = str | int | Item
"""Into a mapping by name, into a list by position, or into a list by what identifies an item."""


def owners(live: Mapping[str, Any], path: tuple[Step, ...], *, besides: str) -> tuple[str, ...]:
    """The managers that own the field at `path`, sorted; `besides` is the one who asks and is left out."""
    entries = live["metadata"].get("managedFields") or []
    names = {str(entry.get("manager", "")) for entry in entries if _owns(entry.get("fieldsV1") or {}, path)}
    return tuple(sorted(names - {besides, ""}))


def dotted(path: tuple[Step, ...]) -> str:
    """A path as people write it: `spec.ports[port=80].name`."""
    text = "".join(f"[{step.key}={step.value}]" if isinstance(step, Item) else f".{step}" for step in path)
    return text.removeprefix(".")


def _owns(fields: Mapping[str, Any], path: tuple[Step, ...]) -> bool:
    """Whether a field set holds the path, something around it as one piece, or something below it."""
    if not path:
        return True
    return any(not below or _owns(below, path[1:]) for below in _branches(fields, path[0]))


def _branches(fields: Mapping[str, Any], step: Step) -> Iterator[Mapping[str, Any]]:
    if isinstance(step, int):
        found = [fields[f"i:{step}"]] if f"i:{step}" in fields else []
    elif isinstance(step, str):
        found = [fields[f"f:{step}"]] if f"f:{step}" in fields else []
    else:
        found = [below for name, below in fields.items() if _names(name, step)]
    yield from found


def _names(name: str, item: Item) -> bool:
    """Whether a `k:` or `v:` of a field set stands for this item."""
    if name.startswith("v:"):
        return bool(json.loads(name[2:]) == item.entry)
    return name.startswith("k:") and all(item.entry.get(key) == value for key, value in json.loads(name[2:]).items())
