"""Amounts in questions about prices: "100 million tokens", "2M output tokens", "500 hours", and what they come to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from knowledge.errors import BadInput
from knowledge.store.offer import GPU, Offer
from tools.catalog.query import BLEND
from tools.units import Quantity, UnitPrice, convertible, parse_unit

_SCALES = {"k": 3, "thousand": 3, "tausend": 3, "mille": 3, "mil": 3, "m": 6, "mio": 6, "million": 6, "millions": 6,
           "millionen": 6, "millones": 6, "b": 9, "bn": 9, "billion": 9, "billions": 9, "milliarden": 9}  # fmt: skip
_PARTS = {"input": "input", "prompt": "input", "output": "output", "completion": "output"}
# Things that prices are for, as people write them -> a unit that `tools.units` knows.
_NOUNS = {
    "tokens?|toks?|jetons?": "token",
    "images?|pictures?|photos?|bilder|bild|im[aá]gen(?:es)?": "image",
    "hours?|hrs?|h|stunden?|heures?|horas?": "hour",
    "minutes?|mins?|minuten|minutos?": "minute",
    "seconds?|secs?|sekunden?|secondes?|segundos?": "second",
    "characters?|chars?|zeichen|caract[eè]res": "char",
    "pages?|seiten?|p[aá]ginas?": "page",
    "searches|search": "search",
    "quer(?:y|ies)": "query",
    "requests?|anfragen|requ[eê]tes": "request",
    "megapixels?": "megapixel",
}  # fmt: skip
_NOUN = "|".join(_NOUNS)
_AMOUNT = re.compile(
    r"(?<![\w.$€-])(?<!per )(?<!above )(?<!over )(?<!under )(?<!pro )(?<!par )(?<!por )"
    r"(?:(?P<count>\d{1,3}(?:[,']\d{3})+|\d+(?:\.\d+)?)\s?|(?:an?|one|eine|une?)\s(?=[a-z]*(?:million|thousand|billion)))"
    rf"(?P<scale>(?:{'|'.join(_SCALES)})\b\.?)?\s?(?:of |de |d')?"
    rf"(?:(?P<part>{'|'.join(_PARTS)})\b\s?(?P<of>{_NOUN})?|(?P<noun>{_NOUN}))\b"
    r"(?: of (?:audio|video|speech|text)\b)?"
)
_EVERY = re.compile(
    r"\b(?:an?|per|each|every|/)\s?(?P<time>day|week|month|year)\b|\b(?P<adverb>dai|week|month|year)ly\b"
)


@dataclass(frozen=True, slots=True)
class Amount:
    """Characters `start` to `end` of a question: `count` of a `noun`, of one `part` of it where that was said."""

    start: int
    end: int
    count: Decimal
    noun: str
    part: str
    text: str

    def quantity(self, workload: str) -> Quantity:
        """The amount with its unit; what a bare hour is of is told by the workload. Raises `BadInput`."""
        return Quantity(self.count, parse_unit(self.noun, workload))


@dataclass(frozen=True, slots=True)
class Term:
    """One product of a sum: `units` of the unit of a price, and what they cost."""

    part: str
    units: float
    unit_usd: float
    usd: float


@dataclass(frozen=True, slots=True)
class Sum:
    """What amounts cost at the prices of one seller's model.

    `usd` is the cost; where tokens were asked for and neither read nor written was said, the cost of three read for one
    written, and `terms` are what all of them cost if only read and if only written (`mixed`).
    """

    terms: tuple[Term, ...]
    usd: float
    mixed: bool


def amounts_in(text: str) -> tuple[Amount, ...]:
    """Every amount of a question, in its order; a price's own unit ("per 1M tokens") is none."""
    found = []
    lowered = text.lower()
    for match in _AMOUNT.finditer(lowered):
        count = Decimal((match["count"] or "1").replace(",", "").replace("'", ""))
        scale = _SCALES[match["scale"].rstrip(".")] if match["scale"] else 0
        said = match["noun"] or match["of"] or "token"
        noun = next(noun for form, noun in _NOUNS.items() if re.fullmatch(form, said))
        if count:
            part = _PARTS.get(match["part"] or "", "")
            words = (text if len(text) == len(lowered) else lowered)[slice(*match.span())].strip()
            found.append(Amount(*match.span(), count.scaleb(scale), noun, part, words))
    return tuple(found)


def every(text: str) -> str:
    """The time in which an amount is used: `month` in "a month", or nothing."""
    said = _EVERY.search(text)
    return (said["time"] or {"dai": "day"}.get(said["adverb"], said["adverb"])) if said else ""


def without_times(text: str) -> str:
    """The text without "a month" and the like."""
    return _EVERY.sub(lambda match: " " * len(match.group()), text)


def sum_of(amounts: Sequence[Amount], offers: Sequence[Offer]) -> Sum | None:
    """What the amounts cost at the prices of one model of one seller; None where no price is for such a thing."""
    terms = [term for amount in amounts for offer in offers if (term := _term(amount, offer))]
    if not terms or not all(any(_term(amount, offer) for offer in offers) for amount in amounts):
        return None
    if len(amounts) == 1 and {term.part for term in terms} == set(BLEND):
        both = {term.part: term for term in terms}
        usd = sum(share * both[part].usd for part, share in BLEND.items())
        return Sum(tuple(both[part] for part in BLEND), usd, mixed=True)
    if len(terms) > len(amounts):
        terms = terms[: len(amounts)]
    return Sum(tuple(terms), sum(term.usd for term in terms), mixed=False)


def _term(amount: Amount, offer: Offer) -> Term | None:
    if amount.part and offer.direction != amount.part:
        return None
    try:
        unit = parse_unit(offer.unit_name, offer.workload_type)
        quantity = amount.quantity(offer.workload_type)
    except BadInput:
        return None
    if not convertible(quantity.unit, unit):
        return None
    price = UnitPrice(Decimal(str(offer.unit_price_usd)), unit)
    cards = int(offer.gpu_count or 1) if offer.workload_type == GPU else 1
    units = float(quantity.to(unit).amount)
    usd = float(price.cost_usd(quantity))
    return Term(offer.direction, units, offer.unit_price_usd / cards, usd / cards)
