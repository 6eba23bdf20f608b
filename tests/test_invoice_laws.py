"""Laws of a bill: order and splitting change nothing, savings lie between zero and the spend, no cent goes astray."""

import io
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.snapshot import load
from tools.invoice.bill import open_bill
from tools.invoice.period import Period
from tools.market import Market
from tools.units import Quantity, parse_unit

SNAPSHOT = load()
MARKET = Market.bundled(SNAPSHOT)
HEADER = "date,provider,model,direction,billing_mode,quantity,unit,amount,currency\n"
LAW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

MODELS = (
    ("OpenAI", "gpt-4o-mini"),
    ("OpenAI", "gpt-5.5"),
    ("Anthropic", "Claude Haiku 4.5"),
    ("Fireworks AI", "kimi-k2p5"),
    ("Together AI", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
    ("OpenAI", "gpt-99"),
)
Row = tuple[str, tuple[str, str], str, str, Decimal, Decimal, str]
ROWS = st.tuples(
    st.integers(1, 28).map(lambda day: f"2026-10-{day:02}"),
    st.sampled_from(MODELS),
    st.sampled_from(["input", "output", "cache_read", ""]),
    st.sampled_from(["", "batch", "priority"]),
    st.integers(1, 10**9).map(lambda tokens: Decimal(tokens) * 100),
    st.decimals("-50", "5000", places=4, allow_nan=False, allow_infinity=False),
    st.sampled_from(["USD", "USD", "USD", "EUR"]),
)


def bill_of(rows: list[Row]) -> dict[str, Any]:
    text = HEADER + "".join(
        f"{day},{model[0]},{model[1]},{direction},{mode},{quantity},tokens,{amount},{currency}\n"
        for day, model, direction, mode, quantity, amount, currency in rows
    )
    bill = open_bill(io.BytesIO(text.encode()), "bill.csv", MARKET, SNAPSHOT)
    for _ in bill.lines():
        pass
    report = bill.report().to_json()
    for finding in report["savings"]:
        finding.pop("first_lines")  # the only thing that is about places in the file
    for anomaly in report["anomalies"]:
        anomaly.pop("lines")
    report["anomalies"].sort(key=str)
    return report


def cents(value: float) -> Decimal:
    return Decimal(str(value))


@LAW
@given(st.lists(ROWS, min_size=1, max_size=25).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_the_order_of_the_lines_changes_nothing(orders: tuple[list[Row], list[Row]]) -> None:
    one, other = bill_of(orders[0]), bill_of(orders[1])
    assert one == other


@LAW
@given(st.lists(ROWS, min_size=1, max_size=12), st.integers(2, 4))
def test_splitting_lines_changes_no_sum_and_no_saving(rows: list[Row], parts: int) -> None:
    split = [
        (day, model, direction, mode, quantity / parts, amount / parts, currency)
        for day, model, direction, mode, quantity, amount, currency in (
            (*row[:4], row[4] * parts, row[5] * parts, row[6]) for row in rows
        )
        for _ in range(parts)
    ]
    whole = [(*row[:4], row[4] * parts, row[5] * parts, row[6]) for row in rows]
    one, other = bill_of(whole), bill_of(split)
    for name in ("total", "matched", "unmatched", "savings_usd", "possible_savings_usd", "by_currency", "unconverted"):
        assert one["totals"][name] == other["totals"][name], name
    strip = ("lines",)
    kept = [[{k: v for k, v in f.items() if k not in strip} for f in report["savings"]] for report in (one, other)]
    assert kept[0] == kept[1]


@LAW
@given(st.lists(ROWS, min_size=1, max_size=25))
def test_every_cent_is_in_one_part_of_every_partition(rows: list[Row]) -> None:
    totals = bill_of(rows)["totals"]
    exact: dict[str, Decimal] = {}
    for *_, amount, currency in rows:
        exact[currency] = exact.get(currency, Decimal(0)) + amount
    for currency, amount in exact.items():
        held = totals["by_currency"][currency]
        assert cents(held["total"]) == amount.quantize(Decimal("0.01"))
        assert sum(map(cents, held["by_kind"].values())) == cents(held["total"])
        assert sum(map(cents, held["by_status"].values())) == cents(held["total"])
    assert totals["lines"]["all"] == len(rows)


@LAW
@given(st.lists(ROWS, min_size=1, max_size=25))
def test_savings_lie_between_zero_and_the_spend_of_their_lines(rows: list[Row]) -> None:
    report = bill_of(rows)
    spent = sum((max(Decimal(0), row[5]) for row in rows if row[6] == "USD"), Decimal(0))
    for finding in report["savings"]:
        ways = [finding, *finding["alternatives"]]
        assert all(0 <= way["saving_usd"] <= finding["spend_usd"] for way in ways)
    assert 0 <= report["totals"]["savings_usd"] <= report["totals"]["possible_savings_usd"]
    assert cents(report["totals"]["possible_savings_usd"]) <= spent + Decimal("0.01")


@given(
    st.decimals("0.000001", "1e12", places=6, allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [("tokens", "1m_tokens"), ("1k_chars", "characters"), ("audio_min", "audio_hour"), ("GPU hour", "gpu_second")]
    ),
)
def test_a_quantity_comes_back_from_another_unit(amount: Decimal, units: tuple[str, str]) -> None:
    here, there = map(parse_unit, units)
    back = Quantity(amount, here).to(there).to(here).amount
    assert abs(back - amount) <= abs(amount) * Decimal("1e-20")


def test_a_calendar_month_counts_as_one_month() -> None:
    assert Period("2026-02-01", "2026-02-28").factor == 1
    assert Period("2026-10-01", "2026-10-31").factor == 1
    assert round(Period("2026-10-01", "2026-10-10").factor, 4) == Decimal("3.0420")
    assert Period("", "").factor == 1
    assert Period("2026-10-99", "nonsense").days is None


def dressed(rows: list[list[str]], style: tuple[str, str], places: list[int], totals: list[int]) -> str:
    """The table as somebody else would save it: other separator, marks and order of columns, totals, empty rows."""
    delimiter, mark = style

    def cell(text: str) -> str:
        shown = text.replace(".", mark) if text.replace(".", "").lstrip("-").isdecimal() else text
        return f'"{shown}"' if delimiter in shown else shown

    lines, running = [], Decimal(0)
    for number, row in enumerate(rows):
        lines.append(delimiter.join(cell(row[place]) for place in places))
        running += Decimal(row[7]) if number else 0
        if number in totals and number:
            stated = ["", "Total", "", "", "", "", "", f"{running:f}", ""]
            lines += ["", delimiter.join(cell(stated[place]) for place in places)]
    return "\n".join(lines)


@LAW
@given(
    st.lists(
        ROWS.filter(lambda row: row[6] == "USD" and row[5] != 0), min_size=1, max_size=12, unique_by=lambda row: row[4]
    ),
    st.tuples(st.sampled_from([",", ";", "\t", "|"]), st.sampled_from([".", ","])),
    st.permutations(range(9)),
    st.lists(st.integers(1, 12), max_size=3),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_the_dress_of_a_file_changes_no_cent(
    rows: list[Row], style: tuple[str, str], places: list[int], totals: list[int], encoding: str
) -> None:
    table = [HEADER.strip().split(",")] + [
        [day, model[0], model[1], direction, mode, str(quantity), "tokens", f"{amount:f}", currency]
        for day, model, direction, mode, quantity, amount, currency in rows
    ]
    raw = dressed(table, style, places, totals).encode(encoding)
    bill = open_bill(io.BytesIO(raw), "bill", MARKET, SNAPSHOT)
    lines = list(bill.lines())
    report = bill.report().to_json()["totals"]
    assert cents(report["total"]) == sum((row[5] for row in rows), Decimal(0)).quantize(Decimal("0.01"))
    assert sum(line.code != "total" for line in lines) == len(rows)
    assert all(stated["agrees"] for stated in report["stated_totals"])
