"""Ways to pay less for rented machines and cards: list price, spot, reservation, the same card at another cloud."""

from collections.abc import Sequence
from decimal import Decimal

from knowledge.facts import Instance
from tools.invoice.judging import TOLERANCE
from tools.invoice.ledger import Component
from tools.invoice.money import EXACT, ZERO, exact_sum
from tools.invoice.period import Period
from tools.invoice.records import Alternative
from tools.invoice.rental import Rental, RentalIndex, cards_in, hourly_usd, prices_usd

# Asking prices of private machines: no like-for-like offer.
MARKETS = frozenset({"vast_ai", "salad", "akash", "spheron", "tensordock", "sfcompute", "gpuhub"})


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
    if match.subject.mode == "on_demand" and hours > 0:
        found += _spot(components, rental, spend, hours, period)
        found += _reservations(components, rental, spend, hours, period)
        found += _other_clouds(components, rental, rentals, spend=spend, hours=hours, period=period)
    return found


def _spot(
    components: Sequence[Component], rental: Rental, spend: Decimal, hours: Decimal, period: Period
) -> list[Alternative]:
    prices = prices_usd(rental, "spot", _cards(components[0], rental))
    if not prices or spend <= EXACT.multiply(hours, prices[-1][0]):
        return []
    price, instance = prices[-1]
    saving = spend - EXACT.multiply(hours, price)
    how = f"{price:.4g} USD an hour instead of {float(spend / hours):.4g}"
    title, condition = f"spot capacity for {rental.title}", "the work can be interrupted and resumed"
    return [_way("spot", title, how, saving=saving, period=period, instance=instance, condition=condition)]


def _reservations(
    components: Sequence[Component], rental: Rental, spend: Decimal, hours: Decimal, period: Period
) -> list[Alternative]:
    """A reservation costs every hour, used or not: it is worth it for the machines that run nearly always."""
    found = []
    billed = EXACT.divide(spend, hours)
    always = int(hours / period.hours)
    for mode, years in (("reserved_1y", "one year"), ("reserved_3y", "three years")):
        prices = prices_usd(rental, mode, _cards(components[0], rental))
        if not prices:
            continue
        price, instance = prices[-1]
        costs = {
            count: EXACT.multiply(count * period.hours, price)
            + EXACT.multiply(max(ZERO, hours - count * period.hours), billed)
            for count in (Decimal(always), Decimal(always + 1))
            if count
        }
        count = min(costs, key=lambda count: costs[count])
        if costs[count] >= spend:
            continue
        how = (
            f"{price:.4g} USD for each of {period.hours:g} hours of {count} reserved instead of {float(billed):.4g} "
            f"for the {float(hours):g} hours used"
        )
        found.append(
            _way(
                mode,
                f"a reservation of {rental.title} for {years}",
                how,
                saving=spend - costs[count],
                period=period,
                instance=instance,
                condition=f"{count} of them {'is' if count == 1 else 'are'} always on for {years}",
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
    cards = int(_cards(components[0], rental) or here.gpu_count)
    if cards < 1:
        return []
    elsewhere = MARKETS | {rental.cloud}
    offers = []
    for instance in rentals.same_card(here.gpu_type):
        price = hourly_usd(instance, "on_demand")
        whole = instance.gpu_count >= 1 and cards % instance.gpu_count == 0  # a part of a machine is not for rent
        if price and whole and instance.cloud not in elsewhere and instance.confidence != "estimated":
            machines = cards // int(instance.gpu_count)
            offers.append((machines > 1, EXACT.multiply(price, Decimal(machines)), machines, instance))
    found = []
    for several in (False, True):
        held = [offer for offer in offers if offer[0] == several]
        if not held:
            continue
        _, price, machines, instance = min(held, key=lambda o: (o[1], o[3].cloud, o[3].instance_type))
        saving = spend - EXACT.multiply(hours, price)
        if saving <= 0:
            continue
        title = f"the same card at {instance.cloud} ({instance.region}): {instance.instance_type}"
        how = f"{float(price):.4g} USD an hour for {cards} x {here.gpu_type} instead of {float(spend / hours):.4g}"
        condition = "data and software can move; processor, memory and network of the machine differ"
        if several:
            condition += f"; {machines} machines without a fast link between their cards will do"
        found.append(
            _way("other_cloud", title, how, saving=saving, period=period, instance=instance, condition=condition)
        )
    return found


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
