"""Hardware of one's own: what running it costs, what buying it costs, and when it pays against renting."""

from dataclasses import dataclass
from math import ceil

from knowledge.facts import Accelerator
from tools.intent import DatacenterContext
from tools.market import Market
from tools.planner.money import UNKNOWN_COST, Cost, Line, bill, line
from tools.planner.traffic import HOURS_PER_MONTH

DEFAULT_AMORTIZATION_MONTHS = 36
MAINTENANCE_SHARE_PER_YEAR = 0.05
"""Support, spares and hands as a share of the purchase price and year: an assumption, shown as its own line."""

HOST_SHARE = 0.35
"""Server, network and storage as a share of the cards' price: an assumption, shown as its own line."""


def break_even_months(capex_usd: float, opex_usd_per_month: float, rental_usd_per_month: float) -> float | None:
    """Months after which buying has cost less than renting; None when it never does.

    The seed's own figures (60,000, 182 and 11,972 USD) give 5.1 months, not the 41 it prints.
    """
    saved = rental_usd_per_month - opex_usd_per_month
    return capex_usd / saved if saved > 0 else None


@dataclass(frozen=True, slots=True)
class Hardware:
    """Cards and their price: a street price where there is one, else the list price at launch."""

    usd_per_card: float
    source: str


def card_price(accelerator: Accelerator, market: Market) -> Hardware | None:
    """Price of one card with its source, or None."""
    street = market.cards.get(accelerator.gpu_type)
    if street is not None:
        return Hardware(street.purchase_price_usd, f"street price of {street.source_date}")
    if accelerator.launch_price_usd is not None:
        return Hardware(accelerator.launch_price_usd, f"reported price at launch, {accelerator.year}")
    return None


def owned_cost(
    accelerator: Accelerator, count: int, context: DatacenterContext | None, tokens_per_month: float
) -> Cost:
    """Running `count` cards that are already there. Unknown without a power rate."""
    lines = running_lines(accelerator, count, context)
    if not lines:
        return UNKNOWN_COST
    return bill(lines, tokens_per_month=tokens_per_month, hours_per_month=HOURS_PER_MONTH)


def running_lines(accelerator: Accelerator, count: int, context: DatacenterContext | None) -> tuple[Line, ...]:
    """Power and rack space; empty when no power rate or no power draw is known."""
    if context is None or context.power_cost_per_kwh is None or accelerator.tdp_w is None:
        return ()
    pue = context.cooling_overhead_pue or 1.0
    kwh = accelerator.tdp_w * count / 1000 * HOURS_PER_MONTH * pue
    item = f"power: {count} × {accelerator.tdp_w:g} W × {HOURS_PER_MONTH:g} h × PUE {pue:g}"
    lines = [line(item, round(kwh, 3), "kWh", context.power_cost_per_kwh)]
    if context.rack_space_cost_per_month:
        lines.append(line("rack space", 1, "month", context.rack_space_cost_per_month))
    return tuple(lines)


def purchase_cost(
    accelerator: Accelerator, count: int, price: Hardware, context: DatacenterContext | None, tokens_per_month: float
) -> Cost:
    """Buying and running `count` cards: amortised cards and host, maintenance, power and rack."""
    months = (context.amortization_period_months if context else None) or DEFAULT_AMORTIZATION_MONTHS
    capex = price.usd_per_card * count
    lines = (
        line(
            f"{count} × {accelerator.gpu_type} over {months} months ({price.source})",
            count,
            "card",
            price.usd_per_card / months,
        ),
        line(f"server and network, {HOST_SHARE:.0%} of the cards (assumed)", 1, "month", capex * HOST_SHARE / months),
        line(
            f"maintenance, {MAINTENANCE_SHARE_PER_YEAR:.0%} of the purchase a year (assumed)",
            1,
            "month",
            capex * (1 + HOST_SHARE) * MAINTENANCE_SHARE_PER_YEAR / 12,
        ),
        *running_lines(accelerator, count, context),
    )
    return bill(lines, tokens_per_month=tokens_per_month, hours_per_month=HOURS_PER_MONTH)


def capital_usd(price: Hardware, count: int) -> float:
    """What a purchase costs on the day: cards and host."""
    return price.usd_per_card * count * (1 + HOST_SHARE)


def break_even_month(capex_usd: float, opex_usd_per_month: float, rental_usd_per_month: float) -> int | None:
    """The first whole month in which a purchase has paid for itself."""
    months = break_even_months(capex_usd, opex_usd_per_month, rental_usd_per_month)
    return None if months is None else ceil(months)
