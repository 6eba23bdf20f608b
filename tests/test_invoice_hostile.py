"""Hostile files end in a clear message per line: never in a crash, a hang or a poisoned total."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from knowledge.errors import BadInput
from knowledge.snapshot import load
from tools.invoice.bill import open_bill
from tools.invoice.line_json import LineEncoder
from tools.invoice.source import FREE_EXPANSION_BYTES
from tools.market import Market

SNAPSHOT = load()
MARKET = Market.bundled(SNAPSHOT)
HEADER = "provider,workload_type,usage_qty,usage_unit,amount_usd\n"
GOOD = "openai,llm,1,1m_tokens,5.00\n"


class Endless:
    """A stream of pieces that are made when they are read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, size: int = -1, /) -> bytes:
        del size
        return next(self._pieces, b"")


def read(content: Any, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    stream = (
        io.BytesIO(content.encode() if isinstance(content, str) else content)
        if not hasattr(content, "read")
        else content
    )
    bill, encoder = open_bill(stream, "bill", MARKET, SNAPSHOT, **options), LineEncoder()
    lines = [json.loads(encoder.encode(line)) for line in bill.lines()]
    return lines, bill.report().to_json()


def test_a_line_of_100_megabytes_is_one_rejected_line() -> None:
    def pieces() -> Iterator[bytes]:
        yield (HEADER + GOOD).encode()
        for _ in range(100):
            yield b"x" * 1_000_000
        yield b"\n" + GOOD.encode()

    lines, report = read(Endless(pieces()))
    assert [line["status"] for line in lines] == ["unmatched", "rejected", "unmatched"]
    assert "longer than" in lines[1]["reason"]
    assert (lines[1]["line"], lines[2]["line"]) == (3, 4)
    assert report["totals"]["total"] == 10.0


def test_a_gzip_bomb_stops_with_a_message_and_keeps_what_was_read() -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = squeeze.compress((HEADER + GOOD).encode())
    zeros = b"\0" * (1 << 20)
    for _ in range((FREE_EXPANSION_BYTES >> 20) + 20):
        packed += squeeze.compress(zeros)
    packed += squeeze.flush()
    assert len(packed) < 200_000
    lines, report = read(packed)
    assert report["totals"]["total"] == 5.0
    assert lines[-1]["status"] == "rejected"
    assert "bomb" in lines[-1]["reason"]


def test_a_cut_gzip_file_says_so_and_keeps_the_lines_before_it() -> None:
    packed = gzip.compress((HEADER + GOOD * 5000).encode())
    lines, report = read(packed[: len(packed) - 20])
    assert lines[-1]["status"] == "rejected"
    assert "end too early" in lines[-1]["reason"]
    assert report["totals"]["lines"]["rejected"] == 1


def test_damaged_gzip_is_said() -> None:
    packed = bytearray(
        gzip.compress((HEADER + "".join(f"openai,llm,{n},1m_tokens,{n}.5\n" for n in range(60_000))).encode())
    )
    packed[len(packed) // 2] ^= 0xFF
    lines, _ = read(bytes(packed))
    assert len(lines) > 10_000
    assert lines[-1]["status"] == "rejected"
    assert "damaged" in lines[-1]["reason"]


@pytest.mark.parametrize("container", [b"PK\x03\x04....", b"%PDF-1.4", b"\xd0\xcf\x11\xe0.."])
def test_archives_and_documents_are_refused_with_a_cure(container: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        read(container)
    assert refused.value.cure


@pytest.mark.parametrize(
    "amount",
    ["NaN", "nan", "inf", "-inf", "Infinity", "1e308", "-1e308", "9" * 400, "1e-400", "0x1F", "=1+1", "", "1_0", "٣"],
)
def test_an_impossible_amount_rejects_its_line_and_spares_the_total(amount: str) -> None:
    lines, report = read(HEADER + GOOD + f"openai,llm,1,1m_tokens,{amount}\n" + GOOD)
    assert [line["status"] for line in lines] == ["unmatched", "rejected", "unmatched"]
    assert lines[1]["reason"]
    assert report["totals"]["total"] == 10.0


@pytest.mark.parametrize("quantity", ["NaN", "1e308", "-5", "five", "9" * 400, ""])
def test_an_impossible_quantity_keeps_the_money_and_compares_nothing(quantity: str) -> None:
    lines, report = read(HEADER + f"openai,llm,{quantity},1m_tokens,7.00\n")
    assert (lines[0]["status"], lines[0]["code"]) == ("unmatched", "quantity" if quantity else "model_unknown")
    assert report["totals"]["total"] == 7.0
    assert report["savings"] == []


def test_an_unclosed_quote_costs_its_own_line_only() -> None:
    lines, report = read(HEADER + GOOD + 'openai,"llm,1,1m_tokens,5.00\n' + GOOD * 3)
    assert [line["status"] for line in lines].count("rejected") == 1
    assert "quote" in lines[1]["reason"]
    assert report["totals"]["total"] == 20.0


def test_quoted_text_may_run_over_lines() -> None:
    text = 'provider,description,quantity,unit,amount\nTogether AI,"line one\nline two, ""quoted""",1,month,20.00\n' + (
        "Together AI,Pro plan,1,month,20.00\n"
    )
    lines, report = read(text)
    assert [line["line"] for line in lines] == [2, 4]
    assert report["totals"]["total"] == 40.0


def test_rows_that_are_too_long_or_too_short_are_said() -> None:
    lines, report = read(HEADER + "openai,llm,1,1m_tokens,1,500.00\n" + "openai\n" + "openai,llm\n" + GOOD)
    assert [line["status"] for line in lines] == ["rejected", "rejected", "rejected", "unmatched"]
    assert "6 fields where the header has 5" in lines[0]["reason"]
    assert report["totals"]["total"] == 5.0


def test_broken_json_lines_cost_their_own_line_only() -> None:
    row = '{"amount": {"value": 1.5, "currency": "usd"}, "line_item": "gpt-4o-mini, input", "quantity": 10000000}\n'
    nested = "[" * 5000 + "]" * 5000
    lines, report = read(row + '{"amount": {"value": \n' + "7\n" + nested + "\n" + row.replace("1.5", "NaN") + row)
    assert [line["status"] for line in lines] == ["matched", "rejected", "rejected", "rejected", "rejected", "matched"]
    assert report["totals"]["total"] == 3.0


def test_many_different_subjects_stay_bounded_and_add_up() -> None:
    rows = "".join(f"provider {n},llm {n},1,unit {n},1.00\n" for n in range(12_000))
    lines, report = read(HEADER + rows)
    assert len(lines) == 12_000
    assert report["totals"]["total"] == 12_000.0
    assert len(report["summary"]["by_provider"]) <= 5_001


def test_bytes_of_no_encoding_and_control_characters_are_survived() -> None:
    lines, report = read(HEADER.encode() + b"\xff\xfe\x1b[31m,llm,1,1m_tokens,3.00\n" + GOOD.encode())
    assert report["totals"]["total"] == 8.0
    assert len(lines) == 2


def test_days_that_are_none_do_not_hurt() -> None:
    text = "date,provider,description,quantity,unit,amount\n" + "".join(
        f"{day},Fireworks,kimi-k2p5 input,1,1M tokens,0.60\n"
        for day in ("2026-13-45", "9999-99-99", "soon", "", "99999999999999")
    )
    _, report = read(text)
    assert report["totals"]["total"] == 3.0
