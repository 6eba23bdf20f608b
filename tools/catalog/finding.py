"""Which prices a question in words means, the best fit first, and near names where none fits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from rapidfuzz import fuzz, process

from knowledge.store.offer import GPU, Offer
from tools.catalog.amounts import Amount, sum_of
from tools.catalog.candidates import marks_of
from tools.catalog.catalog import Catalog
from tools.catalog.question import Question, read_question, special_modes
from tools.invoice.names import model_name, same_weights, seller_of, squeezed
from tools.invoice.rental import card_in, cards_by_words, forms_of

CONSIDERED = 400
NEAR_NAMES = 3
NEAR_ENOUGH = 70
COMPARED = 3
_PARTS = re.compile(r"\b(?:and|or|vs\.?|versus|than|und|oder|et|ou|y)\b|,")
_SAME_MODEL = re.compile(r"-(?:instruct|it|chat|turbo|versatile|fast|maas|hf)$")


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices that a question means, the best fit first; `near` are names to ask for where nothing fits.

    `note` says what was asked for and is not there; `amounts` are how much of it was asked for; `things` are the
    answers for each of several things that are compared; `elsewhere`: not at the seller that was named.
    """

    asked: str
    offers: tuple[Offer, ...]
    near: tuple[str, ...] = ()
    note: str = ""
    amounts: tuple[Amount, ...] = ()
    things: tuple["Prices", ...] = ()
    elsewhere: bool = False


