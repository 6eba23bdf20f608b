"""Quantities off by a thousand, a million or an hour for a minute: seen in the unit price, said, never saved."""

from collections.abc import Callable
from decimal import Decimal

from tools.invoice.records import PriceQuote

# A bill that is this many times its list price (or this small a part of it) is no discount and no overcharge.
IMPLAUSIBLE_FOR_MODEL = 20
IMPLAUSIBLE_FOR_RANGE = 3
# A shifted price counts as explained when it comes this near to the list.
NEAR = 2

_SLIPS: tuple[tuple[int, str], ...] = (
    (10**6, "10^6"),
    (10**3, "10^3"),
    (3600, "3600 (hours and seconds)"),
    (60, "60 (hours and minutes)"),
    (10**9, "10^9"),
)


def scale_problem(low_usd: Decimal, high_usd: Decimal, quote: PriceQuote) -> str:
    """What is wrong with an effective price between `low_usd` and `high_usd` (amounts are rounded); empty when nothing.

    Prices are per unit of the quote.
    """
    limit = IMPLAUSIBLE_FOR_RANGE if quote.confidence == "range" else IMPLAUSIBLE_FOR_MODEL
    if quote.high_usd <= 0:
        return ""
    if high_usd < quote.low_usd / limit and high_usd > 0:
        return _said(high_usd, quote, "large", lambda slip: high_usd * slip)
    if low_usd > quote.high_usd * limit:
        return _said(low_usd, quote, "small", lambda slip: low_usd / slip)
    return ""


def _said(price: Decimal, quote: PriceQuote, too: str, shifted: Callable[[int], Decimal]) -> str:
    listed = (
        f"{quote.low_usd:.4g}" if quote.low_usd == quote.high_usd else f"{quote.low_usd:.4g} to {quote.high_usd:.4g}"
    )
    for slip, name in _SLIPS:
        if quote.low_usd / NEAR <= shifted(slip) <= quote.high_usd * NEAR:
            return (
                f"the quantity looks too {too} by {name}: it makes {price:.3g} USD per {quote.unit}, "
                f"the list says {listed}; not compared"
            )
    return f"implausible: {price:.3g} USD per {quote.unit}, the list says {listed}; not compared"
