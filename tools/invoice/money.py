"""Exact money: reading numbers as people and exports write them, rates a person states, cents that add up."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Literal

from knowledge.errors import BadInput

DecimalMark = Literal[".", ","]

# Wide enough that sums of bounded amounts are exact, so that no order of the lines and no split of them matters.
EXACT = Context(prec=120, rounding=ROUND_HALF_EVEN)
LARGEST_AMOUNT = Decimal(10) ** 13
LARGEST_QUANTITY = Decimal(10) ** 21
SMALLEST_PLACE = Decimal(1).scaleb(-40)
CENT = Decimal("0.01")
ZERO = Decimal(0)

_PLAIN = re.compile(r"-?[0-9]{1,21}(?:\.[0-9]{1,40})?")
_EXPONENT = re.compile(r"[-+]?[0-9]{1,30}(?:\.[0-9]{1,60})?[eE][-+]?[0-9]{1,4}")
# The sign alone is taken for the currency that is written so most often.
SIGNS = {
    "$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "C$": "CAD", "CA$": "CAD", "A$": "AUD",
    "R$": "BRL", "S$": "SGD", "zł": "PLN", "₩": "KRW", "元": "CNY", "円": "JPY",
}  # fmt: skip
CURRENCIES = (
    "USD|EUR|GBP|JPY|CHF|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BRL|MXN|CNY|HKD|SGD|KRW|TWD|ILS|TRY|ZAR|AED|SAR"
)
_CURRENCY_SIGN = re.compile(r"(?:US|CA|[CARS])\$|[$€£¥₹₩元円]|\bzł")
_CURRENCY_CODE = re.compile(rf"(?<![A-Za-z])({CURRENCIES}|SFr\.?|Fr\.)(?![A-Za-z])", re.IGNORECASE)
_OTHER_MARK: dict[DecimalMark, DecimalMark] = {".": ",", ",": "."}
_SPACES = str.maketrans("", "", " \t\u00a0\u202f\u2009'’")


class NotANumber(ValueError):
    """The text is no finite number; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `currency` is worth `usd`, as stated by a person for a day."""

    currency: str
    usd: Decimal
    day: str


def parse_rate(text: str) -> Rate:
    """Read `EUR=1.08@2026-11-01`. Raises `BadInput`."""
    match = re.fullmatch(r"([A-Za-z]{3})=(\d{1,9}(?:\.\d{1,12})?)@(\d{4}-\d{2}-\d{2})", text.strip())
    cure = "write it like EUR=1.08@2026-11-01: one EUR is 1.08 USD on that day"
    if match is None:
        raise BadInput(f"not an exchange rate: {text[:60]!r}", cure, field="rate")
    try:
        date.fromisoformat(match[3])
    except ValueError as error:
        raise BadInput(f"not a day: {match[3]!r}", cure, field="rate") from error
    usd = Decimal(match[2])
    if usd == 0:
        raise BadInput(f"an exchange rate of zero: {text[:60]!r}", cure, field="rate")
    return Rate(match[1].upper(), usd, match[3])


def parse_number(text: str, mark: DecimalMark = ".", *, limit: Decimal = LARGEST_AMOUNT) -> Decimal:
    """Read `1,234.50`, `1.234,50`, `(12.00)`, `€ 3`, `5e-05`; raise `NotANumber` for what is no finite amount."""
    number = Decimal(text) if mark == "." and _PLAIN.fullmatch(text) else _slow(text, mark)
    if abs(number) > limit:
        raise NotANumber(f"{_shown(text)} is beyond any real figure")
    return number


def currency_in(text: str) -> str:
    """The currency that a sign or a code inside an amount names, or an empty text."""
    if code := _CURRENCY_CODE.search(text):
        return "CHF" if "fr" in code[1].lower() else code[1].upper()
    sign = _CURRENCY_SIGN.search(text)
    return SIGNS[sign[0]] if sign else ""


def decimal_mark(samples: Iterable[str]) -> DecimalMark | None:
    """The decimal mark that unambiguous numbers prove (`12,5` or `1.234,56`); None without proof or in conflict."""
    votes: dict[DecimalMark, int] = {".": 0, ",": 0}
    for text in samples:
        bare = _bare(text)
        if not re.fullmatch(r"[-+]?[\d.,]+", bare):
            continue
        dot, comma = bare.rfind("."), bare.rfind(",")
        if dot >= 0 and comma >= 0:
            votes["." if dot > comma else ","] += 1
        elif dot >= 0 and _cannot_group(bare, "."):
            votes["."] += 1
        elif comma >= 0 and _cannot_group(bare, ","):
            votes[","] += 1
    if bool(votes["."]) == bool(votes[","]):
        return None
    return "." if votes["."] else ","


def to_cents(total: Decimal, parts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Round parts to cents that add up to the rounded total; a cent of difference goes where it errs least."""
    cents = {name: part.quantize(CENT, context=EXACT) for name, part in parts.items()}
    missing = int((total.quantize(CENT, context=EXACT) - sum(cents.values(), ZERO)) / CENT)
    step = CENT if missing > 0 else -CENT
    by_error = sorted(cents, key=lambda name: ((cents[name] - parts[name]) * missing, name))
    for name in by_error[: abs(missing)]:
        cents[name] += step
    return cents


