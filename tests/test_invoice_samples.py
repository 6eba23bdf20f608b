"""Every sample bill is accounted for line by line and adds up to the total that its README states."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from knowledge.snapshot import load
from tools.invoice.bill import open_bill
from tools.invoice.line_json import LineEncoder
from tools.market import Market

SAMPLES = Path(__file__).parent / "data" / "invoices"
SNAPSHOT = load()
MARKET = Market.bundled(SNAPSHOT)


def examined(name: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    encoder = LineEncoder()
    with (SAMPLES / name).open("rb") as stream:
        bill = open_bill(stream, name, MARKET, SNAPSHOT)
        lines = [json.loads(encoder.encode(line), parse_float=Decimal) for line in bill.lines()]
        return lines, bill.report().to_json()


@pytest.mark.parametrize(
    ("name", "rows", "total"),
    [
        ("canonical_five_column.csv", 9, 11_113.00),
        ("openai_costs.csv", 361, 924.65),
        ("anthropic_cost.csv", 390, 1_307.62),
        ("aws_cur2.csv", 188, 8_094.40),
        ("focus_1_1.csv", 126, 6_905.53),
        ("focus_1_2.csv", 126, 6_905.53),
        ("gcp_billing_export.csv", 93, 525.84),
        ("azure_cost.csv", 93, 5_270.30),
        ("generic_provider_lines.csv", 6, 5_506.60),
    ],
)
def test_a_bill_adds_up_to_its_known_total(name: str, rows: int, total: float) -> None:
    lines, report = examined(name)
    totals = report["totals"]
    assert totals["total"] == total
    assert len(lines) == totals["lines"]["all"] == rows
    exact = sum((line["amount_usd"] for line in lines if line["amount_usd"] is not None), Decimal(0))
    assert round(exact, 2) == Decimal(str(total))
    for partition in (("usage", "subscriptions", "fees", "taxes", "credits", "refunds", "commitments"),
                      ("matched", "unmatched", "rejected")):  # fmt: skip
        assert sum(Decimal(str(totals[part])) for part in partition) == Decimal(str(total))
    for breakdown in ("by_provider", "by_model", "by_workload"):
        parts = (Decimal(str(entry["amount_usd"])) for entry in report["summary"][breakdown])
        assert sum(parts) == Decimal(str(total))


@pytest.mark.parametrize(("name", "priced"), [("openai_usage.csv", 907.66), ("anthropic_usage.csv", 1_294.26)])
def test_a_usage_export_without_money_is_priced_from_the_catalog(name: str, priced: float) -> None:
    lines, report = examined(name)
    assert report["totals"]["total"] == 0
    assert report["totals"]["estimated_usd"] == priced
    assert report["summary"]["basis"] == "catalog"
    assert all(line["status"] == "matched" for line in lines)


def test_the_usage_export_and_the_cost_export_of_one_month_agree() -> None:
    """Both OpenAI samples are of the same usage; the cost export also holds web searches, 16.99 USD of them."""
    _, usage = examined("openai_usage.csv")
    lines, costs = examined("openai_costs.csv")
    tools = [line for line in lines if line["description"] == "web search tool calls"]
    searches = sum(line["amount"] for line in tools)
    assert round(float(searches), 2) == 16.99
    assert usage["totals"]["estimated_usd"] + 16.99 == pytest.approx(costs["totals"]["total"])


def test_parts_of_the_aws_bill_are_as_stated() -> None:
    lines, report = examined("aws_cur2.csv")
    spent: dict[str, Decimal] = {}
    for line in lines:
        name = line["model"] or line["kind"]
        spent[name] = spent.get(name, Decimal(0)) + line["amount"]
    rounded = {name: float(round(amount, 2)) for name, amount in spent.items()}
    assert rounded == {
        "amazon-nova-pro": 94.39,
        "anthropic.claude-haiku-4-5": 214.51,
        "g6e.12xlarge": 7806.52,
        "usage": 0.76,
        "credit": -25.0,
        "tax": 3.21,
    }
    assert report["totals"]["credits"] == -25.0
    assert report["totals"]["taxes"] == 3.21


def test_google_credits_stand_apart_from_the_cost_they_reduce() -> None:
    _, report = examined("gcp_billing_export.csv")
    assert report["totals"]["before_credits"] == 534.79
    assert report["totals"]["credits"] == -8.95


def test_focus_samples_split_by_seller_as_stated() -> None:
    for name in ("focus_1_1.csv", "focus_1_2.csv"):
        lines, _ = examined(name)
        openai = sum(line["amount"] for line in lines if line["provider"] == "openai")
        aws = sum(line["amount"] for line in lines if str(line["provider"]).startswith("aws"))
        assert (round(openai, 2), round(aws, 2)) == (Decimal("53.34"), Decimal("6852.19"))


def test_lines_without_a_model_are_compared_with_a_range_and_never_saved() -> None:
    lines, report = examined("canonical_five_column.csv")
    assert {(line["status"], line["code"]) for line in lines} == {("unmatched", "model_unknown")}
    assert all("range of" in line["reason"] for line in lines)
    assert report["savings"] == []
    assert report["totals"]["savings_usd"] == 0


def test_every_line_of_every_sample_has_a_reason() -> None:
    for path in sorted(SAMPLES.glob("*.csv")):
        lines, _ = examined(path.name)
        assert all(line["reason"] for line in lines), path.name


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.csv")), ids=lambda path: path.stem)
def test_savings_are_at_most_the_spend_and_counted_once(path: Path) -> None:
    _, report = examined(path.name)
    savings = report["savings"]
    assert len({finding["bundle"] for finding in savings}) == len(savings)
    for finding in savings:
        assert 0 <= finding["saving_usd"] <= finding["spend_usd"]
        assert all(0 <= other["saving_usd"] <= finding["spend_usd"] for other in finding["alternatives"])
        assert not (finding["counted"] and (finding["condition"] or finding["substitution"]))
    counted = sum(finding["saving_usd"] for finding in savings if finding["counted"])
    assert report["totals"]["savings_usd"] == pytest.approx(counted, abs=0.02)
