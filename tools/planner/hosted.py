"""Self-hosted candidates: replicas, machines, bill and times of every screened configuration, as columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor
from typing import Literal

import numpy as np

from knowledge.facts import Accelerator
from tools.performance.arrivals import batch_at
from tools.planner.capacity import batch_limit, capacity
from tools.planner.case import Case
from tools.planner.field import ROOM_ABOVE_IDLE, Field, describe, nearest_rows, rounded_up
from tools.planner.grid import Floats, Integers, Mask, Rows
from tools.planner.hardware import Hardware
from tools.planner.latency import Latency, latency
from tools.planner.money import Cost
from tools.planner.network import served
from tools.planner.offers import Shelf, rent, shelves
from tools.planner.ownership import card_price, owned_cost, purchase_cost
from tools.planner.rejection import Change, Ledger, Miss
from tools.planner.replicas import AVAILABILITY, needed, with_spares
from tools.planner.traffic import HOURS_PER_MONTH, TrafficProfile

Kind = Literal["rental", "owned", "purchase"]


@dataclass(frozen=True)
class Hosted:
    """Candidates of one way to get machines; entry i runs configuration `rows[i]` of the field.

    `monthly_usd` is NaN where nothing is known of the bill (owned cards without power rates).
    """

    kind: Kind
    shelf: Shelf | None
    rows: Rows
    needed: Integers
    replicas: Integers
    machines: Integers
    size: Rows
    gpu_count: Integers
    monthly_usd: Floats
    hourly_usd: Floats
    batch: Floats
    times: Latency
    max_rps: Floats  # of a replica within the targets, less what the network takes

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, mask: Mask) -> "Hosted":
        """Some candidates."""
        times = Latency(self.times.ttft_ms[mask], self.times.tpot_ms[mask], self.times.e2e_ms[mask])
        return Hosted(
            self.kind, self.shelf, self.rows[mask], self.needed[mask], self.replicas[mask], self.machines[mask],
            self.size[mask], self.gpu_count[mask], self.monthly_usd[mask], self.hourly_usd[mask], self.batch[mask],
            times, self.max_rps[mask],
        )  # fmt: skip

    @property
    def network_ms(self) -> float:
        """Round trip to the users; 0 where nothing was said of them, and for cards of one's own."""
        return self.shelf.network_ms if self.shelf else 0.0


def paid_hours(billing: str, traffic: TrafficProfile) -> float:
    """Hours a month that a machine is paid for: reservations always, others while requests arrive."""
    return HOURS_PER_MONTH if billing.startswith("reserved") else traffic.hours_per_month


def rented(found: Field, hardware: Hardware, case: Case) -> Iterator[Hosted]:
    """Rental candidates per kind of billing, first at list prices, then on marketplaces where that is cheaper."""
    index = {card.gpu_type: position for position, card in enumerate(found.grid.accelerators)}
    asked: dict[tuple[str, float], _Sized] = {}
    best: dict[str, Floats] = {}
    for shelf in sorted(
        shelves(hardware.offers, index, case.intent.user_region),
        key=lambda each: (each.billing, each.market, each.network_ms),
    ):
        if (shelf.supply, shelf.network_ms) not in asked:
            asked[shelf.supply, shelf.network_ms] = _sized(found, case.traffic, shelf.supply, shelf.network_ms)
        sized = asked[shelf.supply, shelf.network_ms]
        total = sized.replicas
        bill = rent(shelf, found.grid.accelerator, found.grid.cards, found.grid.tensor, total)
        sizes = np.array(shelf.sizes, dtype=np.int64)[bill.size]
        beats = bill.usd_per_hour < best.get(shelf.billing, np.full(len(found.grid), np.inf))
        best[shelf.billing] = np.minimum(bill.usd_per_hour, best.get(shelf.billing, np.inf))
        every = Hosted(
            "rental",
            shelf,
            np.arange(len(found.grid), dtype=np.intp),
            sized.needed,
            total,
            bill.machines,
            bill.size,
            bill.machines * sizes,
            bill.usd_per_hour * paid_hours(shelf.billing, case.traffic),
            bill.usd_per_hour,
            sized.batch,
            sized.times,
            sized.max_rps,
        )
        yield _counted(every.take(beats & np.isfinite(bill.usd_per_hour)), found, case)
    _note_machines(best, found, hardware, case)
    _note_network(asked, found, case)