def exact_sum(values: Sequence[Decimal]) -> Decimal:
    """Sum without rounding."""
    total = ZERO
    for value in values:
        total = EXACT.add(total, value)
    return total


def _slow(text: str, mark: DecimalMark) -> Decimal:
    bare = _bare(text)
    negative = False
    if bare.startswith("(") and bare.endswith(")"):
        bare, negative = bare[1:-1], True
    if bare.endswith("-"):
        bare, negative = bare[:-1], not negative
    number = _exponent(bare, text) if _EXPONENT.fullmatch(bare) else _grouped(bare, text, mark)
    return -number if negative else number


def _bare(text: str) -> str:
    without_code = _CURRENCY_CODE.sub("", text)
    return _CURRENCY_SIGN.sub("", without_code).translate(_SPACES).replace("−", "-")


def _exponent(bare: str, text: str) -> Decimal:
    try:
        number = Decimal(bare)
    except InvalidOperation as error:
        raise NotANumber(f"{_shown(text)} is not a number") from error
    if number and not -40 <= number.adjusted() <= 40:
        raise NotANumber(f"{_shown(text)} is beyond any real figure")
    return number.quantize(SMALLEST_PLACE, context=EXACT).normalize(EXACT)


def _grouped(bare: str, text: str, mark: DecimalMark) -> Decimal:
    sign, digits = ("-", bare[1:]) if bare.startswith("-") else ("", bare.removeprefix("+"))
    if not re.fullmatch(r"[\d.,]{1,64}", digits) or not any(map(str.isdecimal, digits)) or not digits.isascii():
        raise NotANumber(f"{_shown(text)} is not a number" if text.strip() else "the amount is missing")
    if "." in digits and "," in digits:  # whichever stands last is the decimal mark, whatever the rest of the file does
        mark = "." if digits.rfind(".") > digits.rfind(",") else ","
    for candidate in (mark, _OTHER_MARK[mark]):  # what can be read in one way only is read in that way
        thousands = _OTHER_MARK[candidate]
        whole, _, fraction = digits.partition(candidate)
        if not {candidate, thousands} & set(fraction) and _well_grouped(whole, thousands):
            return Decimal(f"{sign}{whole.replace(thousands, '') or '0'}.{fraction[:40] or '0'}")
    raise NotANumber(f"{_shown(text)} is not a number")


def _well_grouped(whole: str, thousands: str) -> bool:
    first, *groups = whole.split(thousands)
    if not groups:
        return True
    # Indian grouping (12,34,567) has pairs before the last three digits.
    return (
        1 <= len(first) <= 3
        and first[0] != "0"
        and len(groups[-1]) == 3
        and all(len(group) in (2, 3) for group in groups[:-1])
    )


def _cannot_group(bare: str, mark: str) -> bool:
    return not _well_grouped(bare.lstrip("+-"), mark) or bare.lstrip("+-").startswith("0" + mark)


def _shown(text: str) -> str:
    return repr(text.strip()[:40])
