"""How values become YAML: one function that every hole of every template goes through, so that none can break out."""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2

from knowledge.errors import BadInput

_PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9._/-]*(:[A-Za-z0-9._/-]+)*$")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


@dataclass(frozen=True, slots=True)
class JsonText:
    """A document that stands in YAML as a literal block: ASCII JSON of `value`, nothing else."""

    value: Any

    def __str__(self) -> str:
        return json.dumps(self.value, indent=2, ensure_ascii=True, allow_nan=False, sort_keys=True)


def scalar(value: Any) -> str:
    """A YAML scalar (or flow collection) that reads back as `value`: str, int, float, bool, None, list or dict."""
    if isinstance(value, JsonText):
        return str(value)
    if isinstance(value, jinja2.Undefined):
        return str(value)  # StrictUndefined raises, naming the hole
    if isinstance(value, str):
        return value if _plain(value) else '"' + "".join(_escaped(character) for character in value) + '"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {scalar(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(scalar(entry) for entry in value) + "]"
    return json.dumps(value, allow_nan=False)


@cache
def environment() -> jinja2.Environment:
    """The templates of `templates/manifests`: an undefined name is an error, every value is escaped."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("templates", "manifests"),
        undefined=jinja2.StrictUndefined,
        finalize=scalar,
        autoescape=False,  # noqa: S701 - `finalize` escapes for YAML; HTML escaping would corrupt it
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _plain(text: str) -> bool:
    return bool(_PLAIN.match(text)) and text.isascii() and text.lower() not in _WORDS and not text.endswith((":", "\n"))


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    if 0xD800 <= code <= 0xDFFF:
        raise BadInput("a text holds half of a character (a lone surrogate)", "write it as Unicode")
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
