"""Who owns which field: field sets, server-side apply, conflicts (a small structured-merge-diff)."""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .kinds import Kind, resolved

Path = tuple[str, ...]
_IGNORED = {("f:apiVersion",), ("f:kind",)}
_METADATA = {"labels", "annotations", "finalizers", "ownerReferences"}
_FREE: Mapping[str, Any] = {"x-kubernetes-preserve-unknown-fields": True}


@dataclass(frozen=True)
class Conflict:
    manager: str
    path: Path

    @property
    def field(self) -> str:
        return dotted(self.path)


def owned(entry: Mapping[str, Any], kind: Kind) -> frozenset[Path]:
    """Paths of the leaves of an object (or part of one) that somebody wrote."""
    body = {name: value for name, value in entry.items() if name not in ("apiVersion", "kind", "metadata")}
    metadata = {name: value for name, value in entry.get("metadata", {}).items() if name in _METADATA}
    return frozenset([*_leaves(body, kind.schema, ()), *_leaves({"metadata": metadata} if metadata else {}, _FREE, ())])


def value_at(value: Any, path: Path) -> Any:
    """What stands at a path; None where nothing does."""
    for part in path:
        if part == ".":
            return True
        value = _step(value, part)
        if value is None:
            return None
    return value


def merged(live: Any, applied: Any, schema: Mapping[str, Any]) -> Any:
    """The live value with the applied one laid over it."""
    schema = resolved(schema)
    if isinstance(live, dict) and isinstance(applied, Mapping):
        result = dict(live)
        for name, entry in applied.items():
            result[name] = merged(live[name], entry, _schema_of(schema, name)) if name in live else copy.deepcopy(entry)
        return result
    keys = schema.get("x-kubernetes-list-map-keys")
    if isinstance(live, list) and isinstance(applied, list) and keys:
        places = {_key(entry, keys): position for position, entry in enumerate(live)}
        result_list = list(live)
        for entry in applied:
            position = places.get(_key(entry, keys))
            if position is None:
                result_list.append(copy.deepcopy(entry))
            else:
                result_list[position] = merged(live[position], entry, schema.get("items", {}))
        return result_list
    return copy.deepcopy(applied)


def patched(live: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7396): what is null goes, lists are replaced whole."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = dict(live) if isinstance(live, Mapping) else {}
    for name, entry in patch.items():
        if entry is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), entry)
    return result


def removed(entry: dict[str, Any], path: Path) -> None:
    """Take away what stands at a path."""
    parent: Any = entry
    *before, last = path
    if last == ".":
        *before, last = before
    for part in before:
        parent = _step(parent, part)
        if parent is None:
            return
    if last.startswith("f:") and isinstance(parent, dict):
        parent.pop(last[2:], None)
    elif isinstance(parent, list):
        found = _step(parent, last)
        if found is not None:
            parent.remove(found)


def conflicts(
    live: Mapping[str, Any], applied: Mapping[str, Any], wanted: frozenset[Path], others: Mapping[str, frozenset[Path]]
) -> list[Conflict]:
    """Fields of `wanted` whose value differs from the live one and that another manager (in its words) owns."""
    changed = [path for path in sorted(wanted) if path[-1] != "." and value_at(live, path) != value_at(applied, path)]
    return [Conflict(manager, path) for manager, paths in others.items() for path in changed if path in paths]


def dotted(path: Path) -> str:
    """A path as the API server writes it: `.spec.ports[port=80].name`."""
    text = ""
    for part in path:
        if part.startswith("f:"):
            text += "." + part[2:]
        elif part.startswith("k:"):
            keys = ",".join(f"{name}={json.dumps(value)}" for name, value in json.loads(part[2:]).items())
            text += f"[{keys}]"
    return text


def fields_v1(paths: frozenset[Path]) -> dict[str, Any]:
    """A field set as managedFields holds it."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        for part in path:
            node = node.setdefault(part, {})
    return tree


def paths_of(tree: Mapping[str, Any], before: Path = ()) -> frozenset[Path]:
    """The inverse of `fields_v1`."""
    found: set[Path] = set()
    for part, below in tree.items():
        found |= paths_of(below, (*before, part)) if below else {(*before, part)}
    return frozenset(found)


def _leaves(value: Any, schema: Mapping[str, Any], path: Path) -> Iterator[Path]:
    schema = resolved(schema)
    if isinstance(value, Mapping) and value and schema.get("x-kubernetes-map-type") != "atomic":
        for name, entry in value.items():
            yield from _leaves(entry, _schema_of(schema, name), (*path, f"f:{name}"))
        return
    keys = schema.get("x-kubernetes-list-map-keys")
    if isinstance(value, list) and keys and value:
        for entry in value:
            here = (*path, f"k:{_key(entry, keys)}")
            yield (*here, ".")
            yield from _leaves(entry, schema.get("items", {}), here)
        return
    if path and path not in _IGNORED:
        yield path


def _schema_of(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    child = (schema.get("properties") or {}).get(name)
    if child is None and isinstance(schema.get("additionalProperties"), Mapping):
        child = schema["additionalProperties"]
    return resolved(child) if child is not None else _FREE


def _key(entry: Mapping[str, Any], keys: list[str]) -> str:
    return json.dumps({name: entry.get(name) for name in keys if name in entry}, sort_keys=True, separators=(",", ":"))


def _step(value: Any, part: str) -> Any:
    if part.startswith("f:"):
        return value.get(part[2:]) if isinstance(value, Mapping) else None
    if part.startswith("k:") and isinstance(value, list):
        keys = json.loads(part[2:])
        return next((entry for entry in value if all(entry.get(name) == keys[name] for name in keys)), None)
    return None
