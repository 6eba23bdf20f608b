"""Ways to pay less for the tokens, minutes or images of one model at one seller, priced exactly from the catalog."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tools.invoice import billing_modes
from tools.invoice.judging import TOLERANCE, regions_at
from tools.invoice.ledger import Component
from tools.invoice.money import EXACT, ZERO, exact_sum
from tools.invoice.names import model_name, same_weights, undated
from tools.invoice.period import Period
from tools.invoice.prices import PricedModel, PriceIndex, region_of, unit_named
from tools.invoice.records import Alternative
from tools.invoice.repricing import alternative, cost_at

SMALLEST_SAVING = Decimal("0.01")
SMALLEST_SHARE = Decimal("0.01")
# Beyond this the other price is more likely a mistake, or another thing, than an offer.
LARGEST_SHARE_ELSEWHERE = Decimal("0.9")
OTHERS_LISTED = 3


def ways(components: Sequence[Component], prices: PriceIndex, period: Period) -> list[Alternative]:
    """Every way that fits these components of one bundle, each for itself."""
    match = components[0].match
    model = prices.find(match.listed_by, match.model)
    if model is None:
        return []
    found = [_above_list(components, period)]
    found += _elsewhere(components, model, prices, period)
    found += billing_modes.ways(components, model, period)
    return [way for way in found if way is not None]


def is_worthwhile(saving: Decimal, spend: Decimal) -> bool:
    """Whether a saving is more than rounding, and no more than was spent."""
    return SMALLEST_SAVING <= saving <= spend and saving >= EXACT.multiply(spend, SMALLEST_SHARE)


def tokens_by_direction(components: Sequence[Component]) -> dict[str, Decimal]:
    """Prompt and output tokens of the period; empty when not billed by text tokens with a direction."""
    counted: dict[str, Decimal] = {}
    for component in components:
        unit = unit_named(component.match.quote.unit, "llm") if component.match.quote else None
        direction = component.match.subject.direction
        if unit is None or unit.dimension != "text_token" or direction is None:
            return {}
        side = "output" if direction == "output" else "input"
        counted[side] = EXACT.add(
            counted.get(side, ZERO), component.units * unit.size.numerator / unit.size.denominator
        )
    return counted


def open_model(component: Component, open_models: Mapping[str, str]) -> str | None:
    """Hub id of the weights behind a billed model, when they are open; `open_models` is by folded name."""
    return open_models.get(same_weights(model_name(component.match.model)))


def _above_list(components: Sequence[Component], period: Period) -> Alternative | None:
    saving, said, sure = ZERO, [], "high"
    for component in components:
        quote = component.match.quote
        if quote is None or quote.high_usd <= 0 or component.units <= 0 or component.estimated:
            continue
        listed = EXACT.multiply(component.units, quote.high_usd)
        regional = regions_at(EXACT.divide(component.amount_usd, component.units), quote)
        if component.amount_usd > listed * (1 + TOLERANCE) and not regional:
            saving = EXACT.add(saving, component.amount_usd - listed)
            what = (component.match.subject.direction or "usage").replace("_", " ")
            billed = component.amount_usd / component.units
            said.append(f"{what} {float(billed):.4g} instead of {float(quote.high_usd):.4g} USD per {quote.unit}")
            sure = sure if quote.confidence == "official" else "medium"
    if not said:
        return None
    match = components[0].match
    quote = match.quote
    return Alternative(
        kind="above_list",
        title=f"{match.provider} billed {match.model} above its list price: {'; '.join(said[:3])}",
        how=f"ask {match.provider} for the reason, a credit or the list rate; check plan, region and tier first",
        saving_usd=saving,
        monthly_usd=period.monthly(saving),
        confidence=sure,
        source_date=quote.source_date if quote else "",
        source_url=quote.source_url if quote else "",
    )


def _elsewhere(
    components: Sequence[Component], model: PricedModel, prices: PriceIndex, period: Period
) -> list[Alternative]:
    spend = exact_sum([component.amount_usd for component in components])
    found = []
    for other in prices.elsewhere(model):
        priced = cost_at(other, components)
        if priced is None:
            continue
        cost, rows = priced
        saving = spend - cost
        if saving <= 0:
            continue
        conditions = []
        if any(row.confidence != "official" for row in rows):
            conditions.append("one source only states the price there: check it first")
        if saving > spend * LARGEST_SHARE_ELSEWHERE:
            conditions.append("the price there is so low that it must be checked first")
        if undated(other.name) != undated(model.name):
            conditions.append("the same weights by a declared equivalence; precision and limits may differ")
        tied = sorted({c.match.subject.region for c in components} - {"", "global"})
        if tied and not tied[0].startswith("us") and any(region_of(row) == "global" for row in rows):
            conditions.append(f"the price there is not tied to {tied[0]}: check residency")
        found.append(
            alternative(
                "other_provider",
                f"the same model at {other.provider}: {other.model_key}",
                f"move these calls to {other.provider} after a test of limits, latency, terms and precision",
                saving=saving,
                period=period,
                rows=rows,
                condition="; ".join(conditions),
                details={"provider": other.provider, "model": other.model_key, "cost_usd": cost},
            )
        )
    # A seller that lists a model under its maker's name resells it; at the same price the maker comes first.
    found.sort(key=lambda way: (bool(way.condition), -way.saving_usd, "/" in str(way.details["model"]), way.title))
    by_seller = {way.details["provider"]: way for way in reversed(found)}
    return sorted(by_seller.values(), key=found.index)[:OTHERS_LISTED]