def _note_machines(best: Mapping[str, Floats], found: Field, hardware: Hardware, case: Case) -> None:
    """Count the configurations that no machine holds under any kind of billing."""
    if not best:
        return
    on_offer = {card.gpu_type for card in hardware.rented}
    priced = np.min(list(best.values()), axis=0)
    wanted = np.array([card.gpu_type in on_offer for card in found.grid.accelerators])[found.grid.accelerator]
    lacking = wanted & ~np.isfinite(priced)
    case.ledger.count("no_machine", int(lacking.sum()), "configurations")
    sizes: dict[str, int] = {}
    for offer in hardware.offers:
        sizes[offer.gpu_type] = max(offer.cards, sizes.get(offer.gpu_type, 0))
    for row in nearest_rows(found.grid, lacking, found.grid.cards.astype(np.float64)):
        each = found.grid.configuration(int(row))
        what = describe(each.model, each.accelerator, each.quantization, each.tensor_parallel)
        largest = sizes.get(each.accelerator.gpu_type, 0)
        text = f"{what} needs {each.tensor_parallel} cards in one machine, the largest on offer there has {largest}"
        miss = Miss("no_machine", each.model.model_id, what, largest, each.tensor_parallel, "cards", None, text)
        case.ledger.add([miss])


@dataclass(frozen=True)
class _Sized:
    """Needed replicas, replicas with spares, and batch, times and largest rate of each when all share the peak."""

    needed: Integers
    replicas: Integers
    batch: Floats
    times: Latency
    max_rps: Floats


def _sized(found: Field, traffic: TrafficProfile, supply: str, network_ms: float = 0.0) -> _Sized:
    """Replicas of every configuration under a kind of supply, `network_ms` from the users; times count the network."""
    max_rps, screen = found.capacity.max_rps, found.screen
    if network_ms:
        near = replace(traffic, targets=served(traffic.targets, network_ms))
        max_rps = capacity(found.grid, screen, near, found.wide).max_rps
    count = needed(traffic.peak_qps, max_rps)
    total = with_spares(count, traffic.targets.reliability_percent, supply)
    batch = batch_at(
        screen.cost, screen.osl, traffic.peak_qps / np.maximum(total, 1), batch_limit(found.grid, screen, traffic)
    )
    times = latency(screen.cost, screen.osl, batch, found.wide, traffic.targets.e2e_basis)
    seen = Latency(times.ttft_ms + network_ms, times.tpot_ms, times.e2e_ms + network_ms)
    return _Sized(count, total, batch, seen, max_rps)


def _note_network(asked: Mapping[tuple[str, float], _Sized], found: Field, case: Case) -> None:
    """Count the configurations that meet the targets beside their users and at none of the places on offer."""
    place = case.intent.user_region
    if place is None or not asked:
        return
    lost = np.all([each.max_rps <= 0 for each in asked.values()], axis=0)
    case.ledger.count("network", int(lost.sum()), "configurations")
    nearest, targets = min(way for _, way in asked), case.traffic.targets
    idle = found.capacity.idle.ttft_ms
    for row in nearest_rows(found.grid, lost, idle):
        each = found.grid.configuration(int(row))
        what = describe(each.model, each.accelerator, each.quantization, each.tensor_parallel)
        value = float(idle[row]) + nearest
        text = (
            f"{what}: TTFT {idle[row]:.0f} ms at best and {nearest:g} ms to {place} are over {targets.ttft_ms:.4g} ms"
        )
        change = Change("target_ttft_p90_ms", rounded_up(value * ROOM_ABOVE_IDLE))
        case.ledger.add([
            Miss("network", each.model.model_id, what, round(value, 1), targets.ttft_ms, "ms", change, text)
        ])  # fmt: skip


