"""What a conversation cost its person: the choice it ended with beside the best plan for what they really need."""

from agent.context import Context
from agent.sessions import View
from evals.scenario import Scenario
from tools.editing import edit
from tools.intent import Intent
from tools.planner import plan


def regret_percent(scenario: Scenario, view: View | None, context: Context) -> float | None:
    """How far the monthly bills of the final choice and of the balanced plan for the truth lie apart, in percent of
    the latter: too dear and too small are both regretted. None without a truth or without bills to compare.
    """
    chosen = view.chosen_option if view else None
    if not scenario.truth or chosen is None:
        return None
    best = plan(edit(Intent(), scenario.truth), context.snapshot, context.market, limit=1).best("balanced")
    bill: float | None = chosen["cost"]["monthly_usd"]
    if best is None or not best.cost.monthly_usd or bill is None:
        return None
    return round(100 * abs(bill / best.cost.monthly_usd - 1), 2)
