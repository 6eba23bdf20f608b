"""Ways to pay less for rented machines and cards: list price, spot, reservation, the same card at another cloud."""

from collections.abc import Sequence
from decimal import Decimal

from knowledge.facts import Instance
from tools.invoice.judging import TOLERANCE
from tools.invoice.ledger import Component
from tools.invoice.money import EXACT, exact_sum
from tools.invoice.period import Period
from tools.invoice.records import Alternative
from tools.invoice.rental import Rental, RentalIndex, cards_in, hourly_usd, prices_usd

# Asking prices of private machines: no like-for-like offer.
MARKETS = frozenset({"vast_ai", "salad", "akash", "spheron", "tensordock", "sfcompute", "gpuhub"})
_OTHER_MODES = {
    "spot": ("spot capacity", "the work can be interrupted and resumed"),
    "reserved_1y": ("a one-year reservation", "the machines run all hours of the year"),
    "reserved_3y": ("a three-year reservation", "the machines run all hours of three years"),
}


def ways(components: Sequence[Component], rentals: RentalIndex, period: Period) -> list[Alternative]:
    """Every way that fits these rented hours, each for itself."""
    match = components[0].match
    rental = rentals.find(match.provider, match.subject.instance, match.subject.region)
    if rental is None:
        return []
    spend = exact_sum([component.amount_usd for component in components])
    hours = exact_sum([component.units for component in components])
    quote = match.quote
    found = []
    if quote and hours > 0 and spend > EXACT.multiply(hours, quote.high_usd) * (1 + TOLERANCE):
        saving = spend - EXACT.multiply(hours, quote.high_usd)
        title = (
            f"{rental.title} was billed {float(spend / hours):.4g} instead of {float(quote.high_usd):.4g} USD an hour"
        )
        how = f"ask {rental.cloud} for the reason, and for a credit or the list rate"
        found.append(_way("above_list", title, how, saving=saving, period=period, instance=rental.instances[0]))
    if match.subject.mode == "on_demand":
        found += _other_modes(components, rental, spend, hours, period)
        found += _other_clouds(components, rental, rentals, spend=spend, hours=hours, period=period)
    return found


def _other_modes(
    components: Sequence[Component], rental: Rental, spend: Decimal, hours: Decimal, period: Period
) -> list[Alternative]:
    found = []
    for mode, (title, condition) in _OTHER_MODES.items():
        prices = prices_usd(rental, mode, _cards(components[0], rental))
        if prices and spend > EXACT.multiply(hours, prices[-1][0]):
            saving = spend - EXACT.multiply(hours, prices[-1][0])
            how = f"{prices[-1][0]:.4g} USD an hour instead of {float(spend / hours):.4g}"
            found.append(
                _way(
                    mode,
                    f"{title} for {rental.title}",
                    how,
                    saving=saving,
                    period=period,
                    instance=prices[-1][1],
                    condition=condition,
                )
            )
    return found


def _other_clouds(
    components: Sequence[Component],
    rental: Rental,
    rentals: RentalIndex,
    *,
    spend: Decimal,
    hours: Decimal,
    period: Period,
) -> list[Alternative]:
    here = rental.instances[0]
    cards = _cards(components[0], rental) or Decimal(repr(here.gpu_count))
    elsewhere = MARKETS | {rental.cloud}
    offers = []
    for instance in rentals.same_card(here.gpu_type):
        price = hourly_usd(instance, "on_demand")
        if price and instance.gpu_count >= 1 and instance.cloud not in elsewhere and instance.confidence != "estimated":
            offers.append((EXACT.divide(price, Decimal(repr(instance.gpu_count))) * cards, instance))
    if not offers:
        return []
    price, instance = min(offers, key=lambda pair: (pair[0], pair[1].cloud, pair[1].instance_type))
    saving = spend - EXACT.multiply(hours, price)
    if saving <= 0:
        return []
    title = f"the same card at {instance.cloud} ({instance.region}): {instance.instance_type}"
    how = f"{float(price):.4g} USD an hour for {cards:g} x {here.gpu_type} instead of {float(spend / hours):.4g}"
    condition = "data and software can move; processor, memory and network of the machine differ"
    return [_way("other_cloud", title, how, saving=saving, period=period, instance=instance, condition=condition)]


def _cards(component: Component, rental: Rental) -> int | None:
    quote = component.match.quote
    if quote and quote.unit == "gpu_hour":
        return 1
    return cards_in(component.match.subject.instance) if rental.per_card else None


def _way(
    kind: str, title: str, how: str, *, saving: Decimal, period: Period, instance: Instance, condition: str = ""
) -> Alternative:
    return Alternative(
        kind=kind,
        title=title,
        how=how,
        saving_usd=saving,
        monthly_usd=period.monthly(saving),
        confidence="high" if instance.confidence == "official" else "medium",
        condition=condition,
        source_date=instance.source_date,
        source_url=instance.source_url,
    )
