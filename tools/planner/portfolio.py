"""Several workloads planned side by side: one bill, and what sharing replicas or machines would take off it.

`total_monthly_usd` is what the picks cost each on their own. `shared` starts from there: workloads are merged onto the
same replicas of one model, the pair that saves most first, as long as a merge saves; then what is left on the same kind
of card is packed onto the same machines. The same plans give the same result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from knowledge.snapshot import Snapshot
from templates.numbers import dollars
from tools.market import Market
from tools.planner.offers import Offer, on_market
from tools.planner.option import Option
from tools.planner.packing import Load, Packed, packed
from tools.planner.planning import Plan
from tools.planner.sharing import SharedPool, can_share, common_offers, shared_pool
from tools.planner.traffic import HOURS_PER_MONTH

PICKS = ("balanced", "lowest_cost", "lowest_latency", "best_quality")
SHARED_PICKS = ("balanced", "lowest_cost")
MOST_SHARED = 8
"""Workloads, the dearest first, that are tried together: pairs grow with the square."""
LEAST_SAVING = 0.005


@dataclass(frozen=True, slots=True)
class Group:
    """Workloads that share replicas (`pool`), machines (`packed`), or a single one on its own."""

    workloads: tuple[int, ...]
    monthly_usd: float
    separate_monthly_usd: float
    pool: SharedPool | None = None
    packed: Packed | None = None

    def to_json(self) -> dict[str, Any]:
        """One entry of `portfolio.shared.PICK.groups`."""
        offer = self.pool.offer if self.pool else self.packed.offer if self.packed else None
        machines = self.pool.machines if self.pool else self.packed.machines if self.packed else None
        return {
            "workloads": list(self.workloads),
            "how": "same replicas" if self.pool else "same machines",
            "model_id": self.pool.model_id if self.pool else None,
            "quantization": self.pool.quantization if self.pool else None,
            "tensor_parallel": self.pool.tensor_parallel if self.pool else None,
            "replicas": self.pool.replicas if self.pool else None,
            "gpu_type": offer.gpu_type if offer else None,
            "cloud": offer.cloud if offer else None,
            "region": offer.region if offer else None,
            "instance_type": offer.instance_type if offer else None,
            "machines": machines,
            "monthly_usd": self.monthly_usd,
            "separate_monthly_usd": self.separate_monthly_usd,
            "saving_usd": round(self.separate_monthly_usd - self.monthly_usd, 2),
            "text": self.text,
        }

    @property
    def text(self) -> str:
        """The group in a sentence; workloads are counted from 1."""
        names = [str(each + 1) for each in self.workloads]
        who = f"Workloads {', '.join(names[:-1])} and {names[-1]}"
        money = f"{dollars(self.monthly_usd)} a month instead of {dollars(self.separate_monthly_usd)}"
        if self.pool is not None:
            pool = self.pool
            model = f"{pool.model_id.rsplit('/', 1)[-1]} {pool.quantization}"
            gpus = f"{pool.machines * pool.offer.cards} × {pool.offer.gpu_type} at {pool.offer.cloud}"
            copies = f"{pool.replicas} replicas" if pool.replicas > 1 else "replica"
            return f"{who} on the same {copies} of {model} ({gpus}): {money}"
        if self.packed is not None:
            where = f"{self.packed.machines} × {self.packed.offer.instance_type} at {self.packed.offer.cloud}"
            return f"{who} on the same machines ({where}, {self.packed.offer.cards} cards each): {money}"
        return f"Workload {names[0]}: {money}"


@dataclass(frozen=True)
class Portfolio:
    """Plans of several workloads."""

    plans: Sequence[Plan]
    shared: Mapping[str, Sequence[Group]]

    def total_monthly_usd(self, pick: str) -> float | None:
        """Bill of all workloads with the first option of one list each; None when one has none or no known cost."""
        costs = [best.cost.monthly_usd if (best := plan.best(pick)) else None for plan in self.plans]
        known = [cost for cost in costs if cost is not None]
        return round(sum(known), 2) if len(known) == len(costs) else None

    def shared_total_usd(self, pick: str) -> float | None:
        """The same bill with what is shared."""
        total = self.total_monthly_usd(pick)
        if total is None:
            return None
        return round(total - sum(each.separate_monthly_usd - each.monthly_usd for each in self.shared.get(pick, ())), 2)

    def gpu_count(self, pick: str) -> int:
        """Cards of all workloads with the first option of one list each."""
        return sum((best.gpu_count or 0) for plan in self.plans if (best := plan.best(pick)))

    def to_json(self) -> dict[str, Any]:
        """All plans, and the portfolio's totals by list."""
        totals = {pick: self.total_monthly_usd(pick) for pick in PICKS}
        infeasible = [index for index, plan in enumerate(self.plans) if not plan.feasible]
        return {
            "feasible": not infeasible,
            "plans": [plan.to_json() for plan in self.plans],
            "portfolio": {
                "workloads": len(self.plans),
                "infeasible": infeasible,
                "total_monthly_usd": totals,
                "gpu_count": {pick: self.gpu_count(pick) for pick in PICKS},
                "shared": {
                    pick: {
                        "total_monthly_usd": self.shared_total_usd(pick),
                        "saving_usd": _less(totals[pick], self.shared_total_usd(pick)),
                        "groups": [each.to_json() for each in self.shared.get(pick, ())],
                    }
                    for pick in SHARED_PICKS
                },
                "api_instead": [
                    {"workload": index, **plan.api_instead.to_json()}
                    for index, plan in enumerate(self.plans)
                    if plan.api_instead is not None
                ],
                "assumptions": [
                    "the peaks of workloads that share coincide",
                    "every request meets the targets of its own workload, and the model is good enough for each",
                    "a burst of one workload is felt by the others on the same replicas",
                ],
            },
        }


