"""An instance of a JSON schema, for tool calls and JSON answers: conforming, seeded and bounded."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MAX_DEPTH = 12
_MOST_VALUES = 5000
_LARGEST_NUMBER = 1e15
_WORDS = ("alpha", "north", "river", "blue", "seven", "garden", "paper", "summer", "office", "stone")
_FORMATS = {
    "date-time": "2026-01-15T09:30:00Z",
    "date": "2026-01-15",
    "time": "09:30:00Z",
    "email": "someone@example.org",
    "uri": "https://example.org/",
    "uuid": "3f2b8c1e-5d4a-4b6f-9c7d-2e1f0a9b8c7d",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.org",
    "duration": "PT1H",
}


class UnsupportedSchema(ValueError):
    """A schema that cannot be met here; the message names the part."""


@dataclass(slots=True)
class _Work:
    """What one instance is made with: the schema's root for references, randomness, and how many values may follow."""

    root: Mapping[str, Any]
    rng: random.Random
    values_left: int = _MOST_VALUES


def instance(schema: object, rng: random.Random) -> Any:
    """A value that conforms to `schema`; UnsupportedSchema when it uses what is not understood (patterns, `not`)."""
    return _value(schema, _Work(schema if isinstance(schema, Mapping) else {}, rng), 0)


