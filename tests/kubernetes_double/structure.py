"""Objects and their schemas: what is unknown or wrong, what is pruned and filled in."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.kubernetes.cel_rules import verdicts

from .kinds import Kind, resolved

_INVALID = "FieldValueInvalid"
_ROOT = ("apiVersion", "kind", "metadata")
_QUANTITY = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$")


def unknown_fields(entry: Mapping[str, Any], kind: Kind) -> list[str]:
    body = {name: value for name, value in entry.items() if name not in _ROOT}
    return list(_unknown(body, kind.schema, ""))


def pruned(entry: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Without fields that the schema does not know."""
    body = _pruned({name: value for name, value in entry.items() if name not in _ROOT}, kind.schema)
    return {**{name: entry[name] for name in _ROOT if name in entry}, **body}


def defaulted(entry: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """With the defaults that the schema gives."""
    made = copy.deepcopy(entry)
    _fill(made, kind.schema)
    return made


def violations(entry: Mapping[str, Any], kind: Kind) -> list[tuple[str, str, str]]:
    """(reason, field, message) of every value that the schema refuses."""
    body = {name: value for name, value in entry.items() if name not in _ROOT}
    found = list(_violations(body, kind.schema, ""))
    return found or [(_INVALID, verdict.field, f'Invalid value: "object": {verdict.message}') for verdict in
                     verdicts(defaulted(body, kind), kind.schema)]  # fmt: skip


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = schema.get("properties")
    return found


def _child(schema: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Schema of a field, or None when it is unknown."""
    properties = _properties(schema)
    if properties is not None and name in properties:
        return resolved(properties[name])
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping):
        return resolved(more)
    if schema.get("x-kubernetes-preserve-unknown-fields") or (properties is None and more is None):
        return {"x-kubernetes-preserve-unknown-fields": True}
    return None


def _unknown(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    schema = resolved(schema)
    if isinstance(value, Mapping):
        for name, entry in value.items():
            child, place = _child(schema, name), f"{path}.{name}" if path else name
            if child is None:
                yield place
            else:
                yield from _unknown(entry, child, place)
    elif isinstance(value, list) and "items" in schema:
        for position, entry in enumerate(value):
            yield from _unknown(entry, schema["items"], f"{path}[{position}]")


def _pruned(value: Any, schema: Mapping[str, Any]) -> Any:
    schema = resolved(schema)
    if isinstance(value, Mapping):
        children = {name: _child(schema, name) for name in value}
        return {name: _pruned(value[name], child) for name, child in children.items() if child is not None}
    if isinstance(value, list) and "items" in schema:
        return [_pruned(entry, schema["items"]) for entry in value]
    return value


def _fill(value: Any, schema: Mapping[str, Any]) -> None:
    schema = resolved(schema)
    if isinstance(value, dict):
        for name, child in (_properties(schema) or {}).items():
            if name not in value and "default" in child:
                value[name] = copy.deepcopy(child["default"])
        for name, entry in value.items():
            child = _child(schema, name)
            if child is not None:
                _fill(entry, child)
    elif isinstance(value, list) and "items" in schema:
        for entry in value:
            _fill(entry, schema["items"])


def _types(schema: Mapping[str, Any]) -> list[str]:
    named = schema.get("type", [])
    return [named] if isinstance(named, str) else list(named)


_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "integer": (int,),
    "number": (int, float), "null": (type(None),),
}  # fmt: skip


def _violations(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    schema = resolved(schema)
    if schema.get("x-kubernetes-int-or-string"):
        pattern = schema.get("pattern")
        if isinstance(value, str) and pattern and not re.search(pattern, value):
            yield _INVALID, path, f'Invalid value: "{value}": {path} in body should match {pattern!r}'
        return
    wrong = list(_scalar_violations(value, schema, path))
    yield from wrong
    if isinstance(value, Mapping):
        for name in schema.get("required", ()):
            if name not in value and name not in _ROOT:
                yield "FieldValueRequired", f"{path}.{name}".lstrip("."), "Required value"
        for name, entry in value.items():
            child = _child(schema, name)
            if child is not None:
                yield from _violations(entry, child, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list) and "items" in schema:
        for position, entry in enumerate(value):
            yield from _violations(entry, schema["items"], f"{path}[{position}]")


def _scalar_violations(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    types = _types(schema)
    if types and value is not None and not any(_is(value, name) for name in types):
        wanted = next(name for name in types if name != "null")
        given = next((name for name in _JSON_TYPES if _is(value, name)), "null")
        message = f'Invalid value: "{given}": {path} in body must be of type {wanted}: "{given}"'
        yield "FieldValueTypeInvalid", path, message
        return
    if "enum" in schema and value is not None and value not in schema["enum"]:
        yield "FieldValueNotSupported", path, f"Unsupported value: {value!r}"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield (
            "FieldValueInvalid",
            path,
            (f"Invalid value: \"{value}\": {path} in body should match '{schema['pattern']}'"),
        )
    if isinstance(value, int | float) and "minimum" in schema and value < schema["minimum"]:
        yield (
            "FieldValueInvalid",
            path,
            (f"Invalid value: {value}: {path} in body should be greater than or equal to {schema['minimum']}"),
        )


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _JSON_TYPES[name])
