"""Questions about prices, answered from catalog rows only, each with its source and date."""

import re
from collections.abc import Sequence

from agent.context import Context
from agent.events import Event, Said
from agent.replies.explanation import explain
from agent.state import Json, State
from knowledge.store.offer import Offer
from templates.answers import answer
from tools.editing import look_up

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
        "hours",
        "minute",
        "minutes",
        "second",
        "month",
        "input",
        "output",
        "it",
        "that",
        "this",
        "one",
        "use",
        "using",
        "if",
        "we",
        "i",
    ]
)


def catalog_answer(command: Json, state: State, context: Context) -> list[Event]:
    """The rows that the words of the question find; what is not there is said to be not there."""
    words = [word for word in _WORDS.findall(str(command["text"])) if word.lower().rstrip(".") not in _ASKING]
    if not words and state.get("plan"):
        return explain({"subject": "cost"}, state, context)
    catalog = context.catalog()
    try:
        found = _of_the_workload(catalog.search(" ".join(words), CONSIDERED) if words else [], state)
        usual_first = sorted(found, key=lambda offer: _special(offer.billing_mode, str(command["text"]).lower()))
        rows = [catalog.record(offer) for offer in usual_first[:ROWS]]
    finally:
        catalog.store.close()
    told = answer("prices", asked=" ".join(words), rows=rows[:SHOWN])
    return [Said(told, "prices" if rows else "", {"asked": " ".join(words), "rows": rows} if rows else {})]


def _of_the_workload(found: Sequence[Offer], state: State) -> Sequence[Offer]:
    """Offers for the work that is planned, where there are any."""
    workload = look_up(dict(state), "plan.traffic.workload_type")
    fitting = [offer for offer in found if offer.workload_type == workload]
    return fitting or found


def _special(billing_mode: str, asked: str) -> bool:
    return any(word in billing_mode and word not in asked for word in SPECIAL)
