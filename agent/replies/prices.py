"""Questions about prices, answered from catalog rows only, each with its source and date."""

import re

from agent.context import Context
from agent.events import Event, Said
from agent.state import Json, State
from templates.answers import answer

SHOWN = 6
ROWS = 15
CONSIDERED = 80
SPECIAL = ("batch", "cached", "priority", "flex", "spot", "reserved", "above")
"""Ways to be billed that nobody means who does not name them."""
_WORDS = re.compile(r"[a-z0-9][a-z0-9.\-_/]*", re.IGNORECASE)
_ASKING = frozenset(
    [
        "how",
        "much",
        "is",
        "are",
        "does",
        "do",
        "what",
        "the",
        "price",
        "prices",
        "of",
        "for",
        "a",
        "an",
        "cost",
        "costs",
        "per",
        "who",
        "sells",
        "offers",
        "cheapest",
        "provider",
        "api",
        "would",
        "by",
        "from",
        "in",
        "on",
        "at",
        "with",
        "token",
        "tokens",
        "million",
        "1m",
        "and",
        "or",
        "me",
        "tell",
        "show",
        "please",
        "hour",
        "month",
        "input",
        "output",
    ]
)


def catalog_answer(command: Json, state: State, context: Context) -> list[Event]:  # noqa: ARG001  # replies share this
    """The rows that the words of the question find; what is not there is said to be not there."""
    words = [word for word in _WORDS.findall(str(command["text"])) if word.lower().rstrip(".") not in _ASKING]
    catalog = context.catalog()
    try:
        found = catalog.search(" ".join(words), CONSIDERED) if words else []
        usual_first = sorted(found, key=lambda offer: _special(offer.billing_mode, str(command["text"]).lower()))
        rows = [catalog.record(offer) for offer in usual_first[:ROWS]]
    finally:
        catalog.store.close()
    told = answer("prices", asked=" ".join(words), rows=rows[:SHOWN])
    return [Said(told, "prices" if rows else "", {"asked": " ".join(words), "rows": rows} if rows else {})]


def _special(billing_mode: str, asked: str) -> bool:
    return any(word in billing_mode and word not in asked for word in SPECIAL)
