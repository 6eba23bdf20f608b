"""Questions about prices, answered from catalog rows only, each with its source and date."""

import re

from agent.context import Context
from agent.events import Event, Said
from agent.state import Json, State
from templates.answers import answer

SHOWN = 6
ROWS = 15
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
        found = catalog.search(" ".join(words), ROWS) if words else []
        rows = [catalog.record(offer) for offer in found]
    finally:
        catalog.store.close()
    told = answer("prices", asked=" ".join(words), rows=rows[:SHOWN])
    return [Said(told, "prices" if rows else "", {"asked": " ".join(words), "rows": rows} if rows else {})]