def prices_asked(text: str, catalog: Catalog, *, workload_type: str = "", limit: int = 15) -> Prices:
    """Find the prices that `text` asks for; those for `workload_type` alone where there are any."""
    whole = _asked(text, catalog, workload_type, limit)
    amounts = whole.amounts
    parts = [part for part in _PARTS.split(text) if part.strip()] if not whole.offers or whole.elsewhere else []
    answers = [_asked(part, catalog, workload_type, limit, amounts) for part in parts[:COMPARED] if part != text]
    found = [answer for answer in answers if answer.offers]
    missing = [answer.asked for answer in answers if answer.asked and not answer.offers]
    note = f"“{missing[0]}” is not in the current catalog." if found and missing else ""
    if len(found) < 2:  # one thing is no comparison
        return replace(found[0], note=note or found[0].note) if found else whole
    each = max(2, limit // len(found))
    offers = [offer for answer in found for offer in answer.offers[:each]]
    asked = " and ".join(answer.asked for answer in found)
    return Prices(asked, tuple(offers), note=note, amounts=amounts, things=tuple(found))


def _asked(text: str, catalog: Catalog, workload_type: str, limit: int, amounts: tuple[Amount, ...] = ()) -> Prices:
    question = read_question(text, catalog.store.names("provider"))
    named = " ".join(question.words)
    amounts = question.amounts or amounts
    found, note = _offers(text, question, catalog), ""
    elsewhere = not found and bool(question.sellers and question.words)
    if elsewhere:
        found = _offers(text, replace(question, sellers=frozenset()), catalog)
        note = f"{' and '.join(sorted(question.sellers))} does not list {named}; these do." if found else ""
    found = [offer for offer in found if offer.workload_type == (question.workload or workload_type)] or found
    if amounts:
        found = [offer for offer in found if any(sum_of((amount,), (offer,)) for amount in amounts)] or found
    if not found:
        return Prices(named, (), _near(named, catalog), amounts=amounts)
    billed, unbilled = _billed_as(found, question)
    return Prices(named, tuple(_once(billed)[:limit]), note=note or unbilled, amounts=amounts, elsewhere=elsewhere)


def _offers(text: str, question: Question, catalog: Catalog) -> list[Offer]:
    return _rented(text, question, catalog) or _sold(question, catalog)


def _rented(text: str, question: Question, catalog: Catalog) -> list[Offer]:
    """Machines with the card or of the type that the question names, the cheapest card first.

    Where it names none and asks for cards: the cheapest of each.
    """
    if question.cards and not question.words:
        cheapest: dict[str, Offer] = {}
        for offer in _of_sellers(_cards(_State(catalog.store.path, catalog.version, catalog.today, catalog)), question):
            cheapest.setdefault(offer.model_key, offer)
        return list(cheapest.values())
    types = {squeezed(word) for word in question.words}
    card = card_in(text, cards_by_words(catalog.snapshot.aliases))
    exact = [
        offer
        for name in catalog.store.names("sku_name", workload_type=GPU)
        if squeezed(name) in types
        for offer in catalog.store.offers(workload_type=GPU, sku_name=name)
    ]
    models = forms_of(card, text) if card else ()
    offers = [offer for model in models for offer in catalog.store.offers(workload_type=GPU, model_key=model)]
    return _cheapest_first(_of_sellers(exact, question) or _of_sellers(offers, question), catalog)


@dataclass(frozen=True, slots=True)
class _State:
    """A state of the prices, to keep what was worked out of it, and the catalog to read it with."""

    path: Path
    version: str
    today: date
    catalog: Catalog = field(compare=False)


@lru_cache(maxsize=2)
def _cards(prices: _State) -> tuple[Offer, ...]:
    """Every rented machine: thousands of rows, read once for each state of the prices."""
    return tuple(_cheapest_first(prices.catalog.store.offers(workload_type=GPU), prices.catalog))


def _cheapest_first(offers: Sequence[Offer], catalog: Catalog) -> list[Offer]:
    return sorted(offers, key=lambda offer: (_doubt(offer, catalog), _per_card(offer), offer.sku_key))


def _of_sellers(offers: Sequence[Offer], question: Question) -> list[Offer]:
    return [offer for offer in offers if not question.sellers or offer.provider in question.sellers]


def _sold(question: Question, catalog: Catalog) -> list[Offer]:
    """Offers whose names hold the words; numbers and plain words that no name holds are left out."""
    words = list(question.words)
    if not words:
        found = [offer for seller in sorted(question.sellers) for offer in catalog.store.offers(provider=seller)]
        if not question.sellers and question.workload:
            found = catalog.store.offers(workload_type=question.workload)
        return _fitting(found, "", question, catalog)
    found = _found(words, question, catalog)
    if not found and (spelled := _spelled(words, catalog)):
        words = [spelled]
        found = _found(words, question, catalog)
    if not found:
        held = [word for word in words if not word.isdecimal()]
        held = [word for word in held if not word.isalpha() or catalog.store.search(word, 1)]
        if held and not any(_looks_known(word, catalog) for word in words if word not in held):
            words, found = held, _found(held, question, catalog)
    return _fitting(found, " ".join(words), question, catalog)


def _found(words: Sequence[str], question: Question, catalog: Catalog) -> list[Offer]:
    return _of_sellers(catalog.store.search(" ".join(words), CONSIDERED), question)


def _spelled(words: Sequence[str], catalog: Catalog) -> str:
    """The model that is written so but for its joints: `gpt4o mini` is gpt-4o-mini."""
    asked = squeezed("".join(words))
    return next((slug for slug in catalog.store.names("model_slug") if squeezed(slug) == asked), "")


def _fitting(offers: Sequence[Offer], named: str, question: Question, catalog: Catalog) -> list[Offer]:
    """The very model before its kin, sold plainly, by its maker, confirmed, everywhere; or the cheapest of them."""
    plain = model_name(named)
    blended = _blended(offers)
    words = {squeezed(word) for word in question.words}

    def fit(offer: Offer) -> tuple[object, ...]:
        name = model_name(offer.model_key)
        return (
            0 if name == plain else 1 if _base(name) == _base(plain) else 2 if name.startswith(plain) else 3,
            bool(question.unit) and question.unit not in offer.unit_name,
            _doubt(offer, catalog),
            blended[_seller_and_model(offer)] if question.cheapest else 0.0,
            seller_of(offer.model_key) != offer.provider and squeezed(offer.provider) not in words,
            offer.confidence != "official",
            offer.region != "global",
            "/" in offer.model_key,
            offer.provider,
            name,
            offer.direction,
            offer.sku_key,
        )

    ranked = sorted(offers, key=fit)
    if question.cheapest and any(_base(model_name(offer.model_key)) == _base(plain) for offer in ranked):
        same = [offer for offer in ranked if _base(model_name(offer.model_key)) == _base(plain)]
        ranked = sorted(
            same, key=lambda offer: (_doubt(offer, catalog), blended[_seller_and_model(offer)], fit(offer)[4:])
        )
    return ranked


def _base(name: str) -> str:
    return _SAME_MODEL.sub("", same_weights(name))


def _seller_and_model(offer: Offer) -> tuple[str, str, str]:
    return offer.provider, offer.model_key, offer.region


def _blended(offers: Sequence[Offer]) -> dict[tuple[str, str, str], float]:
    """The plain price of a seller's model: three parts input and one part output where it has both."""
    sides: dict[tuple[str, str, str], dict[str, float]] = {}
    for offer in offers:
        plain = offer.billing_mode in {"per_token", "per_unit"}
        if plain or _seller_and_model(offer) not in sides:
            sides.setdefault(_seller_and_model(offer), {})[offer.direction if plain else ""] = offer.unit_price_usd
    return {
        key: (3 * prices["input"] + prices["output"]) / 4
        if {"input", "output"} <= set(prices)
        else max(prices.values())
        for key, prices in sides.items()
    }


def _doubt(offer: Offer, catalog: Catalog) -> tuple[int, bool]:
    return len(marks_of(offer, catalog.today)), offer.confidence == "estimated"


def _per_card(offer: Offer) -> float:
    return offer.unit_price_usd / (offer.gpu_count or 1)


def _billed_as(offers: Sequence[Offer], question: Question) -> tuple[list[Offer], str]:
    """Those billed the way that was named, or else the ordinary way; of them those of the direction, if any."""
    others = special_modes(question)
    chosen = [
        offer
        for offer in offers
        if all(mode in offer.billing_mode for mode in question.modes)
        and not any(mode in offer.billing_mode for mode in others)
    ]
    note = ""
    if not chosen:
        note = f"No {' '.join(sorted(question.modes))} price is listed; these are the others." if question.modes else ""
        chosen = list(offers)
    return [offer for offer in chosen if offer.direction == question.direction] or chosen, note


def _once(offers: Sequence[Offer]) -> list[Offer]:
    """One row of each price: the first region stands for the others of a seller."""
    seen: dict[tuple[str, ...], Offer] = {}
    for offer in offers:
        machine = offer.sku_name if offer.workload_type == GPU or not offer.unit_name.endswith("tokens") else ""
        key = (offer.provider, offer.model_key, offer.billing_mode, offer.direction, offer.unit_name, machine)
        seen.setdefault(key, offer)
    return list(seen.values())


def _looks_known(word: str, catalog: Catalog) -> bool:
    """Whether a word is nearly one of a name, so that leaving it out would change what is asked."""
    pieces = {piece for slug in catalog.store.names("model_slug") for piece in slug.split("-") if piece.isalpha()}
    return bool(process.extractOne(word, pieces, scorer=fuzz.ratio, score_cutoff=80))


def _near(named: str, catalog: Catalog) -> tuple[str, ...]:
    found = process.extract(named, catalog.store.names("model_slug"), limit=NEAR_NAMES, score_cutoff=NEAR_ENOUGH)
    return tuple(name for name, _, _ in found)
