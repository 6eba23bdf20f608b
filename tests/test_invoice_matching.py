"""Like with like: the same model, direction, mode and unit; wrong scales are said and never saved."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest

from knowledge.snapshot import load
from tools.invoice.bill import catalog_of, open_bill
from tools.invoice.line_json import LineEncoder
from tools.invoice.names import model_name, same_weights, short_dated, undated, words
from tools.invoice.savings import SelfHostOffer, SelfHostQuery
from tools.invoice.wording import read_wording
from tools.market import Market

SNAPSHOT = load()
MARKET = Market.bundled(SNAPSHOT)
API = catalog_of(MARKET, SNAPSHOT).api
PLAIN = "date,provider,description,model,direction,billing_mode,quantity,unit,amount,currency\n"


def read(text: str, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    bill = open_bill(io.BytesIO(text.encode()), "bill.csv", MARKET, SNAPSHOT, **options)
    encoder = LineEncoder()
    lines = [json.loads(encoder.encode(line)) for line in bill.lines()]
    return lines, bill.report().to_json()


def plain(*rows: str) -> str:
    return PLAIN + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("provider", "text", "model_key"),
    [
        ("anthropic", "Claude Haiku 4.5", "claude-haiku-4-5"),
        ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001"),
        ("openai", "gpt-5.5-2026-04-23", "gpt-5.5-2026-04-23"),
        ("openai", "GPT-4o mini", "gpt-4o-mini"),
        ("azure", "gpt-4o-mini-0718", "gpt-4o-mini-2024-07-18"),
        ("aws_bedrock", "Nova Pro", "amazon-nova-pro"),
        ("aws_bedrock", "NovaPro", "amazon-nova-pro"),
        ("fireworks", "accounts/fireworks/models/kimi-k2p5", "kimi-k2p5"),
        ("together_ai", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "meta-llama/llama-3.3-70b-instruct-turbo"),
        ("elevenlabs", "Additional characters Multilingual v2", "eleven_multilingual_v2"),
        ("google_gemini", "Gemini 2.5 Flash", "gemini-2.5-flash"),
        ("google_vertex", "Llama 3.3 70B", "llama-3.3-70b-instruct-maas"),
        ("aws_bedrock", "Titan Text Embeddings V2", "amazon.titan-embed-text-v2:0"),
        ("aws_bedrock", "Llama3-3-70B", "meta.llama3-3-70b-instruct-v1:0"),
        ("groq", "Whisper large v3 audio transcription", "whisper-large-v3"),
        ("elevenlabs", "Scribe v2 speech to text", "scribe_v2"),
    ],
)
def test_a_model_is_found_under_the_names_that_bills_use(provider: str, text: str, model_key: str) -> None:
    found = API.find(provider, text)
    assert found is not None
    assert found.model_key == model_key


@pytest.mark.parametrize(
    ("provider", "text"),
    [
        ("openai", "gpt-4o-turbo-mini"),
        ("openai", "gpt"),
        ("anthropic", "claude"),
        ("openai", "gpt-5.5 custom"),
        ("openai", ""),
    ],
)
def test_a_name_that_is_only_near_is_no_match(provider: str, text: str) -> None:
    assert API.find(provider, text) is None


def test_names_fold_without_losing_what_tells_models_apart() -> None:
    assert model_name("anthropic.claude-haiku-4-5-20251001-v1:0") == "claude-haiku-4-5-20251001"
    assert undated("claude-haiku-4-5-20251001") == "claude-haiku-4-5"
    assert short_dated("gpt-4o-mini-2024-07-18") == "gpt-4o-mini-0718"
    assert same_weights(model_name("meta.llama3-3-70b-instruct-v1:0")) == same_weights("llama-3-3-70b-instruct-turbo")
    assert model_name("deepseek.v3-v1:0") == "deepseek-v3"
    assert model_name("embed-v4.0") != model_name("embed-v3.0")
    assert words("claude-4-5-haiku") == words("claude-haiku-4-5")
    assert words("gpt-5-4") != words("gpt-4-5")


@pytest.mark.parametrize(
    ("text", "direction", "mode", "rest"),
    [
        ("gpt-5.5-2026-04-23, cached input", "cache_read", "per_token", "gpt-5.5-2026-04-23"),
        ("priority | gpt-5.6-sol, output, long context", "output", "priority", "gpt-5.6-sol"),
        ("batch | gpt-4o-mini-2024-07-18, input", "input", "batch", "gpt-4o-mini-2024-07-18"),
        ("gpt-4o-mini-0718-Inp-glbl Tokens", "input", "per_token", "gpt-4o-mini-0718"),
        ("gpt 4o 0806 cached Inp regnl Tokens", "cache_read", "per_token", "gpt 4o 0806"),
        ("gpt-5 Batch Outp glbl Tokens", "output", "batch", "gpt-5"),
        ("Gemini 2.5 Flash GA Text Output - Predictions", "output", "per_token", "Gemini 2.5 Flash"),
        ("kimi-k2p5 input", "input", "per_token", "kimi-k2p5"),
        ("text-embedding-3-large-glbl Tokens", None, "per_token", "text-embedding-3-large"),
        ("Gemini 2.5 Flash GA Audio Input - Predictions", "input", "per_token", "Gemini 2.5 Flash"),
        ("Nvidia L4 GPU running in Americas", None, "per_token", "Nvidia L4 GPU running in Americas"),
    ],
)
def test_line_items_are_taken_apart(text: str, direction: str | None, mode: str, rest: str) -> None:
    wording = read_wording(text)
    assert (wording.direction, wording.mode, wording.rest) == (direction, mode, rest)


def test_cache_writes_and_long_prompts_have_prices_of_their_own() -> None:
    assert read_wording("Cache Write 1h Input Tokens").direction == "cache_write"
    assert read_wording("Cache Write 1h Input Tokens").cache_hours == 1
    lines, _ = read(plain('2026-10-01,OpenAI,"gpt-5.5, input, long context",,,,1,1M tokens,10,USD'))
    assert (lines[0]["code"], lines[0]["list_price_usd"]) == ("at_list", 10.0)


def test_billing_above_the_list_price_is_the_saving() -> None:
    lines, report = read(plain("2026-10-01,OpenAI,,gpt-4o-mini,input,,1000,1M tokens,300,USD"))
    assert lines[0]["code"] == "above_list"
    (finding,) = report["savings"]
    assert (finding["kind"], finding["counted"], finding["saving_usd"]) == ("above_list", True, 150.0)
    assert report["totals"]["savings_usd"] == 150.0


def test_a_negotiated_price_below_the_list_is_no_finding_of_its_own() -> None:
    lines, report = read(plain("2026-10-01,OpenAI,,gpt-4o-mini,input,,1000,1M tokens,120,USD"))
    assert lines[0]["code"] == "below_list"
    assert all(finding["kind"] != "above_list" for finding in report["savings"])


def test_batch_tier_and_cache_are_offered_under_their_condition_and_not_counted() -> None:
    _, report = read(plain("2026-10-01,OpenAI,,gpt-5.5,input,priority,100,1M tokens,1250,USD"))
    (finding,) = report["savings"]
    assert (finding["kind"], finding["counted"]) == ("tier", False)
    _, report = read(plain("2026-10-01,OpenAI,,gpt-4o-mini,input,,1000,1M tokens,150,USD"))
    kinds = {finding["kind"] for finding in report["savings"]}
    kinds |= {other["kind"] for finding in report["savings"] for other in finding["alternatives"]}
    assert {"batch", "cache"} <= kinds
    assert report["totals"]["savings_usd"] == 0


def test_another_seller_must_serve_input_and_output_together() -> None:
    """The cheapest input of one seller and the cheapest output of another are no offer."""
    _, report = read(
        plain(
            "2026-10-01,Fireworks,,kimi-k2p5,input,,900,1M tokens,540,USD",
            "2026-10-02,Fireworks,,kimi-k2p5,output,,120,1M tokens,360,USD",
        )
    )
    (finding,) = report["savings"]
    assert finding["kind"] == "other_provider"
    other = API.find(finding["details"]["provider"], finding["details"]["model"])
    assert other is not None
    price = {row.direction: row.unit_price_usd for row in other.rows if row.billing_mode == "per_token"}
    assert finding["saving_usd"] == pytest.approx(900 - 900 * price["input"] - 120 * price["output"])


def test_a_substitute_is_marked_and_has_at_least_the_quality() -> None:
    _, report = read(
        plain("2026-10-01,Anthropic,,claude-opus-4-8,output,,10,1M tokens,250,USD"), task="code_generation"
    )
    ways = [report["savings"][0], *report["savings"][0]["alternatives"]]
    substitutes = [way for way in ways if way["kind"] == "substitution"]
    assert substitutes
    for way in substitutes:
        assert way["substitution"] is True
        assert way["details"]["quality"] >= way["details"]["quality_now"]
    assert not any(way["kind"] == "substitution" and way.get("counted") for way in ways)


def test_self_hosting_is_asked_for_open_models_at_the_volume_of_the_bill() -> None:
    asked: list[SelfHostQuery] = []

    def host(query: SelfHostQuery) -> SelfHostOffer | None:
        asked.append(query)
        return SelfHostOffer(Decimal(100), "1 x card", "plan it")

    _, report = read(
        plain(
            "2026-10-01,Together AI,,meta-llama/Llama-3.3-70B-Instruct-Turbo,input,,1500,1M tokens,1320,USD",
            "2026-10-31,Together AI,,meta-llama/Llama-3.3-70B-Instruct-Turbo,output,,500,1M tokens,440,USD",
        ),
        self_host=host,
    )
    assert asked == [SelfHostQuery("meta-llama/Llama-3.3-70B-Instruct", 1.5e9, 0.5e9)]
    ways = [report["savings"][0], *report["savings"][0]["alternatives"]]
    hosting = next(way for way in ways if way["kind"] == "self_hosting")
    assert hosting["saving_usd"] == 1660.0


@pytest.mark.parametrize(
    ("quantity", "unit", "amount", "slip"),
    [
        ("10000000", "1m_tokens", "150", "10^6"),
        ("620000", "1m_tokens", "5425", "10^3"),
        ("0.00062", "1m_tokens", "5425", "10^6"),
    ],
)
def test_a_quantity_off_by_a_thousand_or_a_million_is_said_and_not_saved(
    quantity: str, unit: str, amount: str, slip: str
) -> None:
    text = f"provider,workload_type,usage_qty,usage_unit,amount_usd\nopenai,llm,{quantity},{unit},{amount}\n"
    (line,), report = read(text)
    assert (line["status"], line["code"]) == ("unmatched", "scale")
    assert slip in line["reason"]
    assert report["savings"] == []
    assert [anomaly["kind"] for anomaly in report["anomalies"]] == ["scale"]


@pytest.mark.parametrize(("quantity", "slip"), [("150000000", "10^6"), ("150000", "10^3"), ("0.15", "10^3")])
def test_a_known_model_billed_at_an_absurd_price_is_a_wrong_quantity(quantity: str, slip: str) -> None:
    (line,), report = read(plain(f"2026-10-01,OpenAI,,gpt-4o-mini,input,,{quantity},1M tokens,22.50,USD"))
    assert line["code"] == "scale"
    assert slip in line["reason"]
    assert report["totals"]["savings_usd"] == 0
    assert report["totals"]["total"] == 22.50


def test_minutes_billed_as_hours_are_seen() -> None:
    (line,), _ = read(plain("2026-10-01,Deepgram,,nova-3,,,100,audio hours,0.70,USD"))
    assert line["code"] in {"scale", "below_list"}
    (line,), _ = read(plain("2026-10-01,OpenAI,,gpt-4o-mini-transcribe,,,600,minutes,1.80,USD"))
    assert (line["status"], line["code"]) == ("matched", "at_list")


def test_units_that_cannot_be_converted_are_not_compared() -> None:
    (line,), _ = read(plain("2026-10-01,OpenAI,,gpt-4o-mini,,,10,images,1,USD"))
    assert (line["status"], line["code"]) == ("unmatched", "no_price")
    assert "cannot be converted" in line["reason"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("2026-10-01,Nobody Ltd,,gpt-4o-mini,input,,1,1M tokens,1,USD", "unknown_provider"),
        ("2026-10-01,OpenAI,,gpt-99,input,,1,1M tokens,1,USD", "unknown_model"),
        ("2026-10-01,OpenAI,,gpt-4o-mini,input,,1,bananas,1,USD", "unit"),
        ("2026-10-01,OpenAI,,gpt-4o-mini,input,,1,1M tokens,1,EUR", "currency"),
        ("2026-10-01,OpenAI,,gpt-4o-mini,input,,-5,1M tokens,1,USD", "quantity"),
        ("2026-10-01,OpenAI,,gpt-4o-mini,input,,NaN,1M tokens,1,USD", "quantity"),
        ("2026-10-01,OpenAI,,gpt-4o-mini,input,,0,1M tokens,1,USD", "quantity"),
        ("2026-10-01,OpenAI,,gpt-4o-mini,input,,1,1M tokens,-1,USD", "refund"),
        ("2026-10-01,OpenAI,,gpt-4o-mini,input,,1,1M tokens,NaN,USD", "unreadable"),
        ("2026-10-01,OpenAI,,gpt-4o-mini,input,,1,1M tokens,1e308,USD", "unreadable"),
    ],
)
def test_what_cannot_be_compared_says_why(row: str, code: str) -> None:
    (line,), _ = read(plain(row))
    assert (line["status"], line["code"]) == ("rejected" if code == "unreadable" else "unmatched", code)
    assert line["reason"]


def test_another_currency_needs_a_stated_rate() -> None:
    from tools.invoice.money import parse_rate  # noqa: PLC0415  used here only

    row = plain("2026-10-01,OpenAI,,gpt-4o-mini,input,,100,1M tokens,14.00,EUR")
    (line,), report = read(row, rates=[parse_rate("EUR=1.0714286@2026-11-01")])
    assert line["code"] == "at_list"
    assert (report["totals"]["total"], report["totals"]["currency"]) == (15.0, "USD")
    assert report["totals"]["rates"] == [{"currency": "EUR", "usd": 1.0714286, "date": "2026-11-01"}]
    assert report["totals"]["by_currency"]["EUR"]["total"] == 14.0
    _, report = read(row + "2026-10-01,OpenAI,,gpt-4o-mini,input,,100,1M tokens,15.00,USD\n")
    assert (report["totals"]["total"], report["totals"]["unconverted"]) == (15.0, {"EUR": 14.0})


def test_rented_cards_and_machines_are_compared_by_the_hour() -> None:
    lines, report = read(
        plain(
            '2026-10-01,RunPod,"H100 SXM secure, on demand",,,,744,GPU hour,4000,USD',
            "2026-10-31,AWS,p5.48xlarge,,,,24,instance hours,1320.96,USD",
        )
    )
    assert lines[0]["code"] == "above_list"
    above = next(finding for finding in report["savings"] if finding["provider"] == "runpod")
    assert (above["kind"], above["counted"]) == ("above_list", True)
    assert above["saving_usd"] == pytest.approx(4000 - 744 * 3.29)


def test_duplicates_are_flagged_and_still_counted() -> None:
    row = "2026-10-01,OpenAI,,gpt-4o-mini,input,,100,1M tokens,15.00,USD"
    lines, report = read(plain(row, row))
    assert lines[1]["duplicate_of"] == lines[0]["line"] == 2
    assert report["totals"]["total"] == 30.0
    assert report["totals"]["duplicates"] == {"lines": 1, "amount_usd": 15.0}


def test_anomalies_name_spikes_price_changes_unknown_and_retired_models() -> None:
    days = [
        f"2026-10-{day:02},OpenAI,,gpt-4o-mini-2024-07-18,input,,{used},1M tokens,{used * 0.15:.2f},USD"
        for day, used in ((day, 1000 if day == 20 else 100) for day in range(1, 31))
    ]
    _, report = read(plain(*days, "2026-10-05,OpenAI,,gpt-99,input,,1,1M tokens,7,USD"))
    kinds = {anomaly["kind"]: anomaly for anomaly in report["anomalies"]}
    assert kinds["spike"]["date"] == "2026-10-20"
    assert kinds["unknown_model"]["amount_usd"] == 7.0
    assert "retiring_model" in kinds
    rows = [
        f"2026-10-{day:02},OpenAI,,gpt-5.5,input,,10,1M tokens,{40 if day < 15 else 50},USD" for day in range(1, 31)
    ]
    _, report = read(plain(*rows))
    change = next(anomaly for anomaly in report["anomalies"] if anomaly["kind"] == "price_change")
    assert change["date"] == "2026-10-15"
    assert "4 to 5 USD" in change["title"]


def test_savings_are_per_month_of_the_period() -> None:
    _, report = read(
        plain(
            "2026-10-01,OpenAI,,gpt-4o-mini,input,,1000,1M tokens,300,USD",
            "2026-10-10,OpenAI,,gpt-4o-mini,input,,1000,1M tokens,300,USD",
        )
    )
    assert report["summary"]["days"] == 10
    assert report["savings"][0]["monthly_saving_usd"] == pytest.approx(300 * 3.042)


def test_who_retired_a_model_is_not_recommended_for_it() -> None:
    retired = next(
        row
        for row in SNAPSHOT.api_prices_retired
        if (row.provider, row.direction, row.billing_mode) == ("google_vertex", "input", "per_token")
    )
    cost = 1000 * retired.unit_price_usd
    _, report = read(plain(f"2026-10-01,Vertex AI,,{retired.model_key},input,,1000,1M tokens,{cost},USD"))
    ways = [way for finding in report["savings"] for way in (finding, *finding["alternatives"])]
    assert {way["kind"] for way in ways} <= {"other_provider", "substitution", "self_hosting"}
    assert all("retired the model" in way["condition"] for way in ways if way["kind"] == "other_provider")


def test_the_price_of_another_region_is_no_overcharge_where_none_is_named() -> None:
    row = "2026-10-01,AWS Bedrock,,us.anthropic.claude-sonnet-4-5-20250929-v1:0,output,,100,1M tokens,{},USD"
    (line,), report = read(plain(row.format(1650)))
    assert line["code"] == "at_list"
    assert [finding["kind"] for finding in report["savings"]] == ["other_provider"]
    assert "other regions" in line["reason"]
    (line,), _ = read(plain(row.format(1900)))
    assert line["code"] == "above_list"
