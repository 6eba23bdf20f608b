"""Units convert exactly inside a dimension and are refused across dimensions unless an assumption is stated."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import BadInput
from tools.units import (
    Quantity,
    Unit,
    UnitPrice,
    convertible,
    factor,
    parse_assumption,
    parse_unit,
    reference_unit,
)

NAMES = [
    "token",
    "1k_tokens",
    "1m_tokens",
    "1k_chars",
    "1m_chars",
    "audio_second",
    "audio_min",
    "audio_hour",
    "image",
    "1k_images",
    "megapixel",
    "video_second",
    "video_min",
    "video_5s",
    "1k_searches",
    "1k_pages",
    "1k_requests",
    "gpu_hour",
    "gpu_second",
    "instance_hour",
]
units = st.sampled_from([parse_unit(name) for name in NAMES])
amounts = st.decimals(min_value="0.000001", max_value="1e12", places=6)


@given(amounts, units, units)
def test_a_quantity_survives_the_round_trip(amount: Decimal, here: Unit, there: Unit) -> None:
    quantity = Quantity(amount, here)
    if convertible(here, there):
        assert abs(quantity.to(there).to(here).amount - amount) <= amount * Decimal("1e-24")
    else:
        with pytest.raises(BadInput, match="cannot be converted"):
            quantity.to(there)


@given(amounts, amounts, units, units)
def test_a_cost_does_not_depend_on_the_unit_it_is_computed_in(
    price: Decimal, amount: Decimal, priced: Unit, counted: Unit
) -> None:
    if convertible(priced, counted):
        direct = UnitPrice(price, priced).cost_usd(Quantity(amount, counted))
        converted = UnitPrice(price, priced).to(counted).cost_usd(Quantity(amount, counted))
        assert abs(direct - converted) <= abs(direct) * Decimal("1e-24")


@given(units, units, units)
def test_factors_chain(a: Unit, b: Unit, c: Unit) -> None:
    if convertible(a, b) and convertible(b, c):
        assert factor(a, b) * factor(b, c) == factor(a, c)


def test_minutes_hours_and_thousands_convert_exactly() -> None:
    assert UnitPrice(Decimal("0.0043"), parse_unit("audio_min")).to(parse_unit("audio_hour")).usd == Decimal("0.2580")
    assert UnitPrice(Decimal("3200"), parse_unit("1m_tokens")).to(parse_unit("1k_tokens")).usd == Decimal("3.2")
    assert UnitPrice(Decimal("0.04"), parse_unit("image")).to(parse_unit("1k images")).usd == 40


@pytest.mark.parametrize(
    ("text", "workload", "name", "dimension", "size"),
    [
        ("1M Tokens", None, "1m_tokens", "text_token", 10**6),
        ("per_image", None, "image", "image", 1),
        ("1000_images", None, "1000_images", "image", 1000),
        ("1k_characters", None, "1k_characters", "character", 1000),
        ("megapixels", None, "megapixels", "pixel", 1048576),
        ("1b_pixels", None, "1b_pixels", "pixel", 10**9),
        ("10_seconds", "speech_to_text", "10_seconds", "audio_second", 10),
        ("minute", "video_generation", "minute", "video_second", 60),
        ("1 min", None, "1_min", "second", 60),
        ("1 Hour", "gpu", "1_hour", "instance_second", 3600),
        ("Hrs", "gpu", "hrs", "instance_second", 3600),
        ("million tokens", None, "million_tokens", "text_token", 10**6),
        ("2 billion tokens", None, "2_billion_tokens", "text_token", 2 * 10**9),
        ("per_1k_searches", None, "1k_searches", "search", 1000),
        ("5sec_video", None, "5sec_video", "video_second", 5),
        ("1,000 requests", None, "1000_requests", "request", 1000),
        ("queries", None, "queries", "search", 1),
    ],
)
def test_units_are_read_as_price_lists_write_them(
    text: str, workload: str | None, name: str, dimension: str, size: int
) -> None:
    assert parse_unit(text, workload) == Unit(name, dimension, Fraction(size))


@pytest.mark.parametrize("text", ["", "furlong", "1m", "0.5", "tokens/sec"])
def test_an_unknown_unit_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="unknown unit"):
        parse_unit(text)


def test_an_image_is_no_megapixel_until_somebody_says_how_large_it_is() -> None:
    image, megapixel = parse_unit("1k_images"), parse_unit("megapixel")
    with pytest.raises(BadInput) as refused:
        factor(image, megapixel)
    assert "1k_images=1.5 megapixel" in refused.value.cure
    stated = [parse_assumption("image=1.5 megapixel")]
    assert factor(image, megapixel, stated) == 1500
    assert factor(megapixel, image, stated) == Fraction(1, 1500)


@pytest.mark.parametrize("text", ["image", "=2 image", "image=", "image=0 megapixel", "image=x of y"])
def test_a_bridge_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_assumption(text)


def test_reference_units_are_of_the_same_dimension() -> None:
    for name in NAMES:
        unit = parse_unit(name)
        assert reference_unit(unit).dimension == unit.dimension