def _value(schema: object, work: _Work, depth: int) -> Any:
    work.values_left -= 1
    if work.values_left < 0:
        raise UnsupportedSchema(f"the schema needs more than {_MOST_VALUES} values")
    if schema is True:
        return work.rng.choice(_WORDS)
    if not isinstance(schema, Mapping):
        raise UnsupportedSchema(f"not a JSON schema: {str(schema)[:80]}")
    if depth > _MAX_DEPTH:
        raise UnsupportedSchema("the schema is nested or recursive beyond 12 levels")
    _refuse_unknown(schema)
    if "$ref" in schema:
        return _value(_referenced(str(schema["$ref"]), work.root), work, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return work.rng.choice(_sequence(schema, "enum"))
    for choice in ("anyOf", "oneOf"):
        if schema.get(choice):
            return _alternative(_sequence(schema, choice), work, depth)
    if schema.get("allOf"):
        return _value(_merged(schema, work.root), work, depth + 1)
    return _typed(schema, work, depth)


def _refuse_unknown(schema: Mapping[str, Any]) -> None:
    for keyword in ("not", "if", "pattern", "patternProperties", "dependentSchemas"):
        if keyword in schema:
            raise UnsupportedSchema(f"the schema keyword {keyword!r} is not supported")


def _alternative(choices: list[Any], work: _Work, depth: int) -> Any:
    """One of the alternatives: the drawn one, or when it cannot end (recursion) the first that can."""
    failure = UnsupportedSchema("no alternative of the schema can be met")
    for choice in (work.rng.choice(choices), *choices):
        try:
            return _value(choice, work, depth + 1)
        except UnsupportedSchema as error:
            failure = error
    raise failure


def _typed(schema: Mapping[str, Any], work: _Work, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    match kind:
        case "object":
            return _object(schema, work, depth)
        case "array":
            fewest = _whole(schema, "minItems", 0)
            count = max(fewest, min(2, _whole(schema, "maxItems", 2)))
            if count > 1000:
                raise UnsupportedSchema("minItems above 1000 is not supported")
            return [_value(schema.get("items", True), work, depth + 1) for _ in range(count)]
        case "string":
            return _string(schema, work.rng)
        case "integer" | "number":
            return _number(schema, work.rng, whole=kind == "integer")
        case "boolean":
            return work.rng.random() < 0.5
        case "null":
            return None
    raise UnsupportedSchema(f"unknown schema type {str(kind)[:40]!r}")


def _object(schema: Mapping[str, Any], work: _Work, depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = schema.get("required") or []
    if not isinstance(properties, Mapping) or not _are_names(required):
        raise UnsupportedSchema("properties must be an object and required a list of names")
    made = {}
    for name, part in properties.items():
        try:
            made[name] = _value(part, work, depth + 1)
        except UnsupportedSchema:
            if name in required:
                raise
    extra = schema.get("additionalProperties", True)
    for name in required:
        if name not in made:
            made[name] = _value(extra if isinstance(extra, Mapping) else True, work, depth + 1)
    return made


def _are_names(given: object) -> bool:
    return isinstance(given, list) and all(isinstance(name, str) for name in given)


def _string(schema: Mapping[str, Any], rng: random.Random) -> str:
    if str(schema.get("format")) in _FORMATS:
        return _FORMATS[str(schema["format"])]
    shortest, longest = _whole(schema, "minLength", 0), _whole(schema, "maxLength", 40)
    if shortest > 10_000:
        raise UnsupportedSchema("minLength above 10000 is not supported")
    text = rng.choice(_WORDS)
    while len(text) < shortest:
        text += " " + rng.choice(_WORDS)
    return text[: max(longest, shortest)]


def _number(schema: Mapping[str, Any], rng: random.Random, *, whole: bool) -> float | int:
    low, high = _real(schema, "minimum"), _real(schema, "maximum")
    above, below = _real(schema, "exclusiveMinimum"), _real(schema, "exclusiveMaximum")
    step = _real(schema, "multipleOf") or (1.0 if whole else 0.01)
    smallest = max((bound for bound in (low, above) if bound is not None), default=None)
    largest = min((bound for bound in (high, below) if bound is not None), default=None)
    if smallest is None:
        smallest = 0.0 if largest is None or largest > 0 else largest - 100 * step
    first = -(-smallest // step)
    last = largest // step if largest is not None else first + 100
    first += first * step == above
    last -= last * step == below
    if last < first or step <= 0:
        raise UnsupportedSchema("no number lies within the schema's bounds")
    value = (first + rng.randrange(int(min(last - first, 100)) + 1)) * step
    return int(value) if whole else round(value, 6)


def _merged(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """`allOf` folded into one schema: properties and required add up, other keywords are overridden."""
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in _sequence(schema, "allOf"):
        whole = _referenced(str(part["$ref"]), root) if isinstance(part, Mapping) and "$ref" in part else part
        if not isinstance(whole, Mapping):
            raise UnsupportedSchema("allOf must hold schemas")
        for key, value in whole.items():
            if key == "properties" and isinstance(value, Mapping):
                merged["properties"] = {**_object_of(merged, "properties"), **value}
            elif key == "required" and isinstance(value, list):
                merged["required"] = [*_sequence({"required": [], **merged}, "required"), *value]
            else:
                merged[key] = value
    return merged


def _referenced(reference: str, root: Mapping[str, Any]) -> object:
    found: object = root
    for step in reference.removeprefix("#").split("/")[1:]:
        if not isinstance(found, Mapping) or step not in found:
            raise UnsupportedSchema(f"the schema reference {reference[:80]!r} leads nowhere")
        found = found[step]
    return found


def _object_of(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = schema.get(key, {})
    if not isinstance(value, Mapping):
        raise UnsupportedSchema(f"{key} must be an object")
    return value


def _sequence(schema: Mapping[str, Any], key: str) -> list[Any]:
    if not isinstance(schema[key], list):
        raise UnsupportedSchema(f"{key} must be a list")
    return list(schema[key])


def _whole(schema: Mapping[str, Any], key: str, default: int) -> int:
    value = schema.get(key, default)
    if not isinstance(value, int) or value < 0:
        raise UnsupportedSchema(f"{key} must be a whole number")
    return value


def _real(schema: Mapping[str, Any], key: str) -> float | None:
    value = schema.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise UnsupportedSchema(f"{key} must be a number")
    if value is not None and not abs(value) < _LARGEST_NUMBER:
        raise UnsupportedSchema(f"{key} beyond {_LARGEST_NUMBER:g} is not supported")
    return value
