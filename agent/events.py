"""What a turn yields. Every face renders these and nothing else; every face sees the same."""

from dataclasses import dataclass, field, fields
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """Words for the person. Every figure in `text` is among the facts of the turn.

    `facts` are what the words were made from, for faces that draw them; `kind` names their form: `prices` (catalog
    rows), `bill` (the report of an invoice), `status` (deployments with what was observed of them), `deployed` (what is
    worth a word beside the card that shows the deployment). Empty: words only.
    """

    text: str
    kind: str = ""
    facts: Json = field(default_factory=dict)


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
    """Work under way: a step, how far it is (0 to 1), and a note.

    `stage` is where within the step (of a deployment: `reserved`, `applying`, `waiting`, …); `figures` are what a load
    test measured so far, by name: counts, and `ttft_p90_ms` and the like over all answers until now.
    """

    step: str
    fraction: float
    note: str
    stage: str = ""
    figures: Json = field(default_factory=dict)


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
class Replied:
    """What a deployed endpoint answers to a prompt, as far as it has come; the last one is `finished`.

    Times are those of the deployment (`time_factor` is taken out); None where nothing came.
    """

    text: str
    finished: bool
    prompt_tokens: int | None = None
    output_tokens: int = 0
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Something did not work: one line, and the way out."""

    message: str
    what_to_do: str


Event = Said | Card | Options | Comparison | Progress | Report | Asked | Replied | Failed


def to_json(event: Event) -> Json:
    """`{"type": "said", …}` with the fields of the event."""
    return {"type": type(event).__name__.lower(), **{each.name: getattr(event, each.name) for each in fields(event)}}
