"""Rented machines on a bill: reservations cost every hour, machines are rented whole, words may leave a form open."""

import io
import json
from typing import Any

from knowledge.snapshot import load
from tools.invoice.bill import open_bill
from tools.invoice.line_json import LineEncoder
from tools.market import Market

SNAPSHOT = load()
MARKET = Market.bundled(SNAPSHOT)
HEADER = "date,provider,instance,quantity,unit,amount,region\n"


def read(*rows: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The lines, and every way of the first finding."""
    content = io.BytesIO((HEADER + "".join(f"{row}\n" for row in rows)).encode())
    bill, encoder = open_bill(content, "bill", MARKET, SNAPSHOT), LineEncoder()
    lines = [json.loads(encoder.encode(line)) for line in bill.lines()]
    savings = bill.report().to_json()["savings"]
    return lines, [savings[0], *savings[0]["alternatives"]] if savings else []


def month_of(machine: str, hours_a_day: int, usd_per_hour: float) -> list[str]:
    return [
        f"2026-10-{day:02},AWS,{machine},{hours_a_day},hours,{hours_a_day * usd_per_hour:.4f},us-east-1"
        for day in range(1, 32)
    ]


def test_a_machine_that_runs_four_hours_a_day_is_not_to_be_reserved() -> None:
    _, ways = read(*month_of("p5.48xlarge", 4, 55.04))
    assert not [way for way in ways if way["kind"].startswith("reserved")]


def test_a_reservation_is_priced_for_all_hours_of_the_machines_that_run_always() -> None:
    listed = next(
        instance
        for instance in SNAPSHOT.instances
        if (instance.instance_type, instance.region) == ("g6e.12xlarge", "us-east-1")
    )
    assert listed.reserved_1y_usd_per_hour
    _, ways = read(*month_of("g6e.12xlarge", 30, 10.49264))  # one runs always, another six hours a day
    year = next(way for way in ways if way["kind"] == "reserved_1y")
    assert year["saving_usd"] == round(744 * (10.49264 - listed.reserved_1y_usd_per_hour), 2)
    assert year["condition"] == "1 of them is always on for one year"


def test_an_eighth_of_a_machine_is_not_for_rent_and_four_machines_are_not_one() -> None:
    _, ways = read(*month_of("g6e.12xlarge", 24, 10.49264))
    elsewhere = [way for way in ways if way["kind"] == "other_cloud"]
    assert elsewhere
    assert any("4 machines without a fast link" in way["condition"] for way in elsewhere)
    assert any("fast link" not in way["condition"] for way in elsewhere)
    _, ways = read("2026-10-01,RunPod,H100 SXM,744,hours,2447.76,", "2026-10-31,RunPod,H100 SXM,1,hours,3.29,")
    (elsewhere_for_one,) = [way for way in ways if way["kind"] == "other_cloud"]
    assert " for 1 x " in elsewhere_for_one["how"]
    assert "machines without" not in elsewhere_for_one["condition"]


def test_a_card_without_its_form_is_compared_with_all_its_forms() -> None:
    (named,), _ = read("2026-10-01,RunPod,A100 SXM 80GB,100,hours,119,")
    (open_form,), _ = read("2026-10-01,RunPod,A100 80GB,100,hours,119,")
    assert (named["code"], open_form["code"]) == ("below_list", "at_list")
