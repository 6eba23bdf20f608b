"""Bills are recognised by their content, whatever their name, encoding, separator or container."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tools.invoice.readers as readers_package
from knowledge.errors import BadInput
from knowledge.snapshot import load
from tools.invoice.bill import Bill, open_bill
from tools.invoice.line_json import LineEncoder
from tools.invoice.readers import READERS
from tools.market import Market

SAMPLES = Path(__file__).parent / "data" / "invoices"
SNAPSHOT = load()
MARKET = Market.bundled(SNAPSHOT)
PLAIN = "provider,description,quantity,unit,amount,currency\n"


def opened(content: str | bytes, **options: Any) -> Bill:
    raw = content.encode() if isinstance(content, str) else content
    return open_bill(io.BytesIO(raw), "bill", MARKET, SNAPSHOT, **options)


def read(content: str | bytes, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    bill, encoder = opened(content, **options), LineEncoder()
    lines = [json.loads(encoder.encode(line)) for line in bill.lines()]
    return lines, bill.report().to_json()


def test_the_list_of_readers_and_the_files_agree() -> None:
    folder = Path(str(readers_package.__file__)).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    assert {reader.name for reader in READERS} == files
    assert {type(reader).__module__.rsplit(".", 1)[-1] for reader in READERS} == files
    assert len({reader.title for reader in READERS}) == len(READERS)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.csv")), ids=lambda path: path.stem)
def test_a_sample_is_known_by_its_header_alone(path: Path) -> None:
    expected = {
        "canonical_five_column": "five_column",
        "aws_cur2": "aws_cur",
        "focus_1_1": "focus",
        "focus_1_2": "focus",
        "gcp_billing_export": "gcp_billing",
        "generic_provider_lines": "plain",
    }
    assert opened(path.read_bytes()).reading.format == expected.get(path.stem, path.stem)


SMALL = "canonical_five_column.csv"


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace(",", "\t").encode(),
        lambda text: ("\ufeff" + text).encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: gzip.compress(text.encode()[:100]) + gzip.compress(text.encode()[100:]),
        lambda text: ("Bill of October\nGmbH & Co\n\n" + text).encode(),
        lambda text: text.replace("provider,workload_type", " Provider ,WORKLOAD_TYPE").encode(),
        lambda text: (text + "\n\n\n").encode(),
    ],
    ids=[
        "semicolon",
        "tab",
        "bom",
        "utf16",
        "utf16-bare",
        "crlf",
        "cr",
        "gzip",
        "gzip-members",
        "title",
        "case",
        "blank",
    ],
)
def test_the_same_bill_in_another_dress_has_the_same_total(changed: Any) -> None:
    lines, report = read(changed((SAMPLES / SMALL).read_text()))
    assert (len(lines), report["totals"]["total"]) == (9, 11_113.00)


def test_a_decimal_comma_with_thousands_points_is_read() -> None:
    text = (
        "Anbieter;Beschreibung;Menge;Einheit;Betrag;Währung\n"
        "Fireworks AI;kimi-k2p5 input;1.900,5;1M tokens;1.140,30 €;EUR\n"
        "Summe;;;;1.140,30;EUR\n"
    )
    lines, report = read(text, rates=[])
    assert report["totals"]["currency"] == "EUR"
    assert report["totals"]["total"] == 1140.30
    assert lines[0]["quantity"] == 1900.5
    assert lines[1]["code"] == "total"
    assert report["totals"]["stated_totals"][0]["agrees"] is True


def test_a_cost_report_of_the_openai_api_is_unrolled_from_its_pages() -> None:
    page = {
        "object": "page",
        "data": [
            {
                "object": "bucket",
                "start_time": 1790812800,
                "end_time": 1790899200,
                "results": [
                    {
                        "amount": {"value": 2.5, "currency": "usd"},
                        "line_item": "gpt-5.5-2026-04-23, input",
                        "project_id": "p",
                        "quantity": 500000,
                    },
                    {
                        "amount": {"value": 0.06, "currency": "usd"},
                        "line_item": None,
                        "project_id": "p",
                        "quantity": None,
                    },
                ],
            },
            {"object": "bucket", "start_time": 1790899200, "end_time": 1790985600, "results": []},
        ],
        "has_more": False,
        "next_page": None,
    }
    lines, report = read(json.dumps(page, indent=2))
    assert [line["code"] for line in lines] == ["at_list", "no_price", "empty"]
    assert report["totals"]["total"] == 2.56
    assert lines[0]["date"] == "2026-10-01"


def test_an_anthropic_cost_report_is_in_cents() -> None:
    page = {
        "data": [
            {
                "starting_at": "2026-10-01T00:00:00Z",
                "ending_at": "2026-10-02T00:00:00Z",
                "results": [
                    {
                        "currency": "USD",
                        "amount": "123.45",
                        "workspace_id": None,
                        "cost_type": "tokens",
                        "description": "Claude Haiku 4.5 Usage - Input Tokens",
                        "model": "claude-haiku-4-5-20251001",
                        "service_tier": "standard",
                        "context_window": "0-200k",
                        "token_type": "uncached_input_tokens",
                    }
                ],
            }
        ],
        "has_more": False,
    }
    lines, report = read(json.dumps(page))
    assert report["totals"]["total"] == 1.23
    assert (lines[0]["status"], lines[0]["model"]) == ("matched", "claude-haiku-4-5-20251001")


def test_an_anthropic_usage_report_is_priced() -> None:
    result = {
        "uncached_input_tokens": 1_000_000,
        "cache_read_input_tokens": 2_000_000,
        "output_tokens": 100_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 400_000, "ephemeral_1h_input_tokens": 100_000},
        "server_tool_use": {"web_search_requests": 3},
        "model": "claude-haiku-4-5-20251001",
        "service_tier": "standard",
        "context_window": "0-200k",
    }
    page = {"data": [{"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-10-02T00:00:00Z", "results": [result]}]}
    _, report = read(json.dumps(page))
    assert report["totals"]["estimated_usd"] == 2.40


def test_usage_buckets_of_openai_may_come_one_per_line() -> None:
    bucket = {
        "start_time": 1790812800,
        "results": [
            {
                "input_tokens": 1_000_000,
                "input_cached_tokens": 400_000,
                "output_tokens": 100_000,
                "num_model_requests": 7,
                "model": "gpt-5-mini-2025-08-07",
                "batch": False,
                "service_tier": "default",
            }
        ],
    }
    lines, report = read(json.dumps(bucket) + "\n" + json.dumps(bucket | {"start_time": 1790899200}) + "\n")
    assert report["totals"]["estimated_usd"] == pytest.approx(2 * (0.6 * 0.25 + 0.4 * 0.025 + 0.1 * 2.0), abs=0.006)
    assert len(lines) == 2


def test_a_legacy_cost_and_usage_report_is_read_like_the_new_one() -> None:
    header = (
        "identity/LineItemId,lineItem/LineItemType,lineItem/ProductCode,lineItem/UsageType,lineItem/LineItemDescription,"
        "lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/UsageAmount,lineItem/UnblendedCost,"
        "lineItem/CurrencyCode,pricing/unit,product/region,product/ProductName\n"
    )
    rows = (
        "a,Usage,AmazonBedrock,USE1-NovaPro-input-tokens,$0.0008 per 1K input tokens for NovaPro,"
        "2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,1000,0.8,USD,1K tokens,us-east-1,\n"
        "b,Usage,AmazonEC2,BoxUsage:g6e.12xlarge,Linux g6e.12xlarge,"
        "2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,24,251.82336,USD,Hrs,us-east-1,Amazon Elastic Compute Cloud\n"
        "c,SavingsPlanNegation,AmazonEC2,,,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,1,-10,USD,,us-east-1,\n"
        "d,EdpDiscount,AmazonEC2,,,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,1,-2,USD,,us-east-1,\n"
    )
    lines, report = read(header + rows)
    assert [line["code"] for line in lines] == ["at_list", "at_list", "commitment", "credit"]
    assert report["totals"]["total"] == 240.62
    assert (report["totals"]["commitments"], report["totals"]["credits"]) == (-10.0, -2.0)


def test_focus_is_read_from_json_lines_and_parquet_alike() -> None:
    charge = {
        "BilledCost": 1.136478,
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "ChargeDescription": "Input Tokens",
        "ChargePeriodStart": "2026-10-01T00:00:00Z",
        "ChargePeriodEnd": "2026-10-02T00:00:00Z",
        "PricingQuantity": 4.545911,
        "PricingUnit": "1000000 Tokens",
        "ProviderName": "OpenAI",
        "ServiceName": "OpenAI API",
        "SkuPriceDetails": '{"ModelId": "gpt-5-mini", "TokenType": "Input"}',
    }
    table = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([charge]), table)
    nested = charge | {"SkuPriceDetails": {"ModelId": "gpt-5-mini", "TokenType": "Input"}}
    dressed = (
        json.dumps(charge) + "\n",
        json.dumps(nested),
        table.getvalue(),
        gzip.compress(json.dumps([charge]).encode()),
    )
    for content in dressed:
        lines, report = read(content)
        assert (lines[0]["status"], lines[0]["model"], lines[0]["direction"]) == ("matched", "gpt-5-mini", "input")
        assert report["totals"]["total"] == 1.14


def test_google_rows_from_bigquery_as_json_keep_their_credits() -> None:
    row = {
        "service": {"id": "C7E2", "description": "Vertex AI"},
        "sku": {"id": "S", "description": "Gemini 2.5 Pro Text Input"},
        "usage_start_time": "2026-10-01 00:00:00 UTC",
        "usage_end_time": "2026-10-02 00:00:00 UTC",
        "cost": 12.5,
        "currency": "USD",
        "usage": {"amount": 10000000, "unit": "count", "amount_in_pricing_units": 10000000, "pricing_unit": "count"},
        "location": {"region": "us-central1"},
        "credits": [{"name": "promotion", "amount": -2.5}],
        "cost_type": "regular",
    }
    lines, report = read(json.dumps(row) + "\n")
    assert (report["totals"]["usage"], report["totals"]["credits"]) == (12.5, -2.5)
    assert [part["code"] for part in lines[0]["parts"]] == ["at_list", "credit"]


def test_azure_reservations_and_refunds_stand_apart() -> None:
    header = (
        "Date,MeterCategory,MeterSubCategory,MeterName,UnitOfMeasure,Quantity,Cost,BillingCurrency,ChargeType,"
        "ReservationId\n"
    )
    rows = (
        "10/01/2026,Cognitive Services,Azure OpenAI,gpt-4o-mini-0718-Inp-glbl Tokens,1K,1000,0.15,USD,Usage,\n"
        "10/01/2026,Virtual Machines,NCadsH100v5,NC40ads H100 v5,1 Hour,24,0,USD,Usage,res-1\n"
        "10/02/2026,Virtual Machines,NCadsH100v5,NC40ads H100 v5,1 Hour,1,500,USD,Purchase,\n"
        "10/03/2026,Cognitive Services,Azure OpenAI,gpt-4o-mini-0718-Inp-glbl Tokens,1K,-10,-0.01,USD,Refund,\n"
    )
    lines, report = read(header + rows)
    assert [line["code"] for line in lines] == ["at_list", "commitment", "commitment", "refund"]
    assert (report["totals"]["commitments"], report["totals"]["refunds"]) == (500.0, -0.01)


def test_plain_lines_keep_taxes_credits_and_subscriptions_apart() -> None:
    rows = (
        "Together AI,Pro plan,1,month,20,USD\nTogether AI,VAT 19 %,,,3.80,USD\n"
        "Together AI,Promo credit,,,-5,USD\n"
        "Together AI,Refund of September,,,-2,USD\nTogether AI,Committed use,,,100,USD\n"
        "Subtotal,,,,116.80,USD\nTotal due,,,,116.80,USD\n"
    )
    lines, report = read(PLAIN + rows)
    totals = report["totals"]
    assert [line["code"] for line in lines] == [
        "subscription",
        "tax",
        "credit",
        "refund",
        "commitment",
        "total",
        "total",
    ]
    assert (totals["total"], totals["rejected"]) == (116.80, 0)
    assert all(stated["agrees"] for stated in totals["stated_totals"])


def test_a_total_that_disagrees_with_the_lines_is_an_anomaly() -> None:
    lines, report = read(PLAIN + "Fireworks,kimi-k2p5 input,1,1M tokens,0.60,USD\nTotal,,,,0.70,USD\n")
    assert lines[1]["status"] == "rejected"
    assert report["totals"]["total"] == 0.60
    assert [anomaly["kind"] for anomaly in report["anomalies"]] == ["stated_total"]


def test_a_line_without_a_provider_can_be_given_one() -> None:
    text = "description,quantity,unit,amount\nkimi-k2p5 input,10,1M tokens,6.00\n"
    (line,), _ = read(text)
    assert (line["status"], line["code"]) == ("unmatched", "no_price")
    (line,), _ = read(text, default_provider="Fireworks AI")
    assert (line["status"], line["model"]) == ("matched", "kimi-k2p5")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   \n \n",
        b"hello world",
        b"a,b,c\n1,2,3\n",
        b"PK\x03\x04rest",
        b"%PDF-1.7",
        b"{}",
        b"[]",
        b"PAR1 not really",
        b'{"broken": ',
        b"\x00\x01\x02\x03",
        b"\x1f\x8b\x08not gzip",
    ],
)
def test_what_is_no_bill_is_refused_in_one_line_that_names_the_file(content: bytes) -> None:
    with pytest.raises(BadInput, match=r"^bill: ") as refused:
        opened(content)
    assert "\n" not in refused.value.message
