"""Several workloads on the same replicas of one model: what they need together, and what that costs.

Together they need fewer spares and fill their replicas better. The peaks are taken to coincide, every request meets the
targets of its own workload, and a model must be good enough for each of them, so nobody gets less than alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from knowledge.snapshot import Snapshot
from tools.editing import edit
from tools.intent import Intent
from tools.market import Market
from tools.performance.queueing import rate_rps
from tools.planner.capacity import batch_limit
from tools.planner.case import Case
from tools.planner.field import Field, field, good_enough
from tools.planner.grid import Floats, Mask
from tools.planner.hosted import paid_hours
from tools.planner.latency import Spread, latency, spread
from tools.planner.mix import together
from tools.planner.offers import DEFAULT_BILLING, Offer, allowed, offers, places, rent, shelves
from tools.planner.planning import Plan
from tools.planner.profile import at_percentile
from tools.planner.quantization import qualities
from tools.planner.replicas import needed, with_spares
from tools.planner.shortlist import shortlist
from tools.planner.traffic import TrafficProfile

_BISECTIONS = 13
_LIGHTEST = 0.02
_BOUND_FIELDS = ("available_gpus", "max_gpus", "tensor_parallel", "user_region")
"""What is said about one workload alone and cannot be divided among several."""


@dataclass(frozen=True, slots=True)
class SharedPool:
    """Replicas of one model that serve several workloads, rented as `machines` machines."""

    model_id: str
    quantization: str
    tensor_parallel: int
    pipeline_parallel: int
    replicas: int
    spare_replicas: int
    machines: int
    offer: Offer
    monthly_usd: float

    @property
    def cards(self) -> int:
        """Cards of one replica."""
        return self.tensor_parallel * self.pipeline_parallel


def can_share(plan: Plan) -> bool:
    """Whether a workload may run beside others: rented, language, and nothing said that binds it alone."""
    intent = plan.intent
    bound = any(getattr(intent, name) is not None for name in _BOUND_FIELDS)
    rented = intent.deployment_model in (None, "cloud_rental")
    always = plan.traffic.active_hours_per_day == 24
    return plan.feasible and plan.traffic.workload_type == "llm" and rented and always and not bound


def shared_pool(
    plans: Sequence[Plan], floors: Sequence[float], snapshot: Snapshot, market: Market
) -> SharedPool | None:
    """The cheapest replicas that serve all of `plans`; `floors` are the least sure qualities, one per plan."""
    cases = [Case(each.intent, each.traffic, snapshot, market, experience=each.experience) for each in plans]
    shorts = [shortlist(each.intent, each.traffic, snapshot, each.ledger) for each in cases]
    named = {option.model_id for each in plans for option in each.options}
    admitted = set.intersection(*({model.model_id for model in short.models} for short in shorts))
    models = [model for model in shorts[0].models if model.model_id in named & admitted]
    found = common_offers(plans, market)
    cards = [card for name, card in snapshot.accelerators.items() if name in {offer.gpu_type for offer in found}]
    wanted = [set(each.intent.gpu_types) for each in plans if each.intent.gpu_types]
    if wanted:
        cards = [card for card in cards if all(card.gpu_type in names for names in wanted)]
    if not models or not cards:
        return None
    precisions = [set(each.intent.quantization) for each in plans if each.intent.quantization]
    common = set.intersection(*precisions) if precisions else None
    if common is not None and not common:
        return None
    joint = _joint(plans, sorted(common) if common else None)
    case = Case(joint.intent, joint.traffic, snapshot, market, experience=plans[0].experience)
    short = replace(shorts[0], models=tuple(models), threshold=0.0)
    screened = field(short, cards, case)
    if screened is None:
        return None
    good: Mask = np.ones(len(screened.grid), dtype=np.bool_)
    for one, alone, floor in zip(shorts, cases, floors, strict=True):
        good &= good_enough(screened.grid, one, alone) & (qualities(screened.grid, alone).low >= floor - 1e-9)
    if not good.any():
        return None
    return _cheapest(screened.take(np.flatnonzero(good)), plans, joint.traffic, found)


def common_offers(plans: Sequence[Plan], market: Market) -> Sequence[Offer]:
    """Machines in clouds, regions and areas that every plan allows, under billing that every plan allows."""
    kinds = set.intersection(*(set(each.intent.billing or DEFAULT_BILLING) for each in plans))
    rows = tuple(row for row in market.instances if all(allowed(row, places(each.intent)) for each in plans))
    return offers(replace(market, instances=rows), Intent(billing=tuple(sorted(kinds)))) if kinds else ()


@dataclass(frozen=True, slots=True)
class _Joint:
    intent: Intent
    traffic: TrafficProfile


def _joint(plans: Sequence[Plan], precisions: list[str] | None) -> _Joint:
    """The traffic of all plans as one: rates add up, lengths mix by request, the longest context counts."""
    first, peak = plans[0].traffic, sum(each.traffic.peak_qps for each in plans)
    shares = [each.traffic.peak_qps / peak for each in plans]
    traffic = replace(
        first,
        isl=together([(share, each.traffic.isl) for share, each in zip(shares, plans, strict=True)]),
        osl=together([(share, each.traffic.osl) for share, each in zip(shares, plans, strict=True)]),
        qps=sum(each.traffic.qps for each in plans),
        peak_qps=peak,
        requests_per_day=sum(each.traffic.requests_per_day for each in plans),
        tokens_per_day=sum(each.traffic.tokens_per_day for each in plans),
        context_tokens=max(each.traffic.context_tokens for each in plans),
        classes=(),
        said_classes=(),
    )
    return _Joint(edit(Intent(), {"quantization": precisions}), traffic)


def _carried(found: Field, plans: Sequence[Plan], traffic: TrafficProfile) -> Floats:
    """The largest rate of one replica of each row at which every workload's targets hold for its own requests."""
    cost, low = found.screen.cost, np.full(len(found.grid), _LIGHTEST)
    top = batch_limit(found.grid, found.screen, traffic)
    own = [(each.traffic, _own_spread(found, each.traffic, traffic)) for each in plans]

    def holds(batch: Floats) -> Mask:
        kept: Mask = np.ones(len(batch), dtype=np.bool_)
        for each, wide in own:
            targets, osl = each.targets, np.full_like(batch, each.osl.mean)
            times = latency(cost, osl, batch, wide, targets.e2e_basis)
            kept &= (times.ttft_ms <= targets.ttft_ms) & (times.tpot_ms <= targets.tpot_ms)
            kept &= times.e2e_ms <= targets.e2e_ms
        return kept

    feasible, high = holds(low), top
    for _ in range(_BISECTIONS):
        middle = np.sqrt(low * high)
        kept = holds(middle)
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    batch = np.where(holds(top), top, low)
    rate: Floats = np.where(feasible, rate_rps(cost, found.screen.osl, batch), 0.0)
    return rate


