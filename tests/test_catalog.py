"""The catalog over the prices that ship: ranks like with like, explains what it leaves out, compares and exports."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.connectors import CONNECTORS
from knowledge.errors import BadInput, NotFound
from knowledge.snapshot import load
from knowledge.store.database import open_store
from knowledge.store.offer import Offer
from tools.catalog import answers, export
from tools.catalog.billing import BillingMode, component, parse_billing_mode
from tools.catalog.catalog import Catalog
from tools.catalog.drift import drift
from tools.catalog.health import health, warnings_at_start
from tools.catalog.market import current_market
from tools.catalog.plausibility import BOUNDS, doubt, normalized, peers
from tools.catalog.query import WORKLOADS, Query, canonical_workload
from tools.catalog.rank import Ranking
from tools.catalog.series import moves
from tools.catalog.usage import parse_usage
from tools.market import Market
from tools.units import Quantity, parse_assumption, parse_unit
from ui.commands.catalog import app as catalog_app

TODAY = date(2026, 11, 21)
H100 = "NVIDIA-H100-80GB-SXM"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def catalog(home: Path) -> Iterator[Catalog]:
    snapshot = load()
    with open_store(home, snapshot, now=datetime(2026, 11, 21, 9, tzinfo=UTC)) as store:
        yield Catalog(store, snapshot, TODAY)


@pytest.fixture(scope="module")
def offers(catalog: Catalog) -> list[Offer]:
    return catalog.store.offers()


def usage(workload: str, *texts: str) -> dict[str, Quantity]:
    return parse_usage(texts, workload)


def accounted(ranking: Ranking) -> int:
    return sum(ranking.exclusions.values())


@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_workload_ranks_in_one_unit_and_accounts_for_every_offer(catalog: Catalog, workload: str) -> None:
    ranking = catalog.rank(Query(workload_type=workload, limit=10**6))
    assert ranking.offers
    assert len(ranking.offers) + accounted(ranking) == ranking.considered == len(catalog.candidates(workload))
    assert {row.unit for row in ranking.offers} == {ranking.unit}
    assert [row.score for row in ranking.offers] == sorted(row.score for row in ranking.offers)
    assert all(row.candidate.marks == frozenset() for row in ranking.offers)


def test_an_hour_of_speech_costs_the_same_whichever_unit_its_price_has(catalog: Catalog) -> None:
    """The original priced a minute as an hour: 1000 hours of Whisper for 0.90 USD instead of 54."""
    ranking = catalog.rank(
        Query(workload_type="speech_to_text", usage=usage("speech_to_text", "1000 hours"), limit=999)
    )
    per_minute = [row for row in ranking.offers if row.candidate.rates[0].offer.unit_name == "audio_min"]
    assert per_minute
    for row in per_minute:
        listed = row.candidate.rates[0].offer.unit_price_usd
        assert row.monthly_usd == pytest.approx(listed * 60 * 1000)


def test_a_language_model_is_priced_by_all_its_parts(catalog: Catalog) -> None:
    parts = usage("llm", "input=300M tokens", "output=60M tokens", "cache_read=100M tokens")
    ranking = catalog.rank(Query(model="claude-opus-4-6", usage=parts, providers=frozenset({"anthropic"}), limit=1))
    (row,) = ranking.offers
    assert row.monthly_usd == pytest.approx(300 * 5 + 60 * 25 + 100 * 0.5)
    assert row.unit_usd == pytest.approx((300 * 5 + 60 * 25 + 100 * 0.5) / 460)


def test_cache_reads_do_not_compete_with_whole_requests(catalog: Catalog) -> None:
    ranking = catalog.rank(Query(limit=50))
    for row in ranking.offers:
        assert {"input", "output"} <= row.candidate.base.keys()
        read, written = row.candidate.base["input"], row.candidate.base["output"]
        assert row.unit_usd == pytest.approx(0.75 * read + 0.25 * written)


def test_an_unknown_cache_price_is_charged_in_full_and_said(catalog: Catalog) -> None:
    parts = usage("llm", "input=1M tokens", "output=1M tokens", "cache_read=1M tokens")
    for row in catalog.rank(Query(usage=parts, limit=10**6)).offers:
        base = row.candidate.base
        if "cache_read" not in base:
            assert row.notes == ("price of cache_read unknown: the input price was charged",)
            assert row.monthly_usd == pytest.approx(2 * base["input"] + base["output"])


def test_a_long_prompt_takes_the_long_rate(catalog: Catalog) -> None:
    def price(prompt: float) -> float:
        query = Query(model="gemini-2.5-pro", providers=frozenset({"google_gemini"}), prompt_tokens=prompt, limit=99)
        return next(row.unit_usd for row in catalog.rank(query).offers if row.candidate.model_key == "gemini-2.5-pro")

    assert price(300_000) > price(100_000)


def test_unsure_prices_count_for_more_only_when_weighed(catalog: Catalog) -> None:
    for row in catalog.rank(Query(limit=10**6)).offers:
        assert row.score == pytest.approx(
            row.unit_usd * {"official": 1.0, "aggregated": 1.05, "estimated": 1.15}[row.candidate.confidence]
        )
    assert all(row.score == row.unit_usd for row in catalog.rank(Query(confidence_weighted=False)).offers)


def test_marked_offers_come_in_when_asked_for(catalog: Catalog) -> None:
    assert not any("free" in row.candidate.marks for row in catalog.rank(Query()).offers)
    admitted = catalog.rank(Query(include=frozenset({"free", "reseller"}), limit=5))
    assert admitted.offers[0].unit_usd == 0
    assert "reseller" not in admitted.exclusions


def test_machines_multiply_with_the_need_and_prices_per_use_do_not(catalog: Catalog) -> None:
    machine = Query(
        workload_type="gpu", model="h100-80gb-sxm", needed_per_s=10_000, throughput_per_s={H100: 3000}, limit=10**6
    )
    for row in catalog.rank(machine).offers:
        offer = row.candidate.rates[0].offer
        if offer.model_key == H100 and offer.gpu_count == 8:
            assert row.replicas == 1
        if offer.model_key == H100 and offer.gpu_count == 1:
            assert row.replicas == 4
            assert row.monthly_usd == pytest.approx(offer.unit_price_usd * 4 * 730)
    parts = usage("image_generation", "10k images")
    one = catalog.rank(Query(workload_type="image_generation", usage=parts, limit=1)).offers[0]
    many = catalog.rank(Query(workload_type="image_generation", usage=parts, needed_per_s=1000.0, limit=1)).offers[0]
    assert one.monthly_usd == many.monthly_usd


def test_a_budget_is_compared_with_a_month_and_never_with_a_unit(catalog: Catalog) -> None:
    with pytest.raises(BadInput, match="needs a monthly usage"):
        Query(max_monthly_usd=100)
    query = Query(usage=usage("llm", "input=1b tokens"), max_monthly_usd=50.0, limit=10**6)
    ranking = catalog.rank(query)
    assert all(row.monthly_usd is not None and row.monthly_usd <= 50 for row in ranking.offers)
    assert ranking.exclusions["budget"] > 100


def test_when_nothing_is_left_it_says_what_would_help(catalog: Catalog) -> None:
    query = Query(workload_type="image_generation", usage=usage("image_generation", "1000 images"), max_monthly_usd=1.0)
    ranking = catalog.rank(query)
    assert ranking.offers == ()
    (change,) = ranking.relaxations
    raised = float(change.change.removeprefix("raise the monthly budget to ").removesuffix(" USD"))
    again = catalog.rank(Query(workload_type="image_generation", usage=query.usage, max_monthly_usd=raised))
    assert len(again.offers) == change.offers


def test_each_relaxation_brings_what_it_promises(catalog: Catalog) -> None:
    ranking = catalog.rank(Query(model="claude-opus-4-6", providers=frozenset({"openrouter"})))
    assert ranking.offers == ()
    promised = {row.change: row.offers for row in ranking.relaxations}
    assert promised["admit offers marked reseller"] == len(
        catalog.rank(
            Query(model="claude-opus-4-6", providers=frozenset({"openrouter"}), include=frozenset({"reseller"}))
        ).offers
    )


def test_images_and_megapixels_meet_only_by_an_assumption(catalog: Catalog) -> None:
    strict = catalog.rank(Query(workload_type="image_generation", limit=10**6))
    bridged = catalog.rank(
        Query(workload_type="image_generation", assumptions=(parse_assumption("image=1 megapixel"),), limit=10**6)
    )
    assert len(bridged.offers) > len(strict.offers)
    assert bridged.exclusions["unit"] < strict.exclusions["unit"]
    assert "image=1 megapixel" in bridged.assumptions
    flux = next(row for row in bridged.offers if row.candidate.dimension == "pixel")
    assert flux.unit_usd == pytest.approx(flux.candidate.rates[0].offer.unit_price_usd * 1000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hours=st.integers(1, 10**6), times=st.integers(2, 50))
def test_more_use_never_costs_less_and_does_not_change_the_order(catalog: Catalog, hours: int, times: int) -> None:
    def ask(amount: int) -> Ranking:
        quantity = {"na": Quantity(Decimal(amount), parse_unit("audio_hour"))}
        return catalog.rank(Query(workload_type="speech_to_text", usage=quantity, limit=50))

    small, large = ask(hours), ask(hours * times)
    for one, other in zip(small.offers, large.offers, strict=True):
        assert one.candidate is other.candidate
        assert other.monthly_usd == pytest.approx((one.monthly_usd or 0) * times)


@pytest.mark.parametrize(
    ("mode", "direction", "expected", "part"),
    [
        ("per_token", "input", BillingMode("standard", False, False, "", 0), "input"),
        ("batch", "output", BillingMode("batch", False, False, "", 0), "output"),
        (
            "batch_cached_input_1h_above_200k",
            "cache_write",
            BillingMode("batch", True, False, "1h", 200_000),
            "cache_write_1h",
        ),
        ("cached_input_above_272k", "cache_read", BillingMode("standard", True, False, "", 272_000), "cache_read"),
        ("per_token_reasoning", "output", BillingMode("standard", False, True, "", 0), "reasoning"),
        ("off_peak", "input", BillingMode("off_peak", False, False, "", 0), "input"),
        ("reserved_1y", "na", BillingMode("reserved_1y", False, False, "", 0), "na"),
        ("priority_cached_input_12h", "cache_write", BillingMode("priority", True, False, "12h", 0), "cache_write_12h"),
    ],
)
def test_billing_modes_are_read(mode: str, direction: str, expected: BillingMode, part: str) -> None:
    assert parse_billing_mode(mode) == expected
    assert component(parse_billing_mode(mode), direction) == part


@pytest.mark.parametrize(
    ("workload", "texts", "amounts"),
    [
        ("llm", ["input=300M tokens", "output=60m tokens"], {"input": (300, "1m_tokens"), "output": (60, "1m_tokens")}),
        ("llm", ["2 billion tokens"], {"input": (2000, "1m_tokens")}),
        ("speech_to_text", ["90 minutes"], {"na": (Decimal("1.5"), "audio_hour")}),
        ("image_generation", ["50k images"], {"na": (50, "1k_images")}),
        ("gpu", ["730 hours"], {"na": (730, "gpu_hour")}),
    ],
)
def test_usage_is_read_as_people_write_it(workload: str, texts: list[str], amounts: dict[str, Any]) -> None:
    read = parse_usage(texts, workload)
    assert {name: (quantity.amount, quantity.unit.name) for name, quantity in read.items()} == amounts


@pytest.mark.parametrize("text", ["tokens", "sideways=3 tokens", "-3M tokens", "input=3 furlongs"])
def test_a_usage_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_usage([text], "llm")


def test_workloads_answer_to_their_usual_names() -> None:
    assert [canonical_workload(name) for name in ("STT", "tts", "embedding", "Image-Gen", "llm")] == [
        "speech_to_text",
        "text_to_speech",
        "embeddings",
        "image_generation",
        "llm",
    ]
    with pytest.raises(BadInput, match="unknown workload"):
        Query(workload_type="juggling")


def test_raw_prices_are_compared_as_listed_and_only_in_one_listed_unit(catalog: Catalog) -> None:
    ranking = catalog.rank(Query(workload_type="text_to_speech", raw=True, limit=10**6))
    assert ranking.unit == "1k_chars"
    for row in ranking.offers:
        offer = row.candidate.rates[0].offer
        assert offer.unit_name == "1k_chars"
        assert row.unit_usd == pytest.approx(offer.unit_price_usd)


def test_search_puts_sellers_before_gateways(catalog: Catalog) -> None:
    found = catalog.search("claude opus 4 6 input", limit=5)
    assert found
    assert "reseller" not in found[0].flags
    assert {offer.workload_type for offer in catalog.search("whisper", workload_type="speech_to_text")} == {
        "speech_to_text"
    }


def test_show_names_what_may_have_been_meant(catalog: Catalog) -> None:
    sheets = catalog.show("claude-opus-4-6")
    assert len({sheet.offer.provider for sheet in sheets}) > 2
    assert sheets[0].layers[0][0] == "bundled"
    with pytest.raises(NotFound) as missed:
        catalog.show("claude-opus-46")
    assert missed.value.near


def test_every_price_that_ships_is_believed_or_known_to_be_odd(offers: list[Offer]) -> None:
    usual = peers(offers)
    doubted = [found for offer in offers if (found := doubt(offer, usual))]
    assert len(doubted) <= 5
    covered = [offer for offer in offers if (price := normalized(offer)) and _bounded(offer, price[1])]
    assert len(covered) > 0.99 * len(offers)


def _bounded(offer: Offer, unit: str) -> bool:
    return (offer.workload_type, unit) in BOUNDS or ("*", unit) in BOUNDS


def test_drift_between_the_price_sources_has_numbers(catalog: Catalog) -> None:
    report = drift(catalog.store.layered())
    pairs = {(pair.source, pair.other): pair for pair in report.pairs}
    assert (pairs["genai_prices", "litellm"].shared, pairs["genai_prices", "litellm"].differing) == (1820, 179)
    assert (pairs["litellm", "models_dev"].shared, pairs["litellm", "models_dev"].differing) == (1915, 273)
    assert all(row.ratio > 1.01 for row in report.differences)


def test_health_counts_what_is_stale_missing_and_in_conflict(catalog: Catalog, offers: list[Offer]) -> None:
    state = health(
        offers,
        catalog.store.sources(),
        TODAY,
        models=catalog.snapshot.models,
        benchmarks=catalog.snapshot.benchmarks,
    )
    assert state.stale_offers == sum((catalog.days_old(offer.source_date) or 0) > 60 for offer in offers)
    assert all(abs(row.usd - row.other_usd) > 0 for row in state.conflicts)
    assert H100 not in state.benchmarks_on_unpriced_gpus
    assert state.models_without_benchmarks
    assert any("older than 60 days" in warning for warning in state.warnings)
    json.dumps(answers.health_answer(state), allow_nan=False)
    short = warnings_at_start(catalog.store, TODAY)
    assert short
    assert set(short) <= set(state.warnings)


def test_a_day_without_a_sync_moves_nothing(catalog: Catalog, offers: list[Offer]) -> None:
    assert moves(catalog.store.events("2026-11-22", "2026-11-23")) == []
    first = moves(catalog.store.events("2026-11-21", "2026-11-22"))
    assert {move.kind for move in first} == {"added"}
    assert len(first) == len(offers)


def test_an_export_holds_every_price_with_its_source(offers: list[Offer]) -> None:
    rows = list(csv.DictReader(io.StringIO(export.to_csv(offers))))
    needed = (
        "provider workload_type sku_key model_key billing_mode direction unit_price_usd unit_name region source_date "
        "source_url source_kind confidence"
    )
    assert set(needed.split()) <= set(rows[0])
    assert len(rows) == len(offers) == len({row["sku_key"] for row in rows})
    assert {row["sku_key"]: float(row["unit_price_usd"]) for row in rows} == {
        offer.sku_key: offer.unit_price_usd for offer in offers
    }
    assert len(json.loads(export.to_json(offers[:50]))) == 50


def test_no_cell_of_an_export_is_a_formula() -> None:
    cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "plain", None]
    text = export.table(["cell"], [{"cell": cell} for cell in cells])
    written = [row[0] if row else "" for row in csv.reader(io.StringIO(text))][1:]
    assert written == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "plain", ""]


def test_a_focus_price_sheet_uses_the_columns_of_focus(catalog: Catalog) -> None:
    offers = catalog.store.offers(provider="aws")[:20] + catalog.store.offers(provider="openai")[:20]
    rows = list(csv.DictReader(io.StringIO(export.to_focus(offers, "2026-11-21"))))
    assert {row["ServiceCategory"] for row in rows} == {"Compute", "AI and Machine Learning"}
    assert {row["PricingCategory"] for row in rows} <= {"Standard", "Dynamic", "Committed"}
    assert json.loads(rows[-1]["SkuPriceDetails"])["x_ModelId"] == rows[-1]["SkuId"]


def test_the_planner_reads_the_bundled_market_until_the_first_sync(catalog: Catalog) -> None:
    assert current_market(catalog.store, catalog.snapshot, TODAY) is Market.bundled(catalog.snapshot)


def test_after_a_sync_the_planner_reads_the_current_view(priced_home: Path, catalog: Catalog) -> None:
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    with open_store(priced_home, catalog.snapshot) as store:
        cheaper = [offer for offer in store.offers(provider="aws") if offer.sku_name == "p5.48xlarge"]
        store.merge("folder", 4, [_priced(offer, 30.0) for offer in cheaper], now, complete=True)
        market = current_market(store, catalog.snapshot, TODAY)
        assert market.digest == store.digest != catalog.store.digest
    (machine,) = [row for row in market.instances if (row.instance_type, row.region) == ("p5.48xlarge", "us-east-1")]
    assert (machine.on_demand_usd_per_hour, machine.gpu_count, machine.gpu_type) == (30.0, 8, H100)
    assert len(market.instances) == len(catalog.snapshot.instances)
    assert {price.sku_key for price in market.api_prices} <= {price.sku_key for price in catalog.snapshot.api_prices}


def _priced(offer: Offer, usd: float) -> Offer:
    return replace(offer, unit_price_usd=usd, source_date="2026-11-21")


def sextant(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SEXTANT_HOME": str(home)}
    program = "import sys; from ui.cli import main; sys.argv[0] = 'sextant'; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "catalog", *words], capture_output=True, text=True, env=environment, check=False
    )


def test_the_command_line_ranks_as_json(catalog: Catalog, home: Path) -> None:
    done = sextant(home, "rank", "llm", "--model", "claude opus 4 6", "--usage", "input=10M tokens", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["schema_version"], answer["snapshot"]) == (1, catalog.version)
    first = answer["offers"][0]
    assert first["monthly_usd"] == pytest.approx(50.0)
    for name in ("normalized_price_usd", "unit", "source_kind", "source_date", "days_old", "confidence", "source_url"):
        assert first[name] is not None
    assert sum(row["count"] for row in answer["exclusions"]) + len(answer["offers"]) <= answer["considered"]
    assert answer["exclusions"][0]["examples"][0]["reason"]


def test_the_page_names_every_command_and_every_source() -> None:
    page = (Path(__file__).parents[1] / "docs" / "catalog.md").read_text(encoding="utf-8")
    commands = [
        command.name or command.callback.__name__ for command in catalog_app.registered_commands if command.callback
    ]
    assert [name for name in commands if f"sextant catalog {name}" not in page] == []
    assert [source.name for source in CONNECTORS if f"| `{source.name}` |" not in page] == []


@pytest.mark.usefixtures("catalog")
def test_the_command_line_exports_and_finds_as_json(home: Path) -> None:
    exported = json.loads(sextant(home, "export", "--workload", "rerank", "--json").stdout)
    assert {row["workload_type"] for row in exported["offers"]} == {"rerank"}
    found = json.loads(sextant(home, "search", "whisper groq", "--json").stdout)
    assert found["offers"][0]["provider"] == "groq"
    assert found["offers"][0]["normalized_unit"] == "audio_hour"
    shown = json.loads(sextant(home, "show", "whisper-large-v3-turbo", "--json").stdout)
    assert shown["offers"][0]["history"][0]["event"] == "added"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("rank", "llm", "--provider", "nobody"), 3, "ask every provider"),
        (("rank", "juggling"), 2, "unknown workload"),
        (("rank", "llm", "--max-monthly", "5"), 2, "needs a monthly usage"),
        (("rank", "llm", "--include", "nonsense"), 2, "unknown mark"),
        (("show", "no-such-model"), 2, "unknown price or model"),
        (("sync", "--providers", "nobody"), 2, "unknown price source"),
        (("diff", "yesterday"), 2, "not a day"),
    ],
)
@pytest.mark.usefixtures("catalog")
def test_the_command_line_says_what_is_wrong(home: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = sextant(home, *words)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
