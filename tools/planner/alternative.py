"""An API in place of machines: the cheapest seller of no lower quality, told beside a plan that leads with machines."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from templates.numbers import dollars
from tools.planner.option import Option
from tools.planner.pool import Pool


def cheaper_api(found: Pool, hosted: int) -> int | None:
    """The cheapest API row that costs less than the self-hosted row and is surely as good; None when there is none."""
    good = found.quality_low >= found.quality_low[hosted]
    cheaper = found.known_cost[hosted] & (found.monthly_usd < found.monthly_usd[hosted])
    rows = np.flatnonzero((found.source < 0) & good & cheaper & found.known_quality[hosted])
    if not len(rows):
        return None
    order = rows[np.lexsort((-found.quality_low[rows], found.monthly_usd[rows]))]
    return int(order[0])


@dataclass(frozen=True, slots=True)
class ApiInstead:
    """What the API would save against the machines of the balanced list's first option."""

    machines: Option
    api: Option

    def to_json(self) -> dict[str, Any]:
        """`api_instead` of the plan."""
        before, after = self.machines.cost.monthly_usd or 0.0, self.api.cost.monthly_usd or 0.0
        model = self.api.model_id.rsplit("/", 1)[-1]
        return {
            "option_id": self.api.id,
            "instead_of": self.machines.id,
            "monthly_usd": after,
            "saving_usd": round(before - after, 2),
            "text": f"At this volume {model} by {self.api.provider} costs {dollars(after)} a month instead of "
            f"{dollars(before)} and is rated at least as good; its latency is not published.",
        }
