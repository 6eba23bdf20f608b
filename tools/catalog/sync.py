"""Renew prices from their sources. A source that fails, or says something hard to believe, changes nothing of another.

A source's rows go in whole or not at all. They are held for confirmation when the source would lose or move more than a
sane share of its prices; single rows are held when their price jumps tenfold or lies far from what peers ask; rows
outside the bounds of their unit are refused and never come in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Skipped
from knowledge.errors import SextantError
from knowledge.store.database import Store
from knowledge.store.offer import Offer
from tools.catalog.plausibility import Doubt, Peers, doubt, peers

LARGEST_LOSS = 0.20  # share of a source's rows that may vanish at once
LARGEST_MOVE = 0.30  # relative change of a price that counts as a move
LARGEST_MOVED_SHARE = 0.20  # share of a source's rows that may move so far at once
JUMP_FACTOR = 10.0  # a single price that changes by more waits for a person
FEWEST_ROWS = 10  # below this a share says nothing


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What came of one source: `merged`, `unchanged`, `held`, `failed` or `no key`; counts, and the reasons."""

    name: str
    outcome: str
    offers: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    held: tuple[Doubt, ...] = ()
    refused: tuple[Doubt, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    detail: str = ""


def sync(
    store: Store,
    connectors: Iterable[Connector],
    http: Http,
    access: Access,
    now: Callable[[], datetime],
    *,
    confirm: bool = False,
) -> list[SourceReport]:
    """Ask every source in turn and merge what it says. `confirm` lets in what would be held."""
    known = store.offers()
    usual = peers(known)
    prices = {offer.sku_key: offer.unit_price_usd for offer in known}
    return [
        _sync_one(store, connector, http, access, now(), usual, prices, confirm=confirm) for connector in connectors
    ]


def _sync_one(
    store: Store,
    connector: Connector,
    http: Http,
    access: Access,
    at: datetime,
    usual: Peers,
    prices: Mapping[str, float],
    *,
    confirm: bool,
) -> SourceReport:
    name, tier = connector.name, int(connector.tier)
    if connector.key and not access.keys.get(name):
        return SourceReport(name, "no key", detail=f"needs the setting {connector.key}")
    try:
        fetched = connector.fetch(http, access)
    except SextantError as error:
        store.note(name, tier, at, "failed", error.message)
        return SourceReport(name, "failed", detail=error.message)
    if fetched.unchanged:
        store.note(name, tier, at, "unchanged", "", success=True)
        return SourceReport(name, "unchanged")
    believed, held, refused = _sift(fetched.offers, usual, prices, confirm=confirm)
    stands = store.prices_of(name)
    reason = _too_much(believed, held, fetched, stands)
    if reason and not confirm:
        store.note(name, tier, at, "held", reason)
        return SourceReport(
            name, "held", len(believed), held=held, refused=refused, skipped=fetched.skipped, detail=reason
        )
    kept = believed + _as_before(held, refused, store, name)
    changes = store.merge(name, tier, kept, at, complete=fetched.complete, etags={} if held else fetched.etags)
    return SourceReport(
        name,
        "merged",
        len(kept),
        changes.added,
        len(changes.changed),
        changes.removed,
        held,
        refused,
        fetched.skipped,
    )


def _sift(
    offers: Sequence[Offer], usual: Peers, prices: Mapping[str, float], *, confirm: bool
) -> tuple[list[Offer], tuple[Doubt, ...], tuple[Doubt, ...]]:
    """Part the offers into believed, held for a person, and refused."""
    believed, held, refused = [], [], []
    for offer in offers:
        if found := doubt(offer, {}):
            refused.append(found)
        elif confirm:
            believed.append(offer)
        elif found := doubt(offer, usual) or _jump(offer, prices.get(offer.sku_key)):
            held.append(found)
        else:
            believed.append(offer)
    return believed, tuple(held), tuple(refused)


def _jump(offer: Offer, before: float | None) -> Doubt | None:
    if not before or not offer.unit_price_usd:
        return None
    ratio = offer.unit_price_usd / before
    if 1 / JUMP_FACTOR <= ratio <= JUMP_FACTOR:
        return None
    return Doubt(offer, f"was {before:g} USD, is {offer.unit_price_usd:g}", offer.unit_price_usd, before)


def _too_much(believed: Sequence[Offer], held: Sequence[Doubt], fetched: Fetched, stands: Mapping[str, float]) -> str:
    """Say why a source waits as a whole; an empty text where it does not."""
    if len(stands) < FEWEST_ROWS:
        return ""
    now = {offer.sku_key: offer.unit_price_usd for offer in believed}
    waiting = {found.offer.sku_key for found in held}
    gone = len(stands.keys() - now.keys() - waiting) if fetched.complete else 0
    moved = sum(abs(now[key] / usd - 1) > LARGEST_MOVE for key, usd in stands.items() if key in now and usd)
    if gone > LARGEST_LOSS * len(stands):
        return f"would remove {gone} of {len(stands)} prices"
    if moved + len(waiting & stands.keys()) > LARGEST_MOVED_SHARE * len(stands):
        return f"would move {moved + len(waiting & stands.keys())} of {len(stands)} prices by more than 30 %"
    return ""


def _as_before(held: Sequence[Doubt], refused: Sequence[Doubt], store: Store, origin: str) -> list[Offer]:
    """Return the rows that stand for what was held or refused: it is still sold, at a price that is not known."""
    names = {found.offer.sku_key for found in (*held, *refused)}
    return [offer for offer in store.offers_of(origin) if offer.sku_key in names] if names else []
