"""What became of one entry: its effective price against the list price, or why the two cannot be compared."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

from tools.invoice.money import EXACT, ZERO, Rate
from tools.invoice.records import Entry, Match, PartResult, PriceQuote
from tools.invoice.scale import scale_problem

TOLERANCE = Decimal("0.01")
_PRICE = Context(prec=28, rounding=ROUND_HALF_EVEN)  # prices are shown and compared, never summed
_CENT_EXPONENT = -2
_ONE = Decimal(1)
_NEARLY, _BARELY = 1 - TOLERANCE, 1 + TOLERANCE


def judge(entry: Entry, match: Match, rates: Mapping[str, Rate]) -> PartResult:
    """Compare one entry with its match. Whatever cannot be compared still counts with its amount, except totals."""
    amount, quantity = entry.amount, entry.quantity
    usd = in_usd(amount, match.subject.currency, rates)
    if match.quote is None or match.units_per_quantity is None:
        status = "rejected" if match.subject.kind == "total" else "unmatched"
        return PartResult(match, status, match.code, match.reason, amount, usd, quantity)  # type: ignore[arg-type]
    if problem := unusable(entry, usd, match):
        return PartResult(match, "unmatched", problem[0], problem[1], amount, usd, quantity)
    if quantity is None:
        return _without_quantity(entry, match, usd)
    units = EXACT.multiply(quantity, match.units_per_quantity)
    if amount is None:
        return _estimated(match, quantity, units)
    assert usd is not None  # noqa: S101  unusable refuses a currency without a rate
    return compared(match, match.quote, amount, usd, quantity=quantity, units=units)


def unusable(entry: Entry, usd: Decimal | None, match: Match) -> tuple[str, str] | None:
    """Code and reason of an entry whose price cannot be compared; None when it can."""
    if entry.amount is not None and usd is None:
        currency = match.subject.currency
        return "currency", f"{currency} and no rate stated (--rate {currency}=1.08@2026-11-01): reported in {currency}"
    if entry.quantity_problem:
        return "quantity", entry.quantity_problem
    if entry.quantity is not None and entry.quantity < 0:
        return "quantity", "a negative quantity with a positive amount"
    if entry.quantity is not None and not entry.quantity:
        return ("quantity", "billed for a quantity of zero") if entry.amount else ("empty", "no usage and no amount")
    return None


def compared(
    match: Match, quote: PriceQuote, amount: Decimal, usd: Decimal, *, quantity: Decimal, units: Decimal
) -> PartResult:
    """The effective price of so many units against a quote."""
    effective = _PRICE.divide(usd, units)
    code, reason = "at_list", "billed at list price"
    low, high = quote.low_usd, quote.high_usd
    if not low * _NEARLY <= effective <= high * _BARELY:
        slack = _rounding_slack(amount, usd, units)
        if problem := scale_problem(effective - slack, effective + slack, quote):
            return PartResult(match, "unmatched", "scale", problem, amount, usd, quantity, units, effective)
        code, reason = _against_list(effective, slack, quote)
    if match.code == "model_unknown":
        where = {"at_list": "within", "above_list": "above", "below_list": "below"}.get(code, "outside")
        reason = (
            f"model unknown: {float(effective):.4g} USD per {quote.unit} is {where} the range of {match.provider} "
            f"({float(low):.4g} to {float(high):.4g}); never counted as a saving"
        )
        return PartResult(match, "unmatched", "model_unknown", reason, amount, usd, quantity, units, effective)
    return PartResult(match, "matched", code, reason, amount, usd, quantity, units, effective)


def _against_list(effective: Decimal, slack: Decimal, quote: PriceQuote) -> tuple[str, str]:
    if effective == 0:
        return "free", "billed nothing: a free allowance, or a discount inside the price"
    if quote.high_usd == 0:
        return "listed_free", "the catalog lists this as free: check the rate"
    if effective - slack > quote.high_usd * _BARELY:
        if regions := regions_at(effective, quote, slack):
            return "at_list", f"billed at the list price of other regions ({', '.join(regions)}); the line names none"
        share = (effective / quote.high_usd - 1) * 100
        return (
            "above_list",
            f"billed {share:.1f} % above the list price of {float(quote.high_usd):.6g} USD per {quote.unit}",
        )
    if effective + slack < quote.low_usd * _NEARLY:
        share = (1 - effective / quote.low_usd) * 100
        return (
            "below_list",
            f"billed {share:.1f} % below the list price of {float(quote.low_usd):.6g} USD per {quote.unit}",
        )
    return "at_list", "billed at list price"


def regions_at(effective: Decimal, quote: PriceQuote, slack: Decimal = ZERO) -> list[str]:
    """Regions where the effective price is the list price, for charges that name none."""
    return [
        region for price, region in quote.in_regions if price * _NEARLY - slack <= effective <= price * _BARELY + slack
    ]


def _without_quantity(entry: Entry, match: Match, usd: Decimal | None) -> PartResult:
    quote = match.quote
    if (
        match.code == "model_unknown"
        or quote is None
        or usd is None
        or quote.high_usd <= 0
        or quote.low_usd != quote.high_usd
    ):
        code = match.code if match.code == "model_unknown" else "quantity"
        return PartResult(match, "unmatched", code, "no quantity: the price cannot be checked", entry.amount, usd, None)
    listed = entry.list_amount if entry.list_amount else entry.amount
    assert listed is not None  # noqa: S101  without a quantity there is an amount
    in_usd = usd if listed == entry.amount else _scaled(usd, listed, entry.amount)
    units = EXACT.divide(in_usd, quote.high_usd)
    code, reason = "at_list", "no quantity stated: taken as billed at list price"
    if entry.list_amount is not None and entry.amount is not None:
        code, reason = "at_list", "billed at the list price that the export states"
        if entry.amount > entry.list_amount * (1 + TOLERANCE) + TOLERANCE:
            code, reason = "above_list", f"billed above the list amount of {entry.list_amount} that the export states"
        elif entry.amount < entry.list_amount * (1 - TOLERANCE) - TOLERANCE:
            code, reason = "below_list", f"billed below the list amount of {entry.list_amount} that the export states"
    effective = _PRICE.divide(usd, units) if units else None
    return PartResult(match, "matched", code, reason, entry.amount, usd, None, units, effective)


def _scaled(usd: Decimal, listed: Decimal, amount: Decimal | None) -> Decimal:
    return EXACT.divide(EXACT.multiply(usd, listed), amount) if amount else listed


def _estimated(match: Match, quantity: Decimal, units: Decimal) -> PartResult:
    quote = match.quote
    assert quote is not None  # noqa: S101  the caller has looked
    if match.code != "matched":
        return PartResult(match, "unmatched", match.code, match.reason, None, None, quantity, units)
    price = quote.high_usd
    reason = "no money in the file: priced from the catalog"
    return PartResult(
        match, "matched", "priced", reason, None, EXACT.multiply(units, price), quantity, units, price, estimated=True
    )


def in_usd(amount: Decimal | None, currency: str, rates: Mapping[str, Rate]) -> Decimal | None:
    """An amount in USD; None where there is none, or no rate of its currency."""
    if amount is None or currency == "USD":
        return amount
    rate = rates.get(currency)
    return None if rate is None else EXACT.multiply(amount, rate.usd)


def _rounding_slack(amount: Decimal, usd: Decimal, units: Decimal) -> Decimal:
    """How far the effective price may be off because the amount was rounded to its last place (at most a cent)."""
    exponent = amount.as_tuple().exponent
    place = _ONE.scaleb(min(exponent if isinstance(exponent, int) else 0, _CENT_EXPONENT))
    share = _PRICE.divide(place / 2, units)
    return abs(share * usd / amount) if amount else share
