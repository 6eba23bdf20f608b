"""Machines to rent: the offers of the market that an intent allows, and the cheapest way to rent a number of replicas.

Machines come whole: a replica of 2 cards on machines of 8 shares them with three others or pays for idle cards.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from knowledge.facts import Confidence, Instance
from tools.intent import Billing, Intent
from tools.market import Market
from tools.planner.network import network
from tools.planner.regions import resides

DEFAULT_BILLING: tuple[Billing, ...] = ("on_demand",)
PRICE_RISK: Mapping[Confidence, float] = {"official": 0.0, "aggregated": 0.1, "estimated": 0.35}
"""Chance, as a labelled assumption, that a price of this confidence is not what is billed."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One machine under one kind of billing. The price is for the whole machine."""

    cloud: str
    region: str
    instance_type: str
    gpu_type: str
    cards: int
    billing: Billing
    usd_per_hour: float
    confidence: Confidence
    source_date: str
    source_url: str
    market: bool  # asked by a host on a marketplace: another price tomorrow, and the host may leave

    @property
    def order(self) -> tuple[float, float, str, str, str]:
        """Cheapest first, then surest; the names make the order total."""
        return (self.usd_per_hour, PRICE_RISK[self.confidence], self.cloud, self.region, self.instance_type)


class Places(NamedTuple):
    """Where an intent allows machines; None: anywhere."""

    clouds: tuple[str, ...] | None
    regions: tuple[str, ...] | None
    residency: tuple[str, ...] | None


def places(intent: Intent) -> Places:
    """The places of an intent."""
    return Places(intent.clouds, intent.regions, intent.residency)


def offers(market: Market, intent: Intent) -> Sequence[Offer]:
    """The offers of whole cards in the clouds, regions and billing that the intent allows.

    Dominated ones are left out: another of the same accelerator, size and billing is cheaper and as sure, and stands in
    the same region where it counts how far it is to the users.
    """
    billing = tuple(intent.billing or DEFAULT_BILLING)
    return _undominated(market, billing, places(intent), by_region=intent.user_region is not None)


def allowed(row: Instance, where: Places) -> bool:
    """Whether a machine is in the allowed clouds and regions. Slices of cards are never planned for."""
    if row.gpu_count < 1:
        return False
    if where.clouds and row.cloud not in where.clouds:
        return False
    if where.regions and row.region not in where.regions:
        return False
    return not where.residency or resides(row.region, where.residency)


@lru_cache(maxsize=32)
def _undominated(market: Market, billing: tuple[Billing, ...], where: Places, *, by_region: bool) -> Sequence[Offer]:
    best: dict[tuple[object, ...], Offer] = {}
    for row in market.instances:
        if allowed(row, where):
            for offer in _priced(row, billing):
                key = (offer.gpu_type, offer.cards, offer.billing, offer.market, offer.region if by_region else None)
                if key not in best or offer.order < best[key].order:
                    best[key] = offer
    return tuple(best.values())


def _priced(row: Instance, billings: Iterable[Billing]) -> Iterable[Offer]:
    prices: Mapping[Billing, float | None] = {
        "on_demand": row.on_demand_usd_per_hour,
        "spot": row.spot_usd_per_hour,
        "reserved_1y": row.reserved_1y_usd_per_hour,
        "reserved_3y": row.reserved_3y_usd_per_hour,
    }
    for billing in billings:
        price = prices[billing]
        if price is not None and price > 0:
            yield Offer(
                row.cloud,
                row.region,
                row.instance_type,
                row.gpu_type,
                round(row.gpu_count),
                billing,
                price,
                row.confidence,
                row.source_date,
                row.source_url,
                on_market(row),
            )


def on_market(row: Instance) -> bool:
    """Whether a machine belongs to a host on a marketplace rather than to the cloud that lists it."""
    notes = row.notes.lower()
    return row.confidence == "estimated" or "marketplace" in notes or "community" in notes


@dataclass(frozen=True, slots=True)
class Shelf:
    """The undominated offers of one billing and price class, as a table: one row per accelerator, one column per size.

    `prices[g, s]` is the cheapest machine with `sizes[s]` cards of accelerator g, infinite where there is none.
    """

    billing: Billing
    market: bool  # asking prices of marketplaces; otherwise published list prices
    sizes: tuple[int, ...]
    prices: npt.NDArray[np.float64]
    offers: Mapping[tuple[int, int], Offer]
    network_ms: float = 0.0  # round trip to the users, where it was said where they are

    @property
    def supply(self) -> str:
        """The kind of supply, as availability is stated for it."""
        return "market" if self.market else self.billing


def shelves(found: Iterable[Offer], gpu_types: Mapping[str, int], user_region: str | None = None) -> list[Shelf]:
    """Shelves of the offers by billing, list prices and marketplaces apart.

    With `user_region` offers at different distances from the users stand apart, too.
    """
    grouped: dict[tuple[Billing, bool, float], list[Offer]] = defaultdict(list)
    ways: dict[str, float] = {}
    for offer in found:
        if offer.gpu_type in gpu_types:
            if user_region is not None and offer.region not in ways:
                ways[offer.region] = network(user_region, offer.region).round_trip_ms
            grouped[offer.billing, offer.market, ways.get(offer.region, 0.0)].append(offer)
    return [
        replace(_shelf(billing, rows, gpu_types, market=market), network_ms=way)
        for (billing, market, way), rows in sorted(grouped.items())
    ]


def _shelf(billing: Billing, rows: list[Offer], gpu_types: Mapping[str, int], *, market: bool) -> Shelf:
    best: dict[tuple[int, int], Offer] = {}
    for offer in rows:
        key = (gpu_types[offer.gpu_type], offer.cards)
        if key not in best or offer.order < best[key].order:
            best[key] = offer
    sizes = tuple(sorted({cards for _, cards in best}))
    prices = np.full((len(gpu_types), len(sizes)), np.inf)
    for (row, cards), offer in best.items():
        prices[row, sizes.index(cards)] = offer.usd_per_hour
    return Shelf(billing, market, sizes, prices, best)


@dataclass(frozen=True, slots=True)
class Rental:
    """How to rent the replicas of each candidate: machines, their size and the hourly price; infinite: no way."""

    usd_per_hour: npt.NDArray[np.float64]
    size: npt.NDArray[np.intp]  # index into the shelf's sizes
    machines: npt.NDArray[np.int64]


def rent(
    shelf: Shelf,
    accelerator: npt.NDArray[np.intp],
    cards_per_replica: npt.NDArray[np.int64],
    tensor_parallel: npt.NDArray[np.int64],
    replicas: npt.NDArray[np.int64],
) -> Rental:
    """The cheapest size of machine for each candidate.

    A replica larger than a machine spans whole machines, its tensor-parallel group staying inside one.
    """
    count = len(accelerator)
    cost = np.full(count, np.inf)
    size = np.zeros(count, dtype=np.intp)
    machines = np.zeros(count, dtype=np.int64)
    for column, cards in enumerate(shelf.sizes):
        shared = cards // cards_per_replica
        spans = (cards_per_replica % cards == 0) & (tensor_parallel <= cards)
        needed = np.where(
            shared >= 1,
            -(-replicas // np.maximum(shared, 1)),
            np.where(spans, replicas * (cards_per_replica // cards), 0),
        )
        hourly = np.maximum(needed, 1) * shelf.prices[accelerator, column]
        price = np.where(needed > 0, hourly, np.inf)
        better = price < cost
        cost = np.where(better, price, cost)
        size = np.where(better, column, size)
        machines = np.where(better, needed, machines)
    return Rental(cost, size, machines)
