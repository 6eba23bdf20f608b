"""Logs of gateways and sheets by model: one amount for several counts, compared as a whole and shared by list price."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.snapshot import load
from tools.invoice.bill import open_bill
from tools.invoice.line_json import LineEncoder
from tools.market import Market

SNAPSHOT = load()
MARKET = Market.bundled(SNAPSHOT)


def read(content: str, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    bill, encoder = open_bill(io.BytesIO(content.encode()), "log", MARKET, SNAPSHOT, **options), LineEncoder()
    lines = [json.loads(encoder.encode(line)) for line in bill.lines()]
    return lines, bill.report().to_json()


LITELLM = (
    "request_id,call_type,spend,total_tokens,prompt_tokens,completion_tokens,startTime,endTime,model,"
    "custom_llm_provider\n"
)


def test_the_spend_logs_of_litellm_are_checked_request_by_request() -> None:
    lines, report = read(
        LITELLM + "a,acompletion,0.015,3000,2000,1000,2026-10-01T10:00:00Z,2026-10-01T10:00:05Z,gpt-4o,openai\n"
        "b,aembedding,0.00002,1000,1000,0,2026-10-02T10:00:00Z,2026-10-02T10:00:05Z,text-embedding-3-small,openai\n"
        "c,acompletion,0.03,3000,2000,1000,2026-10-03T10:00:00Z,2026-10-03T10:00:05Z,gpt-4o,openai\n"
    )
    assert report["totals"]["by_currency"]["USD"]["total"] == 0.05
    assert [line["code"] for line in lines] == ["at_list", "at_list", "above_list"]
    assert [part["amount"] for part in lines[0]["parts"]] == [0.005, 0.01]
    assert lines[2]["reason"] == "billed 100.0 % above the list price of 0.015 USD per line"


def test_openrouter_bills_for_itself_whoever_answered() -> None:
    activity = {
        "date": "2026-10-01",
        "model": "openai/gpt-4.1",
        "model_permaslug": "openai/gpt-4.1-2025-04-14",
        "provider_name": "OpenAI",
        "usage": 0.015,
        "requests": 5,
        "prompt_tokens": 5000,
        "completion_tokens": 625,
        "reasoning_tokens": 100,
    }
    (line,), _ = read(json.dumps({"data": [activity]}))
    assert (line["provider"], line["code"]) == ("openrouter", "at_list")


@pytest.mark.parametrize(
    ("cached", "codes"),
    [
        ("400", ["input", "cache_read", "output"]),  # part of the prompt, as OpenAI counts
        ("4000", ["input", "cache_read", "output"]),  # more than the prompt: beside it, as Anthropic counts
        ("", ["input", "output"]),
    ],
)
def test_cached_tokens_are_part_of_the_prompt_where_they_can_be(cached: str, codes: list[str]) -> None:
    (line,), _ = read(
        f"model,input_tokens,cached_tokens,output_tokens,total_cost\nclaude-haiku-4-5,1000,{cached},100,1\n"
    )
    prompt = {"400": 600, "4000": 1000, "": 1000}[cached]
    assert [part["direction"] for part in line["parts"]] == codes
    assert line["parts"][0]["quantity"] == prompt


def test_an_export_of_usage_without_money_is_priced_and_cards_by_the_second_too() -> None:
    lines, report = read(
        "email,start_time,end_time,usage_type,accelerator_type,accelerator_seconds,base_model_name,prompt_tokens,"
        "completion_tokens\n"
        "a@b.c,2026-10-01,2026-10-02,TEXT,,0,accounts/fireworks/models/kimi-k2p5,1000000,200000\n"
        "a@b.c,2026-10-01,2026-10-02,ON_DEMAND,NVIDIA_H100_80GB,7200,,0,0\n"
    )
    assert [line["provider"] for line in lines] == ["fireworks", "fireworks"]
    assert report["totals"]["estimated_usd"] == pytest.approx(0.6 + 0.6 + 2 * 4.0, abs=0.01)


def test_a_line_with_one_part_that_has_no_price_keeps_its_whole_amount() -> None:
    (line,), report = read("provider,model,input_tokens,output_tokens,cost\nOpenAI,gpt-99,1000,100,7.25\n")
    assert (line["code"], line["amount"]) == ("unknown_model", 7.25)
    assert report["totals"]["total"] == 7.25


def test_refunds_totals_and_empty_requests_are_what_they_are() -> None:
    lines, report = read(
        "model,provider,input_tokens,output_tokens,cost\ngpt-4o,OpenAI,1000000,0,2.50\ngpt-4o,OpenAI,0,0,-1\n"
        "gpt-4o,OpenAI,0,0,0\ngpt-4o,OpenAI,-5,0,1\nTotal,,1000000,0,2.50\n"
    )
    assert [line["code"] for line in lines] == ["at_list", "refund", "empty", "quantity", "total"]
    assert report["totals"]["total"] == 2.50


REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["gpt-4o", "gpt-5-mini", "claude-haiku-4-5", "gpt-99"]),
        st.integers(0, 10**7),
        st.integers(0, 10**6),
        st.decimals("-5", "500", places=6, allow_nan=False, allow_infinity=False),
    ),
    min_size=1,
    max_size=15,
)


@settings(max_examples=25)
@given(REQUESTS)
def test_sharing_an_amount_loses_nothing(requests: list[tuple[str, int, int, Decimal]]) -> None:
    rows = "".join(f"{model},{into},{out},{amount:f}\n" for model, into, out, amount in requests)
    lines, report = read("model,prompt_tokens,completion_tokens,cost\n" + rows)
    expected = sum((amount for *_, amount in requests), Decimal(0))
    held = report["totals"]["by_currency"]["USD"]
    assert Decimal(str(held["total"])) == expected.quantize(Decimal("0.01"))
    for line, (*_, amount) in zip(lines, requests, strict=True):
        parts = line.get("parts") or [line]
        assert sum(Decimal(str(part["amount"])) for part in parts) == pytest.approx(amount)
