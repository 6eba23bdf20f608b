"""What a turn yields. Every face renders these and nothing else; every face sees the same."""

from dataclasses import asdict, dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """Words for the person. Every figure in `text` is among the facts of the turn."""

    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """The specification as groups of editable fields, each with unit and provenance, at a revision."""

    spec: Json
    revision: int


@dataclass(frozen=True, slots=True)
class Options:
    """Ranked options, the named lists, and what was rejected by which rule."""

    options: list[Json]
    lists: dict[str, list[str]]
    rejected: Json
    chosen: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two plans side by side, field by field."""

    rows: list[Json]
    title: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Work under way: a step, how far it is (0 to 1), and a note."""

    step: str
    fraction: float
    note: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a deployment and its load test: verdict per SLO, measured beside predicted."""

    report: Json


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, with quick answers."""

    field: str
    question: str
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """Something did not work: one line, and the way out."""

    message: str
    what_to_do: str


Event = Said | Card | Options | Comparison | Progress | Report | Asked | Failed


def to_json(event: Event) -> Json:
    """`{"type": "said", …}` with the fields of the event."""
    return {"type": type(event).__name__.lower(), **asdict(event)}
