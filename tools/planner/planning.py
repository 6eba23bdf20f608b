"""Intent → plan: shortlist, field, candidates, ranking, options, rejections. The same input gives the same plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from knowledge.snapshot import Snapshot
from tools.intent import Intent, Provenance
from tools.market import Market
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.planner.alternative import ApiInstead, cheaper_api
from tools.planner.apis import ApiCandidate, candidates
from tools.planner.case import Case
from tools.planner.checks import check
from tools.planner.drawing import api_option, hosted_option, offer_of
from tools.planner.evidence import widths
from tools.planner.field import Field, carrying, field
from tools.planner.grid import Rows
from tools.planner.hardware import hardware
from tools.planner.hosted import Hosted, on_own_cards, rented
from tools.planner.mix import RequestClass
from tools.planner.option import Option, Predicted
from tools.planner.pool import Pool, affordable, pool
from tools.planner.predictions import Placed, predictions
from tools.planner.profile import profile
from tools.planner.ranking import balance, orders
from tools.planner.rejection import Ledger
from tools.planner.risk import prediction_risk
from tools.planner.shortlist import shortlist
from tools.planner.traffic import TrafficProfile
from tools.planner.tuning import Base, tuned

PER_LIST = 10
CONFIDENCE_ROWS = 24
"""Rows at the head of the balanced list whose intervals are looked up for their risk."""
MISSES_PER_RULE = 8
TUNED = ("balanced", "lowest_cost", "lowest_latency", "best_quality")
"""Lists whose first self-hosted options are tried with engine settings on."""


@dataclass(frozen=True)
class Plan:
    """Everything that planning found. `lists` holds option ids, best first; no options: infeasible, see `rejected`,
    which then holds every miss, else the nearest of each rule.

    Options that are `tuned` stand in no list: they are picks with engine settings on whose effect is an assumption.
    """

    intent: Intent
    traffic: TrafficProfile
    options: tuple[Option, ...]
    lists: Mapping[str, tuple[str, ...]]
    rejected: Ledger
    considered: Mapping[str, int]
    snapshot: str
    market: str
    market_as_of: str
    experience: Experience = NO_EXPERIENCE
    api_instead: ApiInstead | None = None

    @property
    def feasible(self) -> bool:
        """Whether anything serves the traffic within the rules."""
        return bool(self.options)

    def option(self, option_id: str) -> Option | None:
        """An option by its id."""
        return next((each for each in self.options if each.id == option_id), None)

    @property
    def tuned(self) -> tuple[Option, ...]:
        """Picks with engine settings on, in the order of the picks."""
        return tuple(option for option in self.options if option.tuned is not None)

    def best(self, name: str) -> Option | None:
        """The first option of a list."""
        ids = self.lists.get(name, ())
        return self.option(ids[0]) if ids else None

    def concurrency(self) -> dict[str, Any]:
        """Requests under way with the first self-hosted option of the balanced list, else at the targets."""
        listed = (self.option(each) for each in self.lists.get("balanced", ()))
        chosen = next((each for each in listed if each is not None and each.predicted is not None), None)
        if chosen is not None and chosen.predicted is not None:
            return self.traffic.concurrency(chosen.predicted.e2e_ms.mean) | {"concurrency_of": chosen.id}
        targets = self.traffic.targets
        allowed_ms = targets.ttft_ms + targets.tpot_ms * self.traffic.osl.mean
        return self.traffic.concurrency(allowed_ms) | {"concurrency_of": "targets"}

    def to_json(self) -> dict[str, Any]:
        """The plan as the contract has it."""
        return {
            "feasible": self.feasible,
            "intent": self.intent.model_dump(mode="json"),
            "traffic": self.traffic.to_json() | self.concurrency(),
            "slo": self.traffic.slo_json(),
            "options": [each.to_json() for each in self.options],
            "lists": {name: list(ids) for name, ids in self.lists.items()},
            "tuned": [option.id for option in self.tuned],
            "api_instead": self.api_instead.to_json() if self.api_instead else None,
            "rejected": self.rejected.to_json(MISSES_PER_RULE) | {"considered": dict(self.considered)},
            "market": {"digest": self.market, "as_of": self.market_as_of},
        }


def plan(
    intent: Intent,
    snapshot: Snapshot,
    market: Market | None = None,
    *,
    said: Mapping[str, Provenance] | None = None,
    limit: int = PER_LIST,
    experience: Experience = NO_EXPERIENCE,
    classes: Sequence[RequestClass] = (),
    with_tuned: bool = True,
) -> Plan:
    """Plan an intent; `limit` options per list, `said` the provenance of its fields, `experience` what own deployments
    taught: it corrects every prediction, so it may change what is feasible and what is best; `classes` a traffic mix.
    `with_tuned` also tries the picks with engine settings on.

    Raises NotFound and BadInput for names and values that cannot be planned with. Nothing that serves the traffic is
    not an error: the plan then has no options and says why.
    """
    prices = market or Market.bundled(snapshot)
    check(intent, snapshot, prices)
    case = Case(intent, profile(intent, snapshot, said, classes), snapshot, prices, experience=experience)
    if case.traffic.workload_type != "llm":
        return _by_usage(case, limit)
    found = search(case)
    ranked = _lists(found, case, limit) if found.pool is not None else {}
    rows = list(dict.fromkeys(row for order in _presented(ranked) for row in order))
    instead = _api_instead(found, ranked)
    drawn = draw(found, list(dict.fromkeys([*rows, *(instead[1:] if instead else ())])), case)
    with_settings = _tuned(found, ranked, drawn, case) if with_tuned else []
    return Plan(
        intent=intent,
        traffic=case.traffic,
        options=(*drawn.values(), *with_settings),
        lists={name: tuple(drawn[row].id for row in order) for name, order in ranked.items()},
        rejected=case.ledger.nearest(MISSES_PER_RULE) if drawn else case.ledger,
        considered=found.considered,
        snapshot=snapshot.version,
        market=prices.digest,
        market_as_of=prices.as_of,
        experience=experience,
        api_instead=ApiInstead(drawn[instead[0]], drawn[instead[1]]) if instead else None,
    )


def _api_instead(found: "Search", ranked: Mapping[str, list[int]]) -> tuple[int, int] | None:
    """The balanced list's first row where that is machines, and the API row that would be cheaper."""
    first = next(iter(ranked.get("balanced", ())), None)
    if first is None or found.pool is None or found.pool.source[first] < 0:
        return None
    cheaper = cheaper_api(found.pool, first)
    return None if cheaper is None else (first, cheaper)


