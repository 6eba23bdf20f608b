"""What an intent needs before prices apply to it: a budget in dollars, a volume in a unit that somebody sells by.

Until that is known the plan is made without it, and it is asked for; nothing fails and nothing is guessed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from knowledge.errors import BadInput
from templates.numbers import amount
from tools.editing import edit
from tools.intent import Intent, Question, WorkloadType
from tools.market import Market
from tools.units import parse_unit

BUDGET, UNIT = "budget.max_monthly_cost_usd", "usage.unit"

_PERIODS_PER_MONTH = {"hour": 730.0, "day": 30.42, "month": 1.0, "year": 1 / 12}
_HIGHEST_RATE = 20.0
"""A bare number up to this, answering for a sum of more than it, is an exchange rate and not a sum."""

_RATE = re.compile(
    r"^(?:(?:at|rate|about|around|~)\s+)*(?:1\s*(?:€|[a-z]{3,6})\s*(?:=|is|are|equals|makes|sind|ist|vaut|son|es)\s*)?"
    r"\$?(\d+(?:[.,]\d+)?)\s*(?:usd|dollars?|\$)?(?:\s*(?:per|a|to the|for one|/)\s*[a-z€]+)?$"
)
_EACH = re.compile(r"^(?:(?:about|around|some|~|each|one|is|has|are)\s+)*(\d[\d,]*(?:\.\d+)?)\s*([a-z_ ]*?)"
                   r"(?:\s+(?:each|per \w+|a piece|apiece))?$")  # fmt: skip
_PRICED_BY = {
    "embeddings": "tokens", "moderation": "tokens", "rerank": "searches", "image_generation": "images",
    "vision": "images", "video_generation": "video seconds", "speech_to_text": "audio minutes",
    "text_to_speech": "characters",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Missing:
    """What is left out of the planning until the question is answered."""

    left_out: str
    question: Question


def missing(intent: Intent, market: Market) -> Missing | None:
    """What keeps a part of the intent from being priced, or None."""
    budget = intent.budget
    if budget is not None and budget.currency not in (None, "USD") and budget.max_monthly_cost_usd is None:
        stated = f"{amount(budget.amount)} {budget.currency} a {budget.period or 'month'}"
        words = (
            f"Prices are in US dollars. What is {stated} in dollars, or how many dollars is one {budget.currency}? "
            f"Until you say, the plan has no budget."
        )
        return Missing("budget", Question(field=BUDGET, question=words, suggestions=("drop the budget",)))
    if intent.usage is not None and not _sold(intent, market) and _in_tokens(intent) is None:
        unit = _PRICED_BY.get(intent.workload_type or "", "tokens")
        words = (
            f"Nobody sells this by {intent.usage.unit.replace('_', ' ')}. How many {unit} is one of them? "
            f"Until you say, sellers are ranked by their price and not by a monthly bill."
        )
        return Missing("usage", Question(field=UNIT, question=words, suggestions=(f"100 {unit}", f"1,000 {unit}")))
    return None


def priceable(intent: Intent, market: Market) -> Intent:
    """The intent without what cannot be priced yet; documents whose length was said are priced by their tokens."""
    tokens = _in_tokens(intent)
    if tokens is not None and not _sold(intent, market):
        intent = edit(intent, {"usage.quantity": tokens, "usage.unit": "tokens"})
    lacking = missing(intent, market)
    return edit(intent, {lacking.left_out: None}) if lacking else intent


def completing(text: str, intent: Intent, market: Market) -> Mapping[str, Any] | None:
    """The values that an answer to the question gives, or None when it is no such answer."""
    lacking = missing(intent, market)
    plain = " ".join(text.lower().split()).strip(" .!?")
    if lacking is None:
        return None
    return _exchanged(plain, intent) if lacking.left_out == "budget" else _counted(plain, intent)


def _in_tokens(intent: Intent) -> float | None:
    """The volume in tokens where that is how it is sold and the length of one item was said."""
    by_tokens = _PRICED_BY.get(intent.workload_type or "") == "tokens"
    if intent.usage is None or not by_tokens or intent.prompt_length_avg is None or intent.usage.unit == "tokens":
        return None
    return intent.usage.quantity * intent.prompt_length_avg


def _sold(intent: Intent, market: Market) -> bool:
    """Whether anybody has a price for the unit in which the volume was said."""
    if intent.usage is None or intent.workload_type in (None, "llm"):
        return True
    return _dimension(intent.usage.unit, intent.workload_type) in _dimensions(market, intent.workload_type)


@lru_cache(maxsize=32)
def _dimensions(market: Market, workload: WorkloadType) -> frozenset[str | None]:
    """What the workload is sold by."""
    prices = (price for price in market.api_prices if price.workload_type == workload)
    return frozenset(_dimension(price.unit_name, workload) for price in prices) - {None}


def _dimension(unit: str, workload: WorkloadType | None) -> str | None:
    try:
        return parse_unit(unit, workload).dimension
    except BadInput:
        return None


def _exchanged(plain: str, intent: Intent) -> Mapping[str, Any] | None:
    said = _RATE.match(plain)
    budget = intent.budget
    if said is None or budget is None or budget.amount is None:
        return None
    rate = float(said[1].replace(",", "."))
    if not 0 < rate <= _HIGHEST_RATE or rate >= budget.amount:
        return None
    return {BUDGET: round(budget.amount * rate * _PERIODS_PER_MONTH[budget.period or "month"], 2)}


def _counted(plain: str, intent: Intent) -> Mapping[str, Any] | None:
    said = _EACH.match(plain)
    if said is None or intent.usage is None:
        return None
    unit = said[2].strip() or _PRICED_BY.get(intent.workload_type or "", "tokens")
    priced_by = _PRICED_BY.get(intent.workload_type or "", "tokens")
    if _dimension(unit, intent.workload_type) != _dimension(priced_by, intent.workload_type):
        return None
    quantity = intent.usage.quantity * float(said[1].replace(",", ""))
    return {"usage.quantity": quantity, "usage.unit": unit.replace(" ", "_")}
