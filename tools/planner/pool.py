"""All candidates of a plan, self-hosted and APIs, as columns to rank; an entry remembers where it came from."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from knowledge.facts import ModelQuality
from tools.planner.apis import ApiCandidate
from tools.planner.case import Case
from tools.planner.field import Field
from tools.planner.grid import Floats, Integers, Mask, Rows
from tools.planner.hosted import Hosted
from tools.planner.quantization import qualities
from tools.planner.rejection import Change, Miss
from tools.planner.risk import INTERRUPTION, UNKNOWN_LATENCY, Risk, failure, overload, price_risk
from tools.planner.traffic import HOURS_PER_MONTH

PREDICTED = 0.4
"""Prediction risk of a screened candidate before its interval is looked up: that of a middling one."""


@dataclass(frozen=True)
class Pool:
    """Candidates as columns. Unknown times are NaN; `group` is candidates of one model on one accelerator (or API).

    `source` is the position among the hosted blocks, or −1 for an API; `entry` the position inside it.
    """

    source: Integers
    entry: Integers
    model: npt.NDArray[np.object_]
    group: npt.NDArray[np.object_]
    monthly_usd: Floats
    hourly_usd: Floats
    known_cost: Mask
    quality: Floats
    quality_low: Floats
    known_quality: Mask
    ttft_ms: Floats
    tpot_ms: Floats
    e2e_ms: Floats
    gpu_count: Integers
    overload: Floats
    failure: Floats
    interruption: Floats
    price: Floats
    prediction: Floats

    def __len__(self) -> int:
        return len(self.source)

    def take(self, rows: Rows | Mask) -> "Pool":
        """Some candidates."""
        return Pool(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})

    @property
    def risk(self) -> Risk:
        """Risk of every candidate."""
        return Risk(self.overload, self.failure, self.interruption, self.price, self.prediction)

    @property
    def known_latency(self) -> Mask:
        """Candidates whose times are predicted."""
        known: Mask = np.isfinite(self.ttft_ms)
        return known


def pool(found: Field | None, hosted: Sequence[Hosted], apis: Sequence[ApiCandidate], case: Case) -> Pool | None:
    """One table of all candidates; None when there are none."""
    parts = [
        _hosted(found, block, index, case) for index, block in enumerate(hosted) if found is not None and len(block)
    ]
    if apis:
        parts.append(_apis(apis))
    if not parts:
        return None
    return Pool(**{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Pool)})


def _hosted(found: Field, block: Hosted, index: int, case: Case) -> Pool:
    grid, count = found.grid.take(block.rows), len(block)
    quality = qualities(grid, case)
    max_rps = block.max_rps
    peak, supply = case.traffic.peak_qps, block.shelf.supply if block.shelf else "owned"
    names = np.array([model.model_id for model in grid.models], dtype=object)
    cards = np.array([card.gpu_type for card in grid.accelerators], dtype=object)
    prices = np.zeros(count)
    if block.shelf is not None:
        risks = np.zeros(block.shelf.prices.shape)
        for (card, size), offer in block.shelf.offers.items():
            risks[card, block.shelf.sizes.index(size)] = price_risk(offer.confidence)
        prices = risks[grid.accelerator, block.size]
    known = np.isfinite(block.monthly_usd)
    return Pool(
        source=np.full(count, index),
        entry=np.arange(count),
        model=names[grid.model],
        group=names[grid.model] + "@" + cards[grid.accelerator],
        monthly_usd=cents(np.where(known, block.monthly_usd, 0.0)),
        hourly_usd=np.where(known, block.hourly_usd, 0.0),
        known_cost=known,
        quality=quality.score,
        quality_low=quality.low,
        known_quality=quality.known,
        ttft_ms=block.times.ttft_ms,
        tpot_ms=block.times.tpot_ms,
        e2e_ms=block.times.e2e_ms,
        gpu_count=block.gpu_count,
        overload=overload(peak, max_rps * block.replicas, case.traffic.interarrival_cv),
        failure=failure(peak, max_rps, block.replicas),
        interruption=np.full(count, INTERRUPTION.get(supply, 0.0)),
        price=prices,
        prediction=np.full(count, PREDICTED),
    )


def cents(usd: Floats) -> Floats:
    """Amounts as a bill rounds them."""
    rounded: Floats = np.round(usd, 2).astype(np.float64)
    return rounded


def lower_bound(quality: ModelQuality) -> float:
    """Score less one standard error."""
    return max(quality.score - quality.standard_error, 0.0)


def _apis(found: Sequence[ApiCandidate]) -> Pool:
    count = len(found)
    unknown, nothing = np.full(count, np.nan), np.zeros(count)
    # Rounded up, since the lines of the bill are rounded one by one.
    monthly = cents(np.ceil(np.array([each.monthly_usd for each in found]) * 100 + 1) / 100)
    return Pool(
        source=np.full(count, -1),
        entry=np.arange(count),
        model=np.array([each.model_id for each in found], dtype=object),
        group=np.array([f"{each.model_id}@api" for each in found], dtype=object),
        monthly_usd=monthly,
        hourly_usd=monthly / HOURS_PER_MONTH,
        known_cost=np.ones(count, dtype=np.bool_),
        quality=np.array([each.quality.score for each in found]),
        quality_low=np.array([lower_bound(each.quality) for each in found]),
        known_quality=np.ones(count, dtype=np.bool_),
        ttft_ms=unknown,
        tpot_ms=unknown,
        e2e_ms=unknown,
        gpu_count=np.zeros(count, dtype=np.int64),
        overload=nothing,
        failure=nothing,
        interruption=nothing,
        price=np.array([price_risk(each.seller.confidence) for each in found]),
        prediction=np.full(count, UNKNOWN_LATENCY),
    )


def affordable(found: Pool, case: Case) -> Pool:
    """Candidates within the budget; the others are counted under the ceiling they break."""
    budget = case.intent.budget
    if budget is None:
        return found
    tokens = case.tokens_per_month
    ceilings = (
        ("budget", found.monthly_usd, budget.max_monthly_cost_usd, "USD a month", "budget.max_monthly_cost_usd"),
        ("budget_hourly", found.hourly_usd, budget.max_hourly_cost_usd, "USD an hour", "budget.max_hourly_cost_usd"),
        (
            "budget_per_1k_tokens",
            found.monthly_usd / tokens * 1000,
            budget.cost_per_1k_tokens,
            "USD per 1k tokens",
            "budget.cost_per_1k_tokens",
        ),
    )
    left = np.ones(len(found), dtype=np.bool_)
    for rule, value, limit, unit, path in ceilings:
        if limit is None:
            continue
        over = left & (value > limit)
        case.ledger.count(rule, int(over.sum()), "candidates")
        for row in _cheapest(found, over, value):
            price = float(value[row])
            allow = round(price + 0.5 * 10.0 ** -_digits(price), _digits(price))
            what = str(found.group[row]).replace("@", " on ").replace(" on api", " as an API")
            text = f"{what} costs {price:,.{_digits(price)}f} {unit}, {limit:,g} are allowed"
            model_id = str(found.model[row])
            case.ledger.add([Miss(rule, model_id, what, round(price, 8), limit, unit, Change(path, allow), text)])
        left &= ~over
    return found.take(left)


def _digits(price: float) -> int:
    """Decimals that a price of this size is written with."""
    return 0 if price >= 100 else 2 if price >= 0.1 else 6


def _cheapest(found: Pool, over: Mask, value: Floats) -> Rows:
    """Per model, the cheapest of the candidates that are over; cheapest first."""
    rows = np.flatnonzero(over)
    order = rows[np.lexsort((rows, value[rows]))]
    seen: dict[object, int] = {}
    for row in order.tolist():
        seen.setdefault(found.model[row], row)
    return np.array(list(seen.values()), dtype=np.intp)
