"""Where an API stops being cheaper than machines: the break-even volume of one model."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

from knowledge.snapshot import Snapshot
from tools.editing import edit
from tools.intent import Intent
from tools.market import Market
from tools.planner.apis import candidates
from tools.planner.case import Case
from tools.planner.planning import Plan, search
from tools.planner.profile import profile
from tools.planner.shortlist import Shortlist
from tools.planner.traffic import DAYS_PER_MONTH

_STEPS = 9
_RANGE = (1e-3, 1e5)  # requests a second that are looked at


@dataclass(frozen=True, slots=True)
class BreakEven:
    """`requests_per_day` None: one side is cheaper at every volume looked at, `cheaper_now` says which."""

    model_id: str
    api_provider: str
    api_usd_per_1k_requests: float
    requests_per_day: float | None
    requests_per_day_now: float
    api_monthly_usd: float
    hosted_monthly_usd: float

    @property
    def cheaper_now(self) -> str:
        """`api` or `rental`."""
        return "api" if self.api_monthly_usd <= self.hosted_monthly_usd else "rental"

    def to_json(self) -> dict[str, Any]:
        """The comparison and a sentence."""
        saving = abs(self.api_monthly_usd - self.hosted_monthly_usd)
        side = f"{self.api_provider}'s API" if self.cheaper_now == "api" else "renting"
        text = f"At {self.requests_per_day_now:,.0f} requests a day {side} saves {saving:,.0f} USD a month"
        text += f" on {self.model_id}"
        if self.requests_per_day is not None:
            text += f"; the API is cheaper below {self.requests_per_day:,.0f} requests a day"
        return {
            "model_id": self.model_id,
            "api_provider": self.api_provider,
            "api_usd_per_1k_requests": self.api_usd_per_1k_requests,
            "break_even_requests_per_day": self.requests_per_day,
            "requests_per_day": self.requests_per_day_now,
            "api_monthly_usd": self.api_monthly_usd,
            "rental_monthly_usd": self.hosted_monthly_usd,
            "cheaper_now": self.cheaper_now,
            "text": text + ".",
        }


def break_even(plan: Plan, snapshot: Snapshot, market: Market) -> BreakEven | None:
    """API against rental for the model of the plan's best self-hosted option; None when nobody sells or rents it."""
    names = ("balanced", "lowest_cost")
    hosted = next((each for name in names if (each := plan.best(name)) and each.kind == "rental"), None)
    if hosted is None:
        return None
    fields = {"preferred_models": [hosted.model_id], "budget": None, "max_gpus": None}
    intent = edit(plan.intent, fields)
    now = _hosted_usd(intent, plan.traffic.qps, plan, snapshot, market)
    api = _api(intent, plan, snapshot, market)
    if api is None or now is None:
        return None
    provider, per_request = api
    requests = plan.traffic.requests_per_day
    return BreakEven(
        model_id=hosted.model_id,
        api_provider=provider,
        api_usd_per_1k_requests=round(per_request * 1000, 6),
        requests_per_day=_crossing(intent, per_request, plan, snapshot, market),
        requests_per_day_now=requests,
        api_monthly_usd=round(per_request * requests * DAYS_PER_MONTH, 2),
        hosted_monthly_usd=now,
    )


def _at_rate(intent: Intent, qps: float, plan: Plan) -> Intent:
    return edit(intent, {"expected_qps": qps, "peak_qps": qps * plan.traffic.peak_to_average})


def _hosted_usd(intent: Intent, qps: float, plan: Plan, snapshot: Snapshot, market: Market) -> float | None:
    """The cheapest way to rent at a rate."""
    rented = edit(_at_rate(intent, qps, plan), {"deployment_model": "cloud_rental"})
    traffic = profile(rented, snapshot, classes=plan.traffic.said_classes)
    case = Case(rented, traffic, snapshot, market, experience=plan.experience)
    found = search(case).pool
    return None if found is None else float(found.monthly_usd.min())


def _api(intent: Intent, plan: Plan, snapshot: Snapshot, market: Market) -> tuple[str, float] | None:
    """The cheapest seller and its price per request."""
    case = Case(edit(intent, {"deployment_model": "api"}), plan.traffic, snapshot, market)
    found = candidates(case, Shortlist((), 0.0))
    if not found:
        return None
    best = min(found, key=lambda each: (each.monthly_usd, each.seller.provider))
    return best.seller.provider, best.monthly_usd / plan.traffic.requests_per_month


def _crossing(intent: Intent, per_request: float, plan: Plan, snapshot: Snapshot, market: Market) -> float | None:
    """Requests a day at which both cost the same, by bisection over the rate; hosted cost rises in steps."""
    seconds = plan.traffic.requests_per_day / plan.traffic.qps

    def hosted_is_cheaper(qps: float) -> bool:
        hosted = _hosted_usd(intent, qps, plan, snapshot, market)
        return hosted is not None and hosted < per_request * qps * seconds * DAYS_PER_MONTH

    low, high = plan.traffic.qps, plan.traffic.qps
    while low > _RANGE[0] and hosted_is_cheaper(low):
        low /= 8
    while high < _RANGE[1] and not hosted_is_cheaper(high):
        high *= 8
    if hosted_is_cheaper(low) or not hosted_is_cheaper(high):
        return None
    for _ in range(_STEPS):
        middle = sqrt(low * high)
        low, high = (low, middle) if hosted_is_cheaper(middle) else (middle, high)
    return float(f"{high * seconds:.3g}")
