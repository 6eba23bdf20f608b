"""What the same model costs over the years, by how it is run: API, rented, reserved, bought."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from knowledge.errors import SextantError
from knowledge.snapshot import Snapshot
from tools.editing import edit
from tools.market import Market
from tools.planner.option import Option
from tools.planner.ownership import break_even_month, capital_usd, card_price
from tools.planner.planning import Plan, plan

MONTHS = 36
RENTED = "rented by the hour"

_WAYS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("API", {"deployment_model": "api"}),
    (RENTED, {"deployment_model": "cloud_rental", "billing": ["on_demand"]}),
    ("reserved for a year", {"deployment_model": "cloud_rental", "billing": ["reserved_1y"]}),
    ("reserved for three years", {"deployment_model": "cloud_rental", "billing": ["reserved_3y"]}),
    ("bought", {"deployment_model": "purchase"}),
)
_LOOSENED = {"budget": None, "max_gpus": None, "clouds": None, "regions": None, "residency": None}


@dataclass(frozen=True, slots=True)
class Way:
    """The cheapest option of one way to run the model: `upfront_usd` on the first day, then `monthly_usd`.

    `allowed`: the needs as said leave room for it; the others are there to compare with.
    """

    name: str
    option_id: str
    runs: str
    upfront_usd: float
    monthly_usd: float
    allowed: bool
    break_even_month: int | None
    """First month in which it has cost less than renting by the hour (the cheapest without a price at once, where
    nobody rents it out); None: never, or nothing is paid at once."""

    def paid_usd(self, months: float) -> float:
        """Everything paid after some months."""
        return self.upfront_usd + self.monthly_usd * months


@dataclass(frozen=True, slots=True)
class CostCourse:
    """Ways to run one model for the traffic, cheapest in the first month first."""

    model_id: str
    ways: tuple[Way, ...]
    months: int = MONTHS


def cost_course(made: Plan, option: Option, snapshot: Snapshot, market: Market) -> CostCourse:
    """The ways for the model of `option` and the plan's traffic and targets; those that nobody sells are left out.

    Budget, places and the way to run it are not kept, so that what they cost can be seen.
    """
    allowed = {made.intent.deployment_model} - {None}
    found: list[tuple[str, Option, bool]] = []
    for name, values in _WAYS:
        best = _cheapest(made, option.model_id, values, snapshot, market)
        if best is not None:
            inside = not allowed or values["deployment_model"] in allowed
            found.append((name, best, inside and _billed_as_said(made, values)))
    ways = [_way(name, best, snapshot, market, allowed=inside) for name, best, inside in found]
    return CostCourse(option.model_id, tuple(_crossings(ways)))


def _billed_as_said(made: Plan, values: dict[str, Any]) -> bool:
    said = made.intent.billing
    return said is None or "billing" not in values or values["billing"][0] in said


def _cheapest(made: Plan, model_id: str, values: dict[str, Any], snapshot: Snapshot, market: Market) -> Option | None:
    try:
        intent = edit(made.intent, {**_LOOSENED, "billing": None, "preferred_models": [model_id], **values})
        found = plan(
            intent, snapshot, market, limit=1, experience=made.experience, classes=made.traffic.said_classes
        ).best("lowest_cost")
    except SextantError:
        return None  # what was said rules this way out
    return found if found is not None and found.cost.monthly_usd is not None else None


def _way(name: str, option: Option, snapshot: Snapshot, market: Market, *, allowed: bool) -> Way:
    monthly = option.cost.monthly_usd or 0.0
    upfront = 0.0
    if option.kind == "purchase" and option.gpu_type and option.gpu_count:
        price = card_price(snapshot.accelerators[option.gpu_type], market)
        if price is not None:
            upfront = capital_usd(price, option.gpu_count)
            spread = sum(line.usd for line in option.cost.lines[:2])  # cards and server: the amortised part
            monthly -= spread
    runs = option.provider if option.kind == "api" else f"{option.gpu_count} × {option.gpu_type}"
    if option.kind == "rental":
        runs += f", {option.provider}"
    return Way(name, option.id, runs, round(upfront, 2), round(monthly, 2), allowed, None)


def _crossings(ways: Sequence[Way]) -> list[Way]:
    """The ways in the order of their first month, each with the month in which its price at once has paid."""
    ordered = sorted(ways, key=lambda way: way.paid_usd(1))
    running = [way for way in ordered if not way.upfront_usd]
    rented = next((way for way in running if way.name == RENTED), running[0] if running else None)
    return [way if rented is None or not way.upfront_usd else _paying(way, rented) for way in ordered]


def _paying(way: Way, rented: Way) -> Way:
    return replace(way, break_even_month=break_even_month(way.upfront_usd, way.monthly_usd, rented.monthly_usd))