def _counted(candidates: Hosted, found: Field, case: Case) -> Hosted:
    """Candidates within `max_gpus`; the others are counted."""
    intent, ledger = case.intent, case.ledger
    if intent.max_gpus is None or not len(candidates):
        return candidates
    over = candidates.gpu_count > intent.max_gpus
    ledger.count("max_gpus", int(over.sum()), "candidates")
    grid = found.grid.take(candidates.rows)
    for row in nearest_rows(grid, over, candidates.gpu_count.astype(np.float64)):
        each = grid.configuration(int(row))
        what = describe(each.model, each.accelerator, each.quantization, each.tensor_parallel)
        count, alone = int(candidates.gpu_count[row]), int(candidates.needed[row])
        text, change = f"{what} takes {count} cards, {intent.max_gpus} are allowed", Change("max_gpus", count)
        if alone * each.gpu_count <= intent.max_gpus and intent.reliability_target is None:
            supply = candidates.shelf.supply if candidates.shelf else "owned"
            held = floor(1000 * AVAILABILITY[supply] ** alone) / 10
            spare = "its spare" if candidates.replicas[row] == alone + 1 else "its spares"
            text += f"; without {spare} it takes {alone * each.gpu_count} and is up {held:g} % of the time"
            change = Change("reliability_target", held)
        ledger.add([Miss("max_gpus", each.model.model_id, what, count, intent.max_gpus, "cards", change, text)])
    return candidates.take(~over)


def on_own_cards(found: Field, hardware: Hardware, case: Case) -> Iterator[Hosted]:
    """Candidates on cards that are there or will be bought."""
    if hardware.owned:
        yield _within_stock(_own(found, "owned", tuple(hardware.owned), case), found, hardware, case.ledger)
    if hardware.bought:
        yield _own(found, "purchase", tuple(card.gpu_type for card in hardware.bought), case)


def _own(found: Field, kind: Kind, cards: Sequence[str], case: Case) -> Hosted:
    usable = np.array([card.gpu_type in cards for card in found.grid.accelerators])[found.grid.accelerator]
    rows = np.flatnonzero(usable)
    part = found.take(rows)
    sized = _sized(part, case.traffic, "owned")
    gpus = sized.replicas * part.grid.cards
    monthly = _own_bills(part, gpus, kind, case)
    hourly = monthly / HOURS_PER_MONTH
    plain = np.zeros(len(rows), dtype=np.intp)
    every = Hosted(
        kind, None, rows, sized.needed, sized.replicas, sized.replicas, plain, gpus, monthly, hourly, sized.batch,
        sized.times, sized.max_rps,
    )  # fmt: skip
    return _counted(every, found, case)


def _within_stock(candidates: Hosted, found: Field, hardware: Hardware, ledger: Ledger) -> Hosted:
    there = np.array([hardware.owned.get(card.gpu_type, 0) for card in found.grid.accelerators], dtype=np.int64)
    grid = found.grid.take(candidates.rows)
    over = candidates.gpu_count > there[grid.accelerator]
    ledger.count("available_gpus", int(over.sum()), "candidates")
    for row in nearest_rows(grid, over, candidates.gpu_count.astype(np.float64)):
        each = grid.configuration(int(row))
        what = describe(each.model, each.accelerator, each.quantization, each.tensor_parallel)
        count, name = int(candidates.gpu_count[row]), each.accelerator.gpu_type
        text = f"{what} takes {count} cards, {hardware.owned[name]} are there"
        change = Change("available_gpus", [{"gpu_type": name, "count": count}])
        ledger.add(
            [Miss("available_gpus", each.model.model_id, what, count, hardware.owned[name], "cards", change, text)]
        )
    return candidates.take(~over)


def _own_bills(found: Field, gpus: Integers, kind: Kind, case: Case) -> Floats:
    """Monthly bill per candidate; NaN where unknown. One bill is made per accelerator and number of cards."""
    known: dict[tuple[int, int], float] = {}
    monthly = np.empty(len(gpus))
    for position, (card, count) in enumerate(zip(found.grid.accelerator.tolist(), gpus.tolist(), strict=True)):
        if (card, count) not in known:
            cost = own_bill(found.grid.accelerators[card], count, kind, case)
            known[card, count] = float("nan") if cost.monthly_usd is None else cost.monthly_usd
        monthly[position] = known[card, count]
    return monthly


def own_bill(card: Accelerator, count: int, kind: Kind, case: Case) -> Cost:
    """The bill of `count` cards of one's own, there already or to be bought."""
    price, context = card_price(card, case.market), case.intent.datacenter_context
    if kind == "purchase" and price is not None:
        return purchase_cost(card, count, price, context, case.tokens_per_month)
    return owned_cost(card, count, context, case.tokens_per_month)
