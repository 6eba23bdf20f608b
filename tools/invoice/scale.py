"""Quantities off by a thousand, a million or an hour for a minute: seen in the unit price, said, never saved."""

import re
from decimal import Decimal
from math import log10

from tools.invoice.records import PriceQuote

# A bill that is this many times its list price (or this small a part of it) is no discount and no overcharge.
IMPLAUSIBLE_FOR_MODEL = 20
IMPLAUSIBLE_FOR_RANGE = 3
# A shift explains a price when it brings it this near to the list, or this many decades nearer to what is typical.
NEAR = 2
DECADES_NEARER = 1.5

_SLIPS: tuple[tuple[Decimal, str], ...] = (
    (Decimal(10**3), "10^3"),
    (Decimal(10**6), "10^6"),
    (Decimal(10**9), "10^9"),
    (Decimal(60), "60 (hours and minutes)"),
    (Decimal(3600), "3600 (hours and seconds)"),
)
_TIME = re.compile(r"hour|minute|min\b|second")


def scale_problem(low_usd: Decimal, high_usd: Decimal, quote: PriceQuote) -> str:
    """What is wrong with an effective price between `low_usd` and `high_usd` (amounts are rounded); empty when nothing.

    Prices are per unit of the quote.
    """
    if quote.high_usd <= 0 or high_usd <= 0:
        return ""
    if quote.confidence == "range":
        return _against_range(low_usd, high_usd, quote)
    if high_usd < quote.low_usd / IMPLAUSIBLE_FOR_MODEL:
        return _said(high_usd, quote, _slip_into(high_usd, quote, small=True), "large")
    if low_usd > quote.high_usd * IMPLAUSIBLE_FOR_MODEL:
        return _said(low_usd, quote, _slip_into(low_usd, quote, small=False), "small")
    return ""


def _against_range(low_usd: Decimal, high_usd: Decimal, quote: PriceQuote) -> str:
    """A range is wide: a price counts as slipped when a shift brings it decades nearer to the typical price."""
    if high_usd < quote.low_usd / IMPLAUSIBLE_FOR_RANGE:
        slip = _slip_to_typical(high_usd, quote, small=True)
        if slip or high_usd < quote.floor_usd / IMPLAUSIBLE_FOR_RANGE:
            return _said(high_usd, quote, slip, "large")
    if low_usd > quote.high_usd * IMPLAUSIBLE_FOR_RANGE:
        return _said(low_usd, quote, _slip_to_typical(low_usd, quote, small=False), "small")
    return ""


def _slip_into(price: Decimal, quote: PriceQuote, *, small: bool) -> str:
    for slip, name in _SLIPS if _TIME.search(quote.unit) else _SLIPS[:3]:
        shifted = price * slip if small else price / slip
        if quote.low_usd / NEAR <= shifted <= quote.high_usd * NEAR:
            return name
    return ""


def _slip_to_typical(price: Decimal, quote: PriceQuote, *, small: bool) -> str:
    away = {name: _decades(price * slip if small else price / slip, quote.typical_usd) for slip, name in _SLIPS[:3]}
    best = min(away, key=lambda name: away[name])
    return best if _decades(price, quote.typical_usd) - away[best] >= DECADES_NEARER else ""


def _decades(price: Decimal, typical: Decimal) -> float:
    return abs(log10(price / typical))


def _said(price: Decimal, quote: PriceQuote, slip: str, too: str) -> str:
    one = quote.low_usd == quote.high_usd
    listed = f"{float(quote.low_usd):.4g}" if one else f"{float(quote.low_usd):.4g} to {float(quote.high_usd):.4g}"
    what = f"the quantity looks too {too} by {slip}: it makes" if slip else "implausible:"
    return f"{what} {float(price):.3g} USD per {quote.unit}, the list says {listed}; not compared"
