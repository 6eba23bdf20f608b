"""Questions about prices in words find the right row: seller, model or card, way of billing, direction and unit."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from knowledge.errors import NotFound
from knowledge.snapshot import load
from knowledge.store.database import open_store
from knowledge.store.offer import Offer
from tools.catalog.amounts import amounts_in, sum_of
from tools.catalog.catalog import Catalog
from tools.catalog.finding import Prices, prices_asked
from tools.catalog.question import following
from ui.commands.catalog import app

SNAPSHOT = load()


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory, put_prices: Callable[[Path], Path]) -> Iterator[Catalog]:
    with open_store(put_prices(tmp_path_factory.mktemp("prices")), SNAPSHOT) as store:
        yield Catalog(store, SNAPSHOT, date(2026, 11, 21))


@pytest.fixture
def ask(catalog: Catalog) -> Callable[[str], Prices]:
    return lambda text: prices_asked(text, catalog)


def told(offer: Offer) -> tuple[str, str, str, str, str]:
    return offer.provider, offer.model_key, offer.billing_mode, offer.direction, offer.unit_name


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("how much is gpt-4o?", ("openai", "gpt-4o", "per_token", "input", "1m_tokens")),
        ("was kostet gpt4o mini?", ("openai", "gpt-4o-mini", "per_token", "input", "1m_tokens")),
        ("price of gemini 2.5 flash output tokens",
         ("google_gemini", "gemini-2.5-flash", "per_token", "output", "1m_tokens")),
        ("how much does gpt-4o-mini cost in batch?", ("openai", "gpt-4o-mini", "batch", "input", "1m_tokens")),
        ("cached input of claude opus 4.8",
         ("anthropic", "claude-opus-4-8", "cached_input", "cache_read", "1m_tokens")),
        ("gemini 2.5 pro above 200k tokens",
         ("google_gemini", "gemini-2.5-pro", "per_token_above_200k", "input", "1m_tokens")),
        ("kimi k2.5 at fireworks", ("fireworks", "kimi-k2p5", "per_token", "input", "1m_tokens")),
        ("what is the price of openai o3?", ("openai", "o3", "per_token", "input", "1m_tokens")),
        ("prices for speech to text at deepgram", ("deepgram", "base", "per_unit", "input", "audio_min")),
        ("how much is AWS rekognition per image?",
         ("aws_rekognition", "rekog_custom_moderation_infer_tier1", "per_unit", "na", "image")),
        ("what does bedrock charge for claude haiku 4.5?",
         ("aws_bedrock", "anthropic.claude-haiku-4-5", "per_token", "input", "1m_tokens")),
        ("how much is tts-1-hd?", ("openai", "tts-1-hd", "per_unit", "input", "1k_chars")),
    ],
)  # fmt: skip
def test_the_first_row_is_what_was_asked_for(
    ask: Callable[[str], Prices], question: str, first: tuple[str, str, str, str, str]
) -> None:
    assert told(ask(question).offers[0]) == first


def test_machines_are_found_by_card_and_by_type_the_cheapest_card_first(ask: Callable[[str], Prices]) -> None:
    cards = ask("how much is an H100 per hour?").offers
    assert all("H100" in offer.model_key and offer.billing_mode == "on_demand" for offer in cards)
    per_card = [offer.unit_price_usd / (offer.gpu_count or 1) for offer in cards]
    assert per_card == sorted(per_card)
    assert [offer.sku_name for offer in ask("how much is p5.48xlarge?").offers] == ["p5.48xlarge"]
    assert {offer.provider for offer in ask("L40S on runpod").offers} == {"runpod"}
    reserved = ask("what does a reserved A100 cost for 3 years on azure?").offers
    assert reserved
    assert all(offer.billing_mode.startswith("reserved") for offer in reserved)


def test_the_cheapest_seller_of_a_model_comes_first_by_input_and_output_together(ask: Callable[[str], Prices]) -> None:
    offers = ask("what is the cheapest provider for llama 3.3 70b?").offers
    by_seller: dict[tuple[str, str], dict[str, float]] = {}
    for offer in offers:
        assert "llama-3.3-70b" in offer.model_key
        by_seller.setdefault((offer.provider, offer.model_key), {})[offer.direction] = offer.unit_price_usd
    both = [3 * sides["input"] + sides["output"] for sides in by_seller.values() if len(sides) == 2]
    assert both == sorted(both)


def test_two_things_are_both_answered(ask: Callable[[str], Prices]) -> None:
    offers = ask("compare claude haiku 4.5 and gpt-5 mini").offers
    assert {"claude-haiku-4-5", "gpt-5-mini"} <= {offer.model_key for offer in offers}


def test_a_way_of_billing_that_is_not_sold_is_said(ask: Callable[[str], Prices]) -> None:
    answer = ask("batch price of whisper-1")
    assert answer.offers
    assert answer.note == "No batch price is listed; these are the others."


@pytest.mark.parametrize(
    ("question", "near"), [("what does clade sonet cost?", "sonnet"), ("how much is gpt-99?", "gpt-5")]
)
def test_what_is_not_there_is_not_replaced_but_near_names_are_told(
    ask: Callable[[str], Prices], question: str, near: str
) -> None:
    answer = ask(question)
    assert answer.offers == ()
    assert any(near in name for name in answer.near)


def test_the_command_line_takes_a_question_too(priced_home: Path) -> None:
    run, home = CliRunner(), {"SEXTANT_HOME": str(priced_home)}
    found = run.invoke(app, ["search", "how much is gpt-4o at azure?", "--limit", "2", "--json"], env=home)
    assert {offer["provider"] for offer in json.loads(found.stdout)["offers"]} == {"azure"}
    unknown = run.invoke(app, ["search", "how much is gpt-99?"], env=home)
    assert isinstance(unknown.exception, NotFound)
    assert "gpt-4" in unknown.exception.near


@pytest.mark.parametrize(
    ("question", "sellers"), [("what is the cheapest GPU?", None), ("which cards are there at lambda?", {"lambda"})]
)
def test_asked_for_cards_in_general_the_cheapest_of_each_is_told(
    ask: Callable[[str], Prices], catalog: Catalog, question: str, sellers: set[str] | None
) -> None:
    offers = ask(question).offers
    cards = [offer.model_key for offer in offers]
    assert len(cards) == len(set(cards)) > 2
    every = [offer for offer in catalog.store.offers(workload_type="gpu") if not sellers or offer.provider in sellers]
    assert not sellers or {offer.provider for offer in offers} == sellers
    assert all(offer in every for offer in offers)
    hourly = [offer.unit_price_usd / (offer.gpu_count or 1) for offer in offers if offer.confidence == "official"]
    assert hourly == sorted(hourly)


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("how much for 100 million tokens of gpt-4o-mini", [(100_000_000, "token", "")]),
        ("10M input and 2M output tokens", [(10_000_000, "token", "input"), (2_000_000, "token", "output")]),
        ("1,000 images", [(1000, "image", "")]),
        ("a million characters", [(1_000_000, "char", "")]),
        ("100 Millionen Tokens", [(100_000_000, "token", "")]),
        ("how much is an H100 an hour", []),
        ("gemini 2.5 pro above 200k tokens", []),
        ("the price per 1M tokens", []),
    ],
)
def test_amounts_are_read_and_units_of_prices_are_none(text: str, amounts: list[tuple[int, str, str]]) -> None:
    assert [(int(each.count), each.noun, each.part) for each in amounts_in(text)] == amounts


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("what do 1000 images with dall-e 3 standard cost?", 1),
        ("500 hours of whisper", 1),
        ("100 million tokens of gpt-4o-mini", 2),
        ("10M input and 2M output tokens of gpt-4o", 2),
        ("100 million output tokens of gpt-4o", 1),
        ("how much is 300 hours of an H100 on runpod?", 1),
    ],
)
def test_an_amount_costs_its_units_times_the_price_of_one(
    ask: Callable[[str], Prices], question: str, terms: int
) -> None:
    found = ask(question)
    first = found.offers[0]
    same = [offer for offer in found.offers if told(offer)[:3] == told(first)[:3] and offer.sku_name == first.sku_name]
    total = sum_of(found.amounts, same)
    assert total is not None
    assert len(total.terms) == terms
    assert all(term.usd == pytest.approx(term.units * term.unit_usd) for term in total.terms)
    shares = (0.75, 0.25) if total.mixed else (1.0,) * terms
    assert total.usd == pytest.approx(sum(share * term.usd for share, term in zip(shares, total.terms, strict=True)))
    assert total.mixed == (terms == 2 and len(found.amounts) == 1)


def test_a_thing_that_is_not_sold_by_such_a_unit_has_no_sum(ask: Callable[[str], Prices]) -> None:
    found = ask("1000 images of claude-haiku-4-5")
    assert found.offers
    assert sum_of(found.amounts, found.offers) is None


def test_each_of_several_things_has_its_own_prices_and_one_that_is_not_there_is_said(
    ask: Callable[[str], Prices],
) -> None:
    both = ask("is deepseek v3 cheaper than gpt-4o for 50 million tokens?")
    assert [thing.asked for thing in both.things] == ["deepseek v3", "gpt-4o"]
    assert both.amounts[0].count == 50_000_000
    assert ask("is gpt-99 cheaper than gpt-4o?").note == "“gpt-99” is not in the current catalog."


def test_a_seller_without_the_model_is_said_to_be_one_and_others_are_told(ask: Callable[[str], Prices]) -> None:
    found = ask("gpt-4o-mini at fireworks")
    assert found.note == "fireworks does not list gpt-4o-mini; these do."
    assert found.offers[0].model_key == "gpt-4o-mini"


@pytest.mark.parametrize(
    ("more", "whole"),
    [
        ("at fireworks", "how much for 100 million tokens of gpt-4o-mini at fireworks"),
        ("for 5M tokens at azure", "how much for of gpt-4o-mini for 5M tokens at azure"),
        ("claude haiku", "100 million tokens of claude haiku"),
    ],
)
def test_a_short_question_keeps_the_rest_of_the_one_before(more: str, whole: str) -> None:
    before = "how much for 100 million tokens of gpt-4o-mini on openai"
    sellers = {price.provider for price in SNAPSHOT.api_prices}
    assert following(more, before, sellers) == whole
