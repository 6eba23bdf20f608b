"""Replicas of several workloads packed onto the same machines: fewer idle cards where machines come in eights."""

from collections.abc import Sequence
from dataclasses import dataclass

from tools.planner.offers import Offer


@dataclass(frozen=True, slots=True)
class Load:
    """Replicas of one workload (or of one shared pool) on `cards` cards each, and what they are rented for alone."""

    workloads: tuple[int, ...]
    gpu_type: str
    billing: str
    market: bool
    replicas: int
    cards: int
    monthly_usd: float

    @property
    def kind(self) -> tuple[str, str, bool]:
        """What machines must have in common to be shared."""
        return self.gpu_type, self.billing, self.market


@dataclass(frozen=True, slots=True)
class Packed:
    """Loads together on `machines` machines of one offer."""

    loads: tuple[Load, ...]
    offer: Offer
    machines: int
    monthly_usd: float


def machines_for(loads: Sequence[Load], size: int) -> int | None:
    """Machines of `size` cards that hold every replica, each inside one machine; None where one does not fit.

    Replicas are placed largest first, each into the first machine with room: exact for powers of two.
    """
    replicas = sorted((load.cards for load in loads for _ in range(load.replicas)), reverse=True)
    if not replicas or replicas[0] > size:
        return None
    left: list[int] = []
    for cards in replicas:
        at = next((number for number, room in enumerate(left) if room >= cards), None)
        if at is None:
            left.append(size - cards)
        else:
            left[at] -= cards
    return len(left)


def packed(loads: Sequence[Load], offers: Sequence[Offer], hours_per_month: float) -> Packed | None:
    """The cheapest machines that hold all loads together, where that costs less than each alone; else None.

    `offers` are those that every workload allows. Loads must be of one kind.
    """
    if len(loads) < 2:
        return None
    gpu_type, billing, market = loads[0].kind
    best: Packed | None = None
    for offer in sorted(offers, key=lambda each: each.order):
        if (offer.gpu_type, offer.billing, offer.market) != (gpu_type, billing, market):
            continue
        count = machines_for(loads, offer.cards)
        if count is None:
            continue
        monthly = round(count * offer.usd_per_hour * hours_per_month, 2)
        if best is None or monthly < best.monthly_usd:
            best = Packed(tuple(loads), offer, count, monthly)
    alone = sum(load.monthly_usd for load in loads)
    return best if best is not None and best.monthly_usd < alone * 0.995 else None
