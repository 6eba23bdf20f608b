"""The corpus: sentences and the fields they say. A third, by the hash of the text, is kept aside while tuning."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from tools.intent import Intent

HERE = Path(__file__).parent
KEPT_ASIDE = 3
RELATIVE_TOLERANCE = 1e-4
FREE_TEXT = frozenset(["use_case_description", "subject_matter", "unresolved"])
"""Fields in the user's own words: two right answers may differ in them, so they are not compared."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A message, the fields it says (dotted path to value), and whether it is kept aside."""

    theme: str
    text: str
    said: Mapping[str, Any]

    @property
    def kept_aside(self) -> bool:
        """A third of the sentences, by the hash of their text."""
        return sha256(self.text.encode()).digest()[0] % KEPT_ASIDE == 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """Fields that agree, that were understood but not said (or otherwise), and that were said but not understood."""

    right: frozenset[str]
    false: frozenset[str]
    missed: frozenset[str]

    @property
    def exact(self) -> bool:
        """Whether everything said was understood and nothing else."""
        return not self.false and not self.missed


@lru_cache(maxsize=1)
def sentences() -> tuple[Sentence, ...]:
    """Every sentence of the corpus."""
    found = []
    for path in sorted(HERE.glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            found.append(Sentence(path.stem, entry["say"], entry["expect"]))
    return tuple(found)


def fields_of(intent: Intent) -> dict[str, Any]:
    """The said fields of an intent by dotted path, without those in the user's own words."""
    fields: dict[str, Any] = {}
    for name, value in intent.model_dump(mode="json", exclude_none=True).items():
        if name in FREE_TEXT:
            continue
        if isinstance(value, dict):
            fields |= {f"{name}.{inner}": part for inner, part in value.items()}
        else:
            fields[name] = value
    return fields


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return frozenset(tuple(sorted(item.items())) if isinstance(item, dict) else item for item in value)
    return value


def equal(understood: Any, said: Any) -> bool:
    """Numbers within rounding, lists without order, everything else exactly."""
    if isinstance(understood, int | float) and isinstance(said, int | float):
        return abs(understood - said) <= RELATIVE_TOLERANCE * abs(said)
    return bool(_comparable(understood) == _comparable(said))


def agreement(understood: Mapping[str, Any], said: Mapping[str, Any]) -> Agreement:
    """Compare two sets of fields."""
    right = frozenset(path for path in understood if path in said and equal(understood[path], said[path]))
    return Agreement(right, frozenset(understood) - right, frozenset(said) - right)
