"""Changes to an intent by dotted path: what cards, `--set`, what-ifs and commands share.

A change is checked as a whole: either every value is accepted and a new intent returned, or the first fault is named
and nothing changed.
"""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from knowledge.errors import BadInput, NotFound
from tools.intent import Intent


def _inner(annotation: Any) -> Any:
    """The type behind `X | None` and `Annotated[X, …]`."""
    if hasattr(annotation, "__metadata__"):
        return _inner(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _inner(next(arg for arg in get_args(annotation) if arg is not type(None)))
    return annotation


def _paths(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        inner = _inner(info.annotation)
        paths[prefix + name] = inner
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            paths |= _paths(inner, f"{prefix}{name}.")
    return paths


FIELDS: Mapping[str, Any] = {path: kind for path, kind in _paths(Intent).items() if path != "unresolved"}
"""Every path that may be changed, with its type."""


def read_assignment(text: str) -> tuple[str, Any]:
    """`path=value` as typed on a command line: JSON where it is JSON, comma-separated for lists, else the words.

    `null` clears a field. Raises BadInput or NotFound.
    """
    path, separator, value = text.partition("=")
    if not separator:
        raise BadInput(f"cannot read {text[:80]!r}: expected field=value", "for example --set total_users=2000")
    path = path.strip()
    kind = _kind(path)
    value = value.strip()
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    if get_origin(kind) is tuple and isinstance(read, str):
        read = [part.strip() for part in read.split(",") if part.strip()]
    return path, read


def _kind(path: str) -> Any:
    if path not in FIELDS:
        near = tuple(get_close_matches(path, FIELDS, n=3, cutoff=0.5))
        raise NotFound("field", path, near, field=path)
    return FIELDS[path]


def look_up(tree: Any, path: str) -> Any:
    """The value at a dotted path of nested mappings and lists; None where there is none."""
    for part in path.split("."):
        if isinstance(tree, Mapping):
            tree = tree.get(part)
        elif isinstance(tree, Sequence) and not isinstance(tree, str) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            return None
    return tree


def edit(intent: Intent, values: Mapping[str, Any]) -> Intent:
    """The intent with `values` (dotted path → value, None clears) put in.

    Raises NotFound for an unknown path and BadInput naming the path, what was wrong and the value.
    """
    tree = intent.model_dump(mode="json")
    for path, value in values.items():
        _kind(path)
        _put(tree, path.split("."), value)
    try:
        return Intent.model_validate_json(json.dumps(tree), strict=False)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        changed = next((path for path in values if where.startswith(path) or path.startswith(where)), where)
        shown = str(values.get(changed))[:80]
        raise BadInput(
            f"{where}: {fault['msg'].lower()} (got {shown})", f"set {changed} to a valid value", field=changed
        ) from error
    except ValueError as error:
        raise BadInput(f"{', '.join(values)}: not a usable value ({error})", field=next(iter(values), None)) from error


def _put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, leaf = path
    for parent in parents:
        if tree.get(parent) is None:
            tree[parent] = {}
        tree = tree[parent]
    tree[leaf] = value


def changed_paths(before: Intent, after: Intent) -> dict[str, tuple[Any, Any]]:
    """Leaf paths whose value differs: path → (before, after)."""
    old, new = _leaves(before.model_dump(mode="json")), _leaves(after.model_dump(mode="json"))
    return {path: (old.get(path), new.get(path)) for path in sorted(old | new) if old.get(path) != new.get(path)}


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            leaves |= _leaves(value, f"{prefix}{name}.")
        elif value not in (None, []):
            leaves[prefix + name] = value
    return leaves
