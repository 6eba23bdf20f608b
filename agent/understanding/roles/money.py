"""Budgets, prices per token, and what power and racks cost."""

from agent.understanding.context import Match
from agent.understanding.draft import Draft
from agent.understanding.quantities import Quantity, period_seconds
from agent.understanding.scene import Scene, unusable
from agent.understanding.text import words

HOURS_PER_MONTH_SECONDS = 2628288.0
_ASK = "Is “{}” per month, per year, or in total?"
_CHOICES = ("per month", "per year", "in total")
AFTER_REACH, AFTER_REACH_PAID = 3.0, 6.0
CURRENT_REACH = 9.0
_COST_WORDS = words("cost costs pay bill price rent kosten kostet cout coste")
_UNPLACED_PERS = {"request": "a price per request", "gpu": "a price per card", "audio": "a price per unit of media"}
_RACK = words("rack racks")


def read_money(scene: Scene, draft: Draft) -> None:
    """Fill budget and the money fields of datacenter_context."""
    sums = list(scene.open("money"))
    for quantity in sums:
        scene.use(quantity)
        if why := unusable(quantity):
            draft.doubt(*scene.span(quantity), why, "budget")
        elif not _data_centre(scene, draft, quantity):
            _budget(scene, draft, quantity)
    for quantity in list(scene.open(None)):
        if quantity.per("kwh") and not quantity.number.soft and not unusable(quantity):
            scene.use(quantity)
            _data_centre(scene, draft, quantity)
        elif _is_bare_sum(scene, quantity):
            scene.use(quantity)
            _budget(scene, draft, quantity)


def _is_bare_sum(scene: Scene, quantity: Quantity) -> bool:
    """ "budget 60k a year", "max 5k/month": money without a currency, known by its cue and its period."""
    if quantity.number.soft or unusable(quantity) or quantity.per("user") or quantity.unit is not None:
        return False
    budget = scene.context.nearest(quantity, ("budget",), 3.5)
    period = quantity.period or _label_period(scene, quantity)
    if budget and (period or quantity.value >= 100):
        return True
    ceiling = scene.context.nearest(quantity, ("ceiling",), 2.0)
    return bool(
        quantity.period and ceiling and quantity.number.scale == 1e3 and quantity.period.kind in ("month", "year")
    )


def _label_period(scene: Scene, quantity: Quantity) -> str | None:
    match = scene.context.nearest(quantity, ("monthly", "hourly"), 3.0)
    return None if match is None else {"monthly": "month", "hourly": "hour"}[match.role]


def _data_centre(scene: Scene, draft: Draft, quantity: Quantity) -> bool:
    """Power per kWh and rack space per month."""
    span = scene.span(quantity)
    foreign = quantity.currency not in ("USD", None)
    if quantity.per("kwh"):
        path, value = "datacenter_context.power_cost_per_kwh", quantity.top
    elif _is_rack(scene, quantity):
        months = period_seconds(quantity.period) / HOURS_PER_MONTH_SECONDS if quantity.period else 1.0
        path, value = "datacenter_context.rack_space_cost_per_month", quantity.top / months
    else:
        return False
    if foreign:
        draft.doubt(*span, f"a sum in {quantity.currency}; this one is planned in USD", path)
    else:
        draft.say(path, value, *span)
    return True


def _is_rack(scene: Scene, quantity: Quantity) -> bool:
    if not _RACK.isdisjoint(scene.texts[quantity.core_last : quantity.last]):
        return True
    rack = scene.context.nearest(quantity, ("rack",), 5.0)
    budget = scene.context.nearest(quantity, ("budget",), 2.0)
    return rack is not None and (budget is None or rack.cost <= budget.cost or budget.cost > 1.0)


