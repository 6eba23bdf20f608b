"""Numbers of bills are read as people and exports write them, exactly, and refused when they are none."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import BadInput
from tools.invoice.money import (
    EXACT,
    DecimalMark,
    NotANumber,
    currency_in,
    decimal_mark,
    exact_sum,
    parse_number,
    parse_rate,
    to_cents,
)

AMOUNTS = st.decimals(-(10**12), 10**12, places=4, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("1234.50", ".", "1234.50"),
        ("1,234.50", ".", "1234.50"),
        ("1.234,50", ",", "1234.50"),
        ("1.234,50", ".", "1234.50"),  # both marks: the last one is the decimal mark
        ("12,34,567.80", ".", "1234567.80"),
        ("1 234,50 €", ",", "1234.50"),
        ("1'234.50", ".", "1234.50"),
        ("$1,234.50", ".", "1234.50"),
        ("USD 7", ".", "7"),
        ("(12.00)", ".", "-12.00"),
        ("12.00-", ".", "-12.00"),
        ("−3.5", ".", "-3.5"),
        ("0,123", ".", "0.123"),  # no thousands begin with a zero
        ("+3.5", ".", "3.5"),
        (".5", ".", "0.5"),
        ("1.5E-05", ".", "0.000015"),
        ("0E-10", ".", "0"),
    ],
)
def test_an_amount_is_read(text: str, mark: DecimalMark, value: str) -> None:
    assert parse_number(text, mark) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "nan",
        "inf",
        "-Infinity",
        "1e308",
        "1e-400",
        "1_000",
        "1,5,0",
        "12..5",
        "--5",
        "0x10",
        "five",
        "9" * 30,
        "٣",
    ],
)
def test_what_is_no_finite_amount_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(NotANumber, match=r"\w"):
        parse_number(text)


def test_an_ambiguous_comma_means_what_the_file_means() -> None:
    assert parse_number("1,234", ".") == 1234
    assert parse_number("1,234", ",") == Decimal("1.234")
    assert parse_number("12,5", ".") == Decimal("12.5")  # it can be read in one way only


def test_the_decimal_mark_is_taken_from_unambiguous_numbers_only() -> None:
    assert decimal_mark(["openai", "1,234", "12,5"]) == ","
    assert decimal_mark(["1.234", "0.5"]) == "."
    assert decimal_mark(["1,234", "text"]) is None
    assert decimal_mark(["12,5", "12.5"]) is None


def test_a_currency_in_an_amount_is_seen() -> None:
    assert (currency_in("€ 3"), currency_in("12 CHF"), currency_in("US$5"), currency_in("5")) == (
        "EUR",
        "CHF",
        "USD",
        "",
    )


def test_a_stated_rate_has_its_day() -> None:
    rate = parse_rate("eur=1.08@2026-11-01")
    assert (rate.currency, rate.usd, rate.day) == ("EUR", Decimal("1.08"), "2026-11-01")


@pytest.mark.parametrize(
    "text", ["EUR=1.08", "EUR=0@2026-11-01", "EUR=-1@2026-11-01", "EUR=1@2026-13-01", "=1@2026-11-01"]
)
def test_a_rate_without_a_day_or_a_worth_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_rate(text)


@given(AMOUNTS)
def test_any_amount_is_read_back_from_every_style(amount: Decimal) -> None:
    text = f"{amount:,.4f}"
    assert parse_number(text, ".") == amount
    assert parse_number(text.translate(str.maketrans(",.", ".,")), ",") == amount


@given(st.dictionaries(st.text("abcdef", min_size=1), AMOUNTS, min_size=1))
def test_cents_of_the_parts_add_up_to_the_cents_of_the_total(parts: dict[str, Decimal]) -> None:
    total = exact_sum(list(parts.values()))
    cents = to_cents(total, parts)
    assert sum(cents.values()) == total.quantize(Decimal("0.01"), context=EXACT)
    assert all(abs(cents[name] - parts[name]) <= Decimal("0.015") for name in parts)


@given(st.lists(AMOUNTS, min_size=1).flatmap(lambda held: st.tuples(st.just(held), st.permutations(held))))
def test_the_order_of_the_lines_changes_no_sum(orders: tuple[list[Decimal], list[Decimal]]) -> None:
    assert exact_sum(orders[0]) == exact_sum(orders[1])
