"""Renew prices from their sources. A source that fails, or says something hard to believe, changes nothing of another.

A source's rows go in whole or not at all. They are held for confirmation when the source would lose or move more than a
sane share of its prices; single rows are held when their price jumps tenfold or lies far from what peers ask; rows
outside the bounds of their unit are refused and never come in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Skipped, Tier
from knowledge.errors import SextantError
from knowledge.store.database import Store
from knowledge.store.offer import Offer
from tools.catalog.plausibility import Doubt, Peers, doubt, peers

LARGEST_LOSS = 0.20  # share of a source's rows that may vanish at once
LARGEST_MOVE = 0.30  # relative change of a price that counts as a move
LARGEST_MOVED_SHARE = 0.20  # share of a source's rows that may move so far at once
JUMP_FACTOR = 10.0  # a single price that changes by more waits for a person
FEWEST_ROWS = 10  # below this a share says nothing
ASKED_AT_ONCE = 8


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

    @property
    def empty(self) -> bool:
        """Whether a source that was asked brought nothing. A folder without files is no failure."""
        return self.outcome != "unchanged" and not self.offers and self.name != "folder"


@dataclass(frozen=True, slots=True)
class _Round:
    """One sync: what every source is asked with, and what was known before."""

    store: Store
    http: Http
    access: Access
    confirm: bool
    usual: Peers
    prices: Mapping[str, float]


def sync(
    store: Store,
    connectors: Iterable[Connector],
    http: Http,
    access: Access,
    *,
    now: Callable[[], datetime],
    confirm: bool = False,
    told: Callable[[SourceReport], object] = lambda _: None,
) -> list[SourceReport]:
    """Ask all sources, several at a time, and merge what they say one by one in the order given.

    `told` hears of each as it is merged. `confirm` lets in what would be held.
    """
    known = store.offers()
    prices = {offer.sku_key: offer.unit_price_usd for offer in known}
    this = _Round(store, http, access, confirm, peers(known), prices)
    asked = list(connectors)
    reports = []
    with ThreadPoolExecutor(max_workers=ASKED_AT_ONCE) as pool:
        for connector, answer in zip(asked, pool.map(partial(_ask, this), asked), strict=True):
            reports.append(_merge(this, connector, answer, now()))
            told(reports[-1])
    return reports


def _ask(this: _Round, connector: Connector) -> Fetched | str | None:
    """Return what a source says, why it failed, or None where it wants a key that is not there."""
    if connector.key and not this.access.keys.get(connector.name):
        return None
    try:
        fetched = connector.fetch(this.http, this.access)
    except SextantError as error:
        return error.message
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        # A server may send any shape; what one connector did not foresee must hold back no other.
        return f"its answer has another shape: {type(error).__name__}: {str(error)[:120]}"
    if not fetched.offers and not fetched.unchanged and connector.tier != Tier.NEGOTIATED:
        return f"its list names no price; {len(fetched.skipped)} entries were skipped"
    return fetched


def _merge(this: _Round, connector: Connector, answer: Fetched | str | None, at: datetime) -> SourceReport:
    name, tier, store = connector.name, int(connector.tier), this.store
    if answer is None:
        return SourceReport(name, "no key", detail=f"needs a key: set {connector.key}")
    if isinstance(answer, str):
        store.note(name, tier, at, "failed", answer)
        return SourceReport(name, "failed", detail=answer)
    if answer.unchanged:
        store.note(name, tier, at, "unchanged", "", success=True)
        return SourceReport(name, "unchanged")
    confirm = this.confirm or connector.tier == Tier.NEGOTIATED
    believed, held, refused = _sift(answer.offers, this.usual, this.prices, confirm=confirm)
    reason = "" if confirm else _too_much(believed, held, answer, store.prices_of(name))
    report = SourceReport(name, "held", len(believed), held=held, refused=refused, skipped=answer.skipped)
    if reason:
        store.note(name, tier, at, "held", reason)
        return replace(report, detail=reason)
    kept = believed + _as_before(held, refused, store, name)
    changes = store.merge(name, tier, kept, at, complete=answer.complete, etags={} if held else answer.etags)
    return replace(
        report,
        outcome="merged",
        offers=len(kept),
        added=changes.added,
        changed=len(changes.changed),
        removed=changes.removed,
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
