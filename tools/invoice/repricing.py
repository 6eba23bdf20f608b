"""What the usage of a bill costs under another price: another seller, another model, another billing mode."""

from collections.abc import Sequence
from decimal import Decimal

from knowledge.facts import ApiPrice
from tools.invoice.ledger import Component
from tools.invoice.money import EXACT, exact_sum
from tools.invoice.period import Period
from tools.invoice.prices import PricedModel, offered, price_of, rows_for, unit_named
from tools.invoice.records import Alternative
from tools.units import factor


def cost_at(model: PricedModel, components: Sequence[Component]) -> tuple[Decimal, tuple[ApiPrice, ...]] | None:
    """What the same usage costs at another seller or with another model; None when a part of it is not sold there.

    Where there is no price for cached or batched tokens, the plain price is taken: they would be billed so.
    """
    costs, used = [], []
    for component in components:
        row = _dearest(model, component)
        if row is None:
            return None
        costs.append(EXACT.multiply(component.units, in_unit_of(row, component)))
        used.append(row)
    return exact_sum(costs), tuple(used)


def alternative(
    kind: str,
    title: str,
    how: str,
    *,
    saving: Decimal,
    period: Period,
    rows: Sequence[ApiPrice] = (),
    confidence: str = "",
    condition: str = "",
    substitution: bool = False,
    details: dict[str, object] | None = None,
) -> Alternative:
    """An alternative with its monthly figure and the oldest source it rests on."""
    oldest = min(rows, key=lambda row: row.source_date, default=None)
    sure = "high" if rows and all(row.confidence == "official" for row in rows) else "medium"
    return Alternative(
        kind=kind,
        title=title,
        how=how,
        saving_usd=saving,
        monthly_usd=period.monthly(saving),
        confidence=confidence or sure,
        condition=condition,
        substitution=substitution,
        source_date=oldest.source_date if oldest else "",
        source_url=oldest.source_url if oldest else "",
        details=details or {},
    )


def less(
    model: PricedModel,
    component: Component,
    *,
    mode: str | None = None,
    direction: str | None = None,
    region: str | None = None,
    short: bool = False,
) -> tuple[Decimal, ApiPrice] | None:
    """What a component would cost less under one changed condition of the same model; None when that has no price."""
    subject = component.match.subject
    side = direction or subject.direction
    rows = rows_for(
        model,
        mode=mode or subject.mode,
        direction=side,
        cache_hours=subject.cache_hours if side == subject.direction else None,
        long_context=subject.long_context and not short,
        region=region or subject.region or "global",
        dimension=dimension_of(component),
    )
    if not rows:
        return None
    row = max(rows, key=price_of)
    return component.amount_usd - EXACT.multiply(component.units, in_unit_of(row, component)), row


def _dearest(model: PricedModel, component: Component) -> ApiPrice | None:
    """The dearest row that this component could be billed by: savings are stated at their least."""
    subject = component.match.subject
    direction = subject.direction
    plain = "input" if direction in {"cache_read", "cache_write"} else direction
    tries = [(subject.mode, direction), (subject.mode, plain)]
    if subject.mode in {"batch", "flex"}:  # where these are not sold, the same work is billed as ordinary requests
        tries += [("per_token", direction), ("per_token", plain)]
    for mode, side in dict.fromkeys(tries):
        rows = rows_for(
            model,
            mode=mode,
            direction=side,
            cache_hours=subject.cache_hours if side == direction else None,
            long_context=subject.long_context,
            region=subject.region or "global",
            dimension=dimension_of(component),
        )
        if held := offered(rows):
            return max(held, key=price_of)
    return None


def dimension_of(component: Component) -> str:
    """The dimension that a component is counted in, empty when unknown."""
    quote = component.match.quote
    unit = unit_named(quote.unit, component.match.workload or "llm") if quote else None
    return unit.dimension if unit else ""


def in_unit_of(row: ApiPrice, component: Component) -> Decimal:
    """Price of a row per unit in which the component is counted."""
    quote = component.match.quote
    counted = unit_named(quote.unit, row.workload_type) if quote else None
    own = unit_named(row.unit_name, row.workload_type)
    if counted is None or own is None or counted.size == own.size:
        return price_of(row)
    ratio = factor(counted, own)
    return EXACT.divide(EXACT.multiply(price_of(row), Decimal(ratio.numerator)), Decimal(ratio.denominator))
