"""Beyond the options: relaxations, what moves the cost, API or machines, following the day, and how sure it all is."""

from typing import Any

from knowledge.snapshot import Snapshot
from tools.market import Market
from tools.planner.autoscaling import autoscaled
from tools.planner.hybrid import break_even
from tools.planner.planning import Plan
from tools.planner.uncertainty import chances
from tools.planner.whatif import relaxations, sensitivity

_PICKS = ("balanced", "lowest_cost", "lowest_latency", "best_quality")


def advice(plan: Plan, snapshot: Snapshot, market: Market) -> dict[str, Any]:
    """Everything that takes further planning, as JSON: a second or so on one core."""
    found: dict[str, Any] = {"relaxations": []}
    if plan.traffic.workload_type == "llm":
        found["relaxations"] = [each.to_json() for each in relaxations(plan, snapshot, market)]
    if not plan.feasible or plan.traffic.workload_type != "llm":
        return found
    found["sensitivity"] = [each.to_json() for each in sensitivity(plan, snapshot, market)]
    crossing = break_even(plan, snapshot, market)
    found["break_even"] = crossing.to_json() if crossing else None
    budget = plan.intent.budget.max_monthly_cost_usd if plan.intent.budget else None
    picks = list(dict.fromkeys(option.id for name in _PICKS if (option := plan.best(name))))
    found["autoscaling"] = {key: _autoscaled(plan, key) for key in picks}
    found["chances"] = {key: _chances(plan, key, budget) for key in picks}
    return found


def _autoscaled(plan: Plan, option_id: str) -> dict[str, Any] | None:
    option = plan.option(option_id)
    scaled = autoscaled(option, plan.traffic) if option else None
    return scaled.to_json() if scaled else None


def _chances(plan: Plan, option_id: str, budget_usd: float | None) -> dict[str, Any] | None:
    option = plan.option(option_id)
    sure = chances(option, plan.traffic, budget_usd=budget_usd, experience=plan.experience) if option else None
    return sure.to_json(plan.traffic) if sure else None
