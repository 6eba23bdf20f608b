"""The validation rules (CEL) of a custom resource's schema, evaluated as an API server does when an object is new.

Rules see the object with the schema's defaults filled in, and fields whose names are words of the language by escaped
names (`namespace` is `__namespace__`). Rules that compare with an older state say nothing about a new object. A rule
that needs a function which is not here is told as not evaluated, never as kept.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import cel

_WORDS = frozenset(
    ("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
     "let", "loop", "package", "namespace", "return", "var", "void", "while")
)  # fmt: skip
_OLDER = re.compile(r"\boldSelf\b")
_MISSING = re.compile(r"Undefined variable or function: '(\w+)'")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule that does not hold at `field`, or (`evaluated` False) one that could not be asked."""

    field: str
    message: str
    evaluated: bool = True


def verdicts(value: Any, schema: Mapping[str, Any]) -> tuple[Verdict, ...]:
    """Every rule of `schema` that `value`, a new object, does not keep or that could not be evaluated."""
    return tuple(_below(_defaulted(value, schema), schema, ""))


def _below(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[Verdict]:
    rules = schema.get("x-kubernetes-validations")
    if rules and value is not None:
        seen = _escaped(value, schema)
        for rule in rules:
            if not _OLDER.search(rule["rule"]):
                yield from _asked(rule, seen, path)
    if isinstance(value, Mapping):
        for name, entry in value.items():
            child = _child(schema, name)
            if child is not None:
                yield from _below(entry, child, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for position, entry in enumerate(value):
            yield from _below(entry, schema["items"], f"{path}.{position}")


def _asked(rule: Mapping[str, Any], seen: Any, path: str) -> Iterator[Verdict]:
    message = str(rule.get("message") or f"breaks the rule {rule['rule']}").strip()
    try:
        holds = _program(rule["rule"]).execute(_context(seen))
    except (RuntimeError, TypeError, ValueError) as error:
        missing = _MISSING.search(str(error))
        what = f"the function {missing[1]} is not known here" if missing else str(error)[:100]
        yield Verdict(path, f"not evaluated: {message} ({what})", evaluated=False)
    except (KeyError, IndexError) as error:
        yield Verdict(path, f"no such key: {error.args[0] if error.args else ''} evaluating rule: {message}")
    else:
        if holds is not True:
            yield Verdict(path, message)


@cache
def _program(rule: str) -> cel.Program:
    return cel.compile(rule)


def _context(seen: Any) -> cel.Context:
    context = cel.Context()
    context.add_variable("self", seen)
    context.add_function("split", lambda text, separator: text.split(separator))
    return context


def _child(schema: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found = (schema.get("properties") or {}).get(name, schema.get("additionalProperties"))
    return found if isinstance(found, Mapping) else None


def _defaulted(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value with the schema's defaults where nothing is said."""
    if isinstance(value, Mapping):
        absent = {
            name: child["default"]
            for name, child in (schema.get("properties") or {}).items()
            if "default" in child and name not in value
        }
        filled = {**value, **absent}
        return {
            name: _defaulted(entry, child) if (child := _child(schema, name)) is not None else entry
            for name, entry in filled.items()
        }
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [_defaulted(entry, schema["items"]) for entry in value]
    return value


def _escaped(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value with the names of its fields as CEL sees them; keys of maps stay as they are."""
    if isinstance(value, Mapping):
        fields = schema.get("properties") or {}
        return {
            (_escape(name) if name in fields else name): _escaped(entry, _child(schema, name) or {})
            for name, entry in value.items()
        }
    if isinstance(value, list):
        items = schema.get("items")
        return [_escaped(entry, items if isinstance(items, Mapping) else {}) for entry in value]
    return value


def _escape(name: str) -> str:
    if name in _WORDS:
        return f"__{name}__"
    escaped = name.replace("__", "__underscores__")
    for sign, word in ((".", "dot"), ("-", "dash"), ("/", "slash")):
        escaped = escaped.replace(sign, f"__{word}__")
    return escaped
