"""Accelerators that an intent leaves open, for machines to rent and for machines of one's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from knowledge.errors import BadInput, NotFound
from knowledge.facts import Accelerator, Instance
from knowledge.names import resolve_accelerator
from knowledge.snapshot import Snapshot
from tools.intent import Intent
from tools.market import Market
from tools.planner.grid import MAINLINE_VENDORS
from tools.planner.offers import Offer, allowed, offers, places
from tools.planner.ownership import card_price
from tools.planner.rejection import Change, Ledger, Miss


@dataclass(frozen=True, slots=True)
class Hardware:
    """What may be rented, and what is there (or will be bought): accelerator → number of cards."""

    rented: tuple[Accelerator, ...]
    offers: Sequence[Offer]
    owned: Mapping[str, int]
    bought: tuple[Accelerator, ...]


def hardware(intent: Intent, snapshot: Snapshot, market: Market, ledger: Ledger) -> Hardware:
    """Apply the rules about accelerators, clouds, regions and billing."""
    named = [accelerator_named(name, snapshot, "gpu_types") for name in intent.gpu_types or ()]
    owned = owned_cards(intent, snapshot)
    if intent.deployment_model == "owned_hardware" and not owned:
        ledger.count("available_gpus", 1, "cards not named")
        text = "owned hardware was asked for, but no cards were named: say which there are and how many"
        change = Change("available_gpus", [{"gpu_type": "NVIDIA-H100-80GB-SXM", "count": 8}])
        ledger.add([Miss("available_gpus", None, "owned cards", 0, 1, "cards", change, text)])
    found = offers(market, intent) if _wants(intent, "cloud_rental") else ()
    on_offer = {offer.gpu_type for offer in found}
    rented = []
    for card in snapshot.accelerators.values():
        if named and card not in named:
            ledger.count("gpu_type", 1, "accelerators")
        elif not named and card.vendor not in MAINLINE_VENDORS:
            ledger.count("vendor", 1, "accelerators")
            ledger.add([_vendor(card)])
        elif card.gpu_type in on_offer:
            rented.append(card)
        elif _wants(intent, "cloud_rental"):
            ledger.count("no_offer", 1, "accelerators")
            ledger.add([_no_offer(card, intent, market)])
    return Hardware(tuple(rented), found, owned, _bought(intent, snapshot, market, named, owned))


def _wants(intent: Intent, kind: str) -> bool:
    if intent.deployment_model is not None:
        return intent.deployment_model == kind
    return kind == "cloud_rental" and not intent.available_gpus


def owned_cards(intent: Intent, snapshot: Snapshot) -> dict[str, int]:
    """Cards that are there, by accelerator; several entries of one kind add up."""
    cards: dict[str, int] = {}
    if intent.deployment_model in (None, "owned_hardware"):
        for entry in intent.available_gpus or ():
            name = accelerator_named(entry.gpu_type, snapshot, "available_gpus").gpu_type
            cards[name] = cards.get(name, 0) + entry.count
    if intent.deployment_model == "owned_hardware" and not cards and intent.gpu_types:
        for name in intent.gpu_types:
            cards[accelerator_named(name, snapshot, "gpu_types").gpu_type] = intent.max_gpus or 8
    return cards


def _bought(
    intent: Intent, snapshot: Snapshot, market: Market, named: Sequence[Accelerator], owned: Mapping[str, int]
) -> tuple[Accelerator, ...]:
    if intent.deployment_model != "purchase":
        return ()
    wished = list(named) or [snapshot.accelerators[name] for name in owned]
    wished += [accelerator_named(entry.gpu_type, snapshot, "available_gpus") for entry in intent.available_gpus or ()]
    cards = wished or [card for card in snapshot.accelerators.values() if card.vendor in MAINLINE_VENDORS]
    return tuple(dict.fromkeys(card for card in cards if card_price(card, market) is not None))


def accelerator_named(name: str, snapshot: Snapshot, field: str) -> Accelerator:
    """The accelerator of a name; raises NotFound or BadInput naming the field."""
    if name in snapshot.accelerators:
        return snapshot.accelerators[name]
    try:
        found = resolve_accelerator(name, snapshot)
    except NotFound as error:
        raise NotFound("accelerator", name, error.near, field=field) from error
    if found.gpu_type is None:
        raise BadInput(f"{field}: {name} is known but not planned for ({found.note})", field=field)
    return snapshot.accelerators[found.gpu_type]


def _vendor(card: Accelerator) -> Miss:
    text = f"{card.gpu_type} needs another build of the engine: name it to plan with it"
    change = Change("gpu_types", [card.gpu_type])
    return Miss("vendor", None, card.gpu_type, card.vendor, " or ".join(MAINLINE_VENDORS), "", change, text)


def _no_offer(card: Accelerator, intent: Intent, market: Market) -> Miss:
    elsewhere = _machines(market).get(card.gpu_type, ())
    text, change = f"no machine with {card.gpu_type} is in the price list", None
    there = [row for row in elsewhere if allowed(row, places(intent))]
    if there:
        kinds = _priced(there)
        asked = " or ".join(each.replace("_", " ") for each in intent.billing or ("on_demand",))
        text = f"{card.gpu_type} is there, but not as {asked}: only as {' or '.join(kinds).replace('_', ' ')}"
        change = Change("billing", kinds[:1])
    elif elsewhere:
        clouds = sorted({row.cloud for row in elsewhere})
        text = f"{card.gpu_type} is not offered there; it is on {', '.join(clouds[:4])}"
        if intent.clouds:
            change = Change("clouds", [*intent.clouds, clouds[0]])
        elif intent.regions:
            change = Change("regions", [*intent.regions, elsewhere[0].region])
        elif intent.residency:
            change = Change("residency", None)
    return Miss("no_offer", None, card.gpu_type, None, None, "", change, text)


@lru_cache(maxsize=4)
def _machines(market: Market) -> Mapping[str, Sequence[Instance]]:
    """Machines of whole cards by accelerator, in the order of the price list."""
    found: dict[str, list[Instance]] = {}
    for row in market.instances:
        if row.gpu_count >= 1:
            found.setdefault(row.gpu_type, []).append(row)
    return found


def _priced(rows: Sequence[Instance]) -> list[str]:
    """Kinds of billing that some of the machines have a price for."""
    kinds = ("on_demand", "spot", "reserved_1y", "reserved_3y")
    return [kind for kind in kinds if any(getattr(row, f"{kind}_usd_per_hour") for row in rows)]
