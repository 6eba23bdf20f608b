"""What a message asks for, typed. Language (rules or a model) ends here; everything after is deterministic."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.intent import Intent, Understanding


@dataclass(frozen=True, slots=True)
class Describe:
    """New facts about the need; they join what was said before, the newest word winning."""

    understanding: Understanding


@dataclass(frozen=True, slots=True)
class Set:
    """Put values into the intent (dotted path → value); `text` is the words that said so."""

    values: Mapping[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Take fields out of the intent."""

    fields: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Plan beside the present plan with other values (dotted path → value), changing nothing.

    `option` is the id of the option asked about; empty: the balanced one.
    """

    values: Mapping[str, Any]
    text: str
    option: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """Put options side by side (ids, or list names such as `lowest_cost`); empty: the named lists' best."""

    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explain:
    """Why this, why not that, where does a number come from.

    `subject` is an option id, a model or accelerator id, a field path, `trace`, or empty for the chosen option;
    `option` is the id of the option that a side such as `cost` is asked of, empty: the chosen one.
    """

    subject: str = ""
    option: str = ""


@dataclass(frozen=True, slots=True)
class Choose:
    """Take an option by id, by list name, or by 1-based position in the list shown."""

    option: str


@dataclass(frozen=True, slots=True)
class Approve:
    """Deploy what the card shows, on the target of that name; empty: the default one."""

    target: str = ""


@dataclass(frozen=True, slots=True)
class Validate:
    """Load-test the deployment again."""


@dataclass(frozen=True, slots=True)
class RollBack:
    """Undo the deployment."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Leave the specification without deploying."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Back to the specification before the last change."""


@dataclass(frozen=True, slots=True)
class Redo:
    """Forward again after an undo."""


@dataclass(frozen=True, slots=True)
class SaveScenario:
    """Keep the present specification under a name."""

    name: str


@dataclass(frozen=True, slots=True)
class LoadScenario:
    """Return to a kept specification; empty: the first one of this conversation."""

    name: str


@dataclass(frozen=True, slots=True)
class CatalogQuestion:
    """A question about prices, answered from catalog rows only."""

    text: str


@dataclass(frozen=True, slots=True)
class InvoiceAnalysis:
    """Analyse the attached invoice."""


@dataclass(frozen=True, slots=True)
class Status:
    """What is deployed and how it does."""


@dataclass(frozen=True, slots=True)
class StartOver:
    """Forget the specification."""


@dataclass(frozen=True, slots=True)
class Help:
    """What can be said here."""


@dataclass(frozen=True, slots=True)
class DontKnow:
    """The person has no answer to what was asked: the default stands, and it is not asked again."""


Command = (
    Describe
    | Set
    | Clear
    | WhatIf
    | Compare
    | Explain
    | Choose
    | Approve
    | Validate
    | RollBack
    | Cancel
    | Undo
    | Redo
    | SaveScenario
    | LoadScenario
    | CatalogQuestion
    | InvoiceAnalysis
    | Status
    | StartOver
    | Help
    | DontKnow
)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a message is read against: the intent so far, the profile behind it, what is shown and what was asked."""

    intent: Intent
    traffic: Mapping[str, Any]
    options: tuple[Mapping[str, Any], ...] = ()
    lists: Mapping[str, tuple[str, ...]] | None = None
    chosen: str | None = None
    asked: str | None = None
    deployed: bool = False
    turn: int = 1
    said: tuple[str, ...] = ()
    """Words of the last turn that filled fields."""
    last: Mapping[str, Any] = field(default_factory=dict)
    """The question that was answered in the last turn, as `{"command": name, …}`; empty: none was."""