def _tuned(found: "Search", ranked: Mapping[str, list[int]], drawn: Mapping[int, Option], case: Case) -> list[Option]:
    """The first self-hosted option of each list, with engine settings on where they help."""
    if found.pool is None or found.field is None:
        return []
    pool = found.pool
    firsts = [next((row for row in ranked.get(name, ()) if pool.source[row] >= 0), None) for name in TUNED]
    rows = dict.fromkeys(row for row in firsts if row is not None)
    bases = []
    for row in rows:
        block, entry = found.hosted[int(pool.source[row])], int(pool.entry[row])
        offer = offer_of(block, found.field.grid, int(block.rows[entry]), entry)
        bases.append(Base(drawn[row], block, entry, offer))
    return tuned(bases, found.field, case)


def _by_usage(case: Case, limit: int) -> Plan:
    """The plan of a workload that only APIs are compared for: cost decides, nothing else is known."""
    from tools.planner.usage import usage_options  # noqa: PLC0415  # the catalog is not loaded for language models

    options = usage_options(case, limit)
    ids = tuple(option.id for option in options)
    return Plan(
        intent=case.intent,
        traffic=case.traffic,
        options=tuple(options),
        lists={"balanced": ids, "lowest_cost": ids, "lowest_latency": (), "best_quality": (), "pareto": ids[:1]},
        rejected=case.ledger,
        considered={"sellers": sum(case.ledger.counts.values()) + len(options)},
        snapshot=case.snapshot.version,
        market=case.market.digest,
        market_as_of=case.market.as_of,
    )


@dataclass(frozen=True)
class Search:
    """What a search leaves: the table of candidates and the blocks that its rows come from."""

    field: Field | None
    hosted: Sequence[Hosted]
    apis: Sequence[ApiCandidate]
    pool: Pool | None
    considered: Mapping[str, int]