def _budget(scene: Scene, draft: Draft, quantity: Quantity) -> None:
    span = scene.span(quantity)
    token = quantity.per("token")
    kind = next((each.kind for each in quantity.pers if each.kind in _UNPLACED_PERS), None)
    if _is_current(scene, quantity):
        draft.doubt(*span, "money that is spent or earned now, not said to be a limit", "budget.max_monthly_cost_usd",
                    "What is the most you want to spend per month?")  # fmt: skip
    elif token and quantity.currency in ("USD", None):
        draft.say("budget.cost_per_1k_tokens", round(quantity.top / token.amount * 1000, 12), *span)
    elif token:
        draft.doubt(*span, f"a price per token in {quantity.currency}; prices per token are compared in USD", "budget")
    elif kind:
        draft.doubt(*span, f"{_UNPLACED_PERS[kind]}; a limit is kept per month, hour or 1k tokens", "budget")
    elif quantity.per("user"):
        _per_user(scene, draft, quantity)
    else:
        _say_budget(scene, draft, quantity, quantity.top)


def _is_current(scene: Scene, quantity: Quantity) -> bool:
    current = scene.context.nearest(quantity, ("current",), CURRENT_REACH)
    paid = any(_is_plain_cost(scene, each) for each in scene.context.near(quantity, ("budget",), 2.0)[:1])
    reach = AFTER_REACH_PAID if paid else AFTER_REACH
    if current is None or (current.hit.first > quantity.first and current.cost > reach):
        return False
    if scene.before(quantity, 1) == ("to",):
        return False
    before = current.hit.first < quantity.first
    limit = scene.context.nearest(quantity, ("ceiling",), 2.0)
    budget = next(
        (each for each in scene.context.near(quantity, ("budget",), 2.0) if not _is_plain_cost(scene, each)), None
    )
    nearest = min((each.cost for each in (limit, budget) if each is not None), default=None)
    return nearest is None or current.cost < nearest + (2.0 if before else 0.0)


def _is_plain_cost(scene: Scene, match: Match) -> bool:
    """ "Costs" and "pay" say as little of a limit as of a bill."""
    return not _COST_WORDS.isdisjoint(scene.texts[match.hit.first : match.hit.last])


def _per_user(scene: Scene, draft: Draft, quantity: Quantity) -> None:
    users = draft.value("total_users")
    if users is None or quantity.period is None:
        draft.doubt(*scene.span(quantity), "a sum per user, and the number of users is not known", "total_users")
    else:
        _say_budget(scene, draft, quantity, quantity.top * users)


def _period_of_sentence(scene: Scene, quantity: Quantity) -> str | None:
    """ "2,000 hours per month with a budget of $500": the month is said once for both."""
    low, high = scene.context.bounds(quantity)
    monthly = any(low <= each.first < high and each.period and each.period.kind == "month" for each in scene.quantities)
    return "month" if monthly and scene.context.nearest(quantity, ("budget",), 2.0) else None


def _say_budget(scene: Scene, draft: Draft, quantity: Quantity, amount: float) -> None:
    span = scene.span(quantity)
    period = quantity.period
    kind = period.kind if period else _label_period(scene, quantity) or _period_of_sentence(scene, quantity)
    if kind is None or kind in ("second", "minute"):
        text = draft.message[slice(*span)]
        draft.doubt(*span, "a sum, not said for which time", "budget.max_monthly_cost_usd", _ASK.format(text), _CHOICES)
        return
    hourly = kind == "hour"
    seconds = period_seconds(period) if period else HOURS_PER_MONTH_SECONDS
    value = amount / (seconds / 3600 if period else 1) if hourly else amount * HOURS_PER_MONTH_SECONDS / seconds
    value = round(value, 6)
    if quantity.currency in ("USD", None):
        draft.say("budget.max_hourly_cost_usd" if hourly else "budget.max_monthly_cost_usd", value, *span)
        return
    for path, part in (("amount", value), ("currency", quantity.currency), ("period", "hour" if hourly else "month")):
        draft.say(f"budget.{path}", part, *span)
