"""One amount for several counts (a request, or a month of a model): compared as a whole, then shared by list price."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tools.invoice.judging import compared, in_usd, judge, unusable
from tools.invoice.money import EXACT, ZERO, Rate, exact_sum
from tools.invoice.records import Entry, Match, PartResult, PriceQuote

SMALLEST_SHARE = Decimal("1e-12")
_ONE_LINE = Decimal(1)


def judge_together(
    entries: Sequence[Entry], matches: Sequence[Match], amount: Decimal, rates: Mapping[str, Rate]
) -> tuple[PartResult, ...]:
    """Compare what the entries cost at list price with `amount`, and give each its part of it; nothing gets lost.

    Where one of them cannot be priced the line is one part, unmatched for that reason.
    """
    usd = in_usd(amount, matches[0].subject.currency, rates)
    for entry, match in zip(entries, matches, strict=True):
        priced = entry._replace(amount=amount)
        if not match.matched or match.units_per_quantity is None or unusable(priced, usd, match):
            return (judge(priced, match, rates),)
    listed = [_listed(entry, match) for entry, match in zip(entries, matches, strict=True)]
    high = exact_sum([most for _, _, most in listed])
    if usd is None or not high:  # nothing to share by: what is listed as free has one amount
        first = judge(entries[0]._replace(amount=amount), matches[0], rates)
        rest = zip(entries[1:], matches[1:], strict=True)
        return (first, *(judge(entry._replace(amount=ZERO), match, rates) for entry, match in rest))
    quote = matches[0].quote
    assert quote is not None  # noqa: S101  a match has one
    low = exact_sum([least for _, least, _ in listed])
    whole = PriceQuote(
        low, high, "line", quote.sku, quote.region, quote.source_date, quote.source_url, quote.confidence
    )
    verdict = compared(matches[0], whole, amount, usd, quantity=_ONE_LINE, units=_ONE_LINE)
    shares = [EXACT.divide(EXACT.multiply(amount, most), high).quantize(SMALLEST_SHARE) for _, _, most in listed]
    shares[-1] = EXACT.subtract(amount, exact_sum(shares[:-1]))
    return tuple(
        verdict._replace(
            match=match,
            amount=share,
            amount_usd=(part_usd := in_usd(share, match.subject.currency, rates)),
            quantity=entry.quantity,
            units=units,
            effective_usd=EXACT.divide(part_usd or ZERO, units),
        )
        for entry, match, share, (units, _, _) in zip(entries, matches, shares, listed, strict=True)
    )


def _listed(entry: Entry, match: Match) -> tuple[Decimal, Decimal, Decimal]:
    """Units of an entry, and what they cost at least and at most by the list, USD."""
    assert match.quote is not None  # noqa: S101  the caller has looked
    assert match.units_per_quantity is not None  # noqa: S101
    units = EXACT.multiply(entry.quantity or ZERO, match.units_per_quantity)
    return units, EXACT.multiply(units, match.quote.low_usd), EXACT.multiply(units, match.quote.high_usd)