def _less(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else round(before - after, 2)


def portfolio(plans: Sequence[Plan], snapshot: Snapshot, market: Market) -> Portfolio:
    """A portfolio of plans, with what sharing would save."""
    return Portfolio(tuple(plans), {pick: _shared(plans, pick, snapshot, market) for pick in SHARED_PICKS})


def _shared(plans: Sequence[Plan], pick: str, snapshot: Snapshot, market: Market) -> tuple[Group, ...]:
    """Groups of two workloads and more that cost less together than their picks do apart."""
    picks = {
        index: best
        for index, plan in enumerate(plans)
        if can_share(plan) and (best := plan.best(pick)) is not None and best.cost.monthly_usd is not None
    }
    dearest = sorted(picks, key=lambda index: (-_usd(picks[index]), index))[:MOST_SHARED]
    groups = [Group((index,), _usd(picks[index]), _usd(picks[index])) for index in sorted(dearest)]
    merging = _Merging(plans, picks, pick, snapshot, market)
    while merge := merging.best(groups):
        others = [each for each in groups if not set(each.workloads) <= set(merge.workloads)]
        groups = sorted([*others, merge], key=lambda each: each.workloads)
    return tuple(each for each in _packed(groups, plans, picks, market) if len(each.workloads) > 1)


def _usd(option: Option) -> float:
    return option.cost.monthly_usd or 0.0


@dataclass(frozen=True)
class _Merging:
    """Tries workloads together, every group once."""

    plans: Sequence[Plan]
    picks: Mapping[int, Option]
    pick: str
    snapshot: Snapshot
    market: Market
    tried: dict[tuple[int, ...], SharedPool | None] = field(default_factory=dict)

    def best(self, groups: Sequence[Group]) -> Group | None:
        """The merge of two groups that saves most; None when none saves."""
        found: list[tuple[float, Group]] = []
        for one, other in combinations(groups, 2):
            members = tuple(sorted(one.workloads + other.workloads))
            pool, before = self._pool(members), one.monthly_usd + other.monthly_usd
            if pool is not None and pool.monthly_usd < before * (1 - LEAST_SAVING):
                separate = round(sum(_usd(self.picks[index]) for index in members), 2)
                found.append((before - pool.monthly_usd, Group(members, pool.monthly_usd, separate, pool=pool)))
        return max(found, key=lambda each: (each[0], [-index for index in each[1].workloads]))[1] if found else None

    def _pool(self, members: tuple[int, ...]) -> SharedPool | None:
        if members not in self.tried:
            floors = [self._floor(self.picks[index]) for index in members]
            plans = [self.plans[index] for index in members]
            self.tried[members] = shared_pool(plans, floors, self.snapshot, self.market)
        return self.tried[members]

    def _floor(self, option: Option) -> float:
        """The least sure quality that a workload keeps: its pick's; for the lowest cost the threshold is enough."""
        if self.pick == "lowest_cost" or option.quality.score is None:
            return 0.0
        kept = 1 - option.quality.quantization_loss
        sure = max(option.quality.score / kept - (option.quality.standard_error or 0.0), 0.0) * kept
        return sure - 0.1  # scores are shown to a tenth


def _packed(groups: Sequence[Group], plans: Sequence[Plan], picks: Mapping[int, Option], market: Market) -> list[Group]:
    """Groups on the same kind of card put onto the same machines where that costs less."""
    loads: dict[tuple[str, str, bool], list[tuple[Group, Load]]] = {}
    rows = {(row.cloud, row.region, row.instance_type): row for row in market.instances}
    for group in groups:
        load = _load(group, picks, {key: on_market(row) for key, row in rows.items()})
        if load is not None:
            loads.setdefault(load.kind, []).append((group, load))
    left = list(groups)
    for members in loads.values():
        inside = tuple(sorted(index for group, _ in members for index in group.workloads))
        offers: Sequence[Offer] = common_offers([plans[index] for index in inside], market)
        together = packed([load for _, load in members], offers, HOURS_PER_MONTH)
        if together is not None:
            separate = round(sum(group.separate_monthly_usd for group, _ in members), 2)
            left = [each for each in left if each not in [group for group, _ in members]]
            left.append(Group(inside, together.monthly_usd, separate, packed=together))
    return sorted(left, key=lambda each: each.workloads)


def _load(group: Group, picks: Mapping[int, Option], markets: Mapping[tuple[str, str, str], bool]) -> Load | None:
    if group.pool is not None:
        pool = group.pool
        kind = pool.offer.gpu_type, pool.offer.billing, pool.offer.market
        return Load(group.workloads, *kind, pool.replicas, pool.cards, group.monthly_usd)
    option = picks[group.workloads[0]]
    if option.kind != "rental" or option.configuration is None or not option.replicas or option.gpu_type is None:
        return None
    at_market = markets.get((option.cloud or "", option.region or "", option.instance_type or ""), False)
    cards = option.configuration.gpu_count
    return Load(
        group.workloads, option.gpu_type, str(option.billing), at_market, option.replicas, cards, group.monthly_usd
    )