def search(case: Case) -> Search:
    """All candidates that every rule allows."""
    short = shortlist(case.intent, case.traffic, case.snapshot, case.ledger)
    cards = hardware(case.intent, case.snapshot, case.market, case.ledger)
    owned = tuple(case.snapshot.accelerators[name] for name in cards.owned)
    machines = tuple(dict.fromkeys((*cards.rented, *owned, *cards.bought)))
    screened = field(short, machines, case)
    found = carrying(screened, case) if screened is not None else None
    hosted: list[Hosted] = []
    if found is not None:
        hosted = [*rented(found, cards, case), *on_own_cards(found, cards, case)]
    apis = candidates(case, short)
    everything = pool(found, hosted, apis, case)
    if everything is not None:
        everything = affordable(everything, case)
    considered = {
        "models": len(short.models),
        "accelerators": len(machines),
        "configurations": screened.tried if screened is not None else 0,
        "candidates": sum(len(block) for block in hosted) + len(apis),
    }
    return Search(found, hosted, apis, everything if everything is not None and len(everything) else None, considered)


def _lists(found: Search, case: Case, limit: int) -> dict[str, list[int]]:
    if found.pool is None:
        return {}
    budget = case.intent.budget.max_monthly_cost_usd if case.intent.budget else None
    priority = case.intent.priority or "balanced"
    ranked: Mapping[str, Rows] = orders(found.pool, case.traffic.targets, priority, budget)
    listed = {name: order.tolist() for name, order in ranked.items()}
    listed["balanced"] = _by_confidence(listed["balanced"], found, case)
    return {name: order[: None if name == "pareto" else limit] for name, order in listed.items()}


def _by_confidence(order: list[int], found: Search, case: Case) -> list[int]:
    """The head of the balanced list in the order of what its intervals say; the rest was too far behind to matter."""
    table, head = found.pool, order[:CONFIDENCE_ROWS]
    hosted = [row for row in head if table is not None and table.source[row] >= 0]
    if table is None or found.field is None or not hosted:
        return order
    prediction = table.prediction.copy()
    places = placed(found, hosted, case)
    configurations = found.field.grid.take(places.rows).configurations()
    asked = list(zip(configurations, places.rate_rps.tolist(), strict=True))
    prediction[hosted] = [prediction_risk(each) for each in widths(asked, case.traffic, case.experience)]
    known = replace(table, prediction=prediction)
    budget = case.intent.budget.max_monthly_cost_usd if case.intent.budget else None
    scores = np.round(balance(known, case.traffic.targets, case.intent.priority or "balanced", budget), 9)
    rows = np.array(head, dtype=np.intp)
    keys = (table.gpu_count[rows], table.monthly_usd[rows], -scores[rows], ~table.known_latency[rows])
    again = rows[np.lexsort((*keys, ~table.known_quality[rows]))]
    return [*again.tolist(), *order[CONFIDENCE_ROWS:]]


def _presented(ranked: Mapping[str, list[int]]) -> list[list[int]]:
    """Lists in the order in which their options are shown: balanced first, the Pareto set last."""
    return [
        ranked[name]
        for name in ("balanced", "lowest_cost", "lowest_latency", "best_quality", "pareto")
        if name in ranked
    ]


def draw(found: Search, rows: Sequence[int], case: Case) -> dict[int, Option]:
    """The options of some rows of the pool."""
    table, field = found.pool, found.field
    if table is None:
        return {}
    hosted = [row for row in rows if table.source[row] >= 0]
    known = {} if field is None else dict(zip(hosted, _predicted(found, hosted, field, case), strict=True))
    options: dict[int, Option] = {}
    for row in rows:
        if row in known and field is not None:
            block = found.hosted[int(table.source[row])]
            options[row] = hosted_option(block, field, table, row, case, predicted=known[row])
        else:
            options[row] = api_option(found.apis[int(table.entry[row])], table, row, case)
    return options


def _predicted(found: Search, rows: Sequence[int], field: Field, case: Case) -> list[Predicted]:
    """Predictions of self-hosted rows of the pool."""
    if found.pool is None or not rows:
        return []
    return predictions(field, placed(found, rows, case), case)


def placed(found: Search, rows: Sequence[int], case: Case) -> Placed:
    """Where self-hosted rows of the pool stand in the field, with batch and rate of one of their replicas."""
    if found.pool is None:
        raise ValueError("a search without candidates has no rows")
    places = [(found.hosted[int(found.pool.source[row])], int(found.pool.entry[row])) for row in rows]
    return Placed(
        rows=np.array([block.rows[entry] for block, entry in places], dtype=np.intp),
        batch=np.array([block.batch[entry] for block, entry in places]),
        rate_rps=np.array([case.traffic.peak_qps / int(block.replicas[entry]) for block, entry in places]),
        max_rps=np.array([block.max_rps[entry] for block, entry in places]),
    )


__all__ = ["Plan", "Search", "draw", "plan", "search"]
