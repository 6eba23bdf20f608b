"""Several workloads planned side by side: one bill, and what each list's picks cost together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.planner.planning import Plan

PICKS = ("balanced", "lowest_cost", "lowest_latency", "best_quality")


@dataclass(frozen=True)
class Portfolio:
    """Plans of several workloads."""

    plans: Sequence[Plan]

    def total_monthly_usd(self, pick: str) -> float | None:
        """Bill of all workloads with the first option of one list each; None when one has none or no known cost."""
        costs = [best.cost.monthly_usd if (best := plan.best(pick)) else None for plan in self.plans]
        known = [cost for cost in costs if cost is not None]
        return round(sum(known), 2) if len(known) == len(costs) else None

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
            },
        }


def portfolio(plans: Sequence[Plan]) -> Portfolio:
    """A portfolio of plans."""
    return Portfolio(tuple(plans))