def _own_spread(found: Field, own: TrafficProfile, joint: TrafficProfile) -> Spread:
    """The spread of one workload's lengths, its prompts measured against the mean prompt of all."""
    plain = spread(found.screen, own, own.targets.percentile)
    return replace(plain, isl=at_percentile(own.isl, own.targets.percentile) / joint.isl.mean)


def _cheapest(
    found: Field, plans: Sequence[Plan], traffic: TrafficProfile, every: Sequence[Offer]
) -> SharedPool | None:
    """The row and machine with the lowest bill; of equal ones the fewest cards, then the first by name."""
    max_rps = _carried(found, plans, traffic)
    reliability = max(each.traffic.targets.reliability_percent for each in plans)
    count = needed(traffic.peak_qps, max_rps)
    grid = found.grid
    best: tuple[float, int, str] | None = None
    pool: SharedPool | None = None
    index = {card.gpu_type: position for position, card in enumerate(grid.accelerators)}
    for shelf in shelves(every, index):
        total = with_spares(count, reliability, shelf.supply)
        bill = rent(shelf, grid.accelerator, grid.cards, grid.tensor, total)
        price = np.where(max_rps > 0, bill.usd_per_hour, np.inf)
        row = int(np.lexsort((np.arange(len(price)), grid.cards * total, price))[0])
        if not np.isfinite(price[row]):
            continue
        each = grid.configuration(row)
        offer = shelf.offers[int(grid.accelerator[row]), shelf.sizes[int(bill.size[row])]]
        monthly = round(float(price[row]) * paid_hours(shelf.billing, traffic), 2)
        key = (monthly, int(bill.machines[row]) * offer.cards, each.model.model_id)
        if best is None or key < best:
            best = key
            pool = SharedPool(
                each.model.model_id,
                each.quantization,
                each.tensor_parallel,
                each.pipeline_parallel,
                int(total[row]),
                int(total[row] - count[row]),
                int(bill.machines[row]),
                offer,
                monthly,
            )
    return pool
