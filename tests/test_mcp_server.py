"""`sextant mcp` as another agent sees it: the official client, over the pipes of a real process."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, TextContent

BILL = "date,provider,model,input_tokens,output_tokens,cost_usd\n2026-10-01,openai,gpt-4o-mini,1000000,100000,0.21\n"
SHORT = 30_000  # characters, a third of them tokens: what an agent reads of one answer
NAMES = {"plan", "compare", "predict", "catalog_search", "catalog_rank", "invoice"}


@asynccontextmanager
async def connected(home: Path) -> AsyncIterator[ClientSession]:
    started = StdioServerParameters(
        command=sys.executable,
        args=["-c", "from ui.cli import main; main()", "mcp"],
        env={**os.environ, "SEXTANT_HOME": str(home)},
    )
    with (home / "log").open("w") as log:
        async with stdio_client(started, errlog=log) as (reading, writing), ClientSession(reading, writing) as session:
            await session.initialize()
            yield session


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def test_every_tool_says_what_it_takes_and_answers(priced_home: Path) -> None:
    bill = priced_home / "bill.csv"
    bill.write_text(BILL)
    async with connected(priced_home) as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(tools) == NAMES
        for tool in tools.values():
            Draft202012Validator.check_schema(tool.inputSchema)
            assert tool.description
            assert tool.annotations is not None
            assert tool.annotations.readOnlyHint

        async def answer(name: str, **arguments: Any) -> dict[str, Any]:
            result = await session.call_tool(name, arguments)  # the client checks the answer against the output schema
            assert not result.isError, text(result)
            assert result.structuredContent is not None
            return result.structuredContent

        words = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
        plan = await answer("plan", text=words)
        assert plan["feasible"]
        assert plan["intent"]["total_users"] == 1000
        assert len(plan["lists"]["balanced"]) == 1
        assert {each["id"] for each in plan["options"]} == {each for ids in plan["lists"].values() for each in ids}
        assert plan["options_in_all"] > len(plan["options"])
        assert len(json.dumps(plan)) < SHORT
        again = await answer("plan", intent=plan["intent"], set={"total_users": 2000}, limit=1)
        assert again["intent"]["total_users"] == 2000
        both = await answer("compare", text=words, vs={"total_users": 2000}, limit=1)
        assert len(json.dumps(both)) < 3 * SHORT
        assert "intent.total_users" in {row["field"] for row in both["difference"]}
        speed = await answer("predict", model="meta-llama/Llama-3.1-8B-Instruct", gpu="H100", concurrency=16)
        assert speed["ttft_ms"]["p50"] <= speed["ttft_ms"]["p99"]
        found = await answer("catalog_search", text="llama groq", limit=2)
        assert len(found["offers"]) == 2 < found["total"]
        best = await answer("catalog_rank", usage=["input=300M tokens", "output=60M tokens"], limit=2, offset=1)
        assert [offer["rank"] for offer in best["offers"]] == [2, 3]
        by_path, by_text = await answer("invoice", path=str(bill)), await answer("invoice", content=BILL)
        assert by_path["totals"] == by_text["totals"]
    assert "Traceback" not in (priced_home / "log").read_text()


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("plan", {}, "give one of text and intent"),
    ("plan", {"text": "a chatbot", "limit": 0}, "limit: input should be greater than or equal to 1"),
    ("plan", {"text": "a chatbot", "surprise": 1}, "surprise: unknown argument"),
    ("plan", {"text": "a chatbot", "set": {"nope": 1}}, "unknown field: 'nope'"),
    ("plan", {"intent": {"total_users": -1}}, "total_users"),
    ("predict", {"model": "meta-llama/Llama-3.1-8B-Instruct", "gpu": "Z9000"}, "unknown accelerator"),
    ("predict", {"gpu": "H100"}, "model: field required"),
    ("catalog_rank", {"workload": "cooking"}, "cooking"),
    ("invoice", {"path": "/nowhere/bill.csv"}, "cannot read /nowhere/bill.csv: No such file"),
    ("invoice", {"path": "/"}, "cannot read /"),
    ("invoice", {"content": "no bill at all"}, "bill"),
    ("deploy", {}, "unknown tool: 'deploy'"),
]


async def test_a_fault_is_told_in_one_line_with_its_field_and_a_cure(priced_home: Path) -> None:
    async with connected(priced_home) as session:
        for name, arguments, words in FAULTS:
            result = await session.call_tool(name, arguments)
            assert result.isError, (name, arguments)
            assert words in text(result).splitlines()[0], (name, arguments, text(result))
            assert "pydantic" not in text(result)
            assert len(text(result).splitlines()) == 2, text(result)
    assert "Traceback" not in (priced_home / "log").read_text()


@pytest.mark.parametrize("page", ["docs/api.md"])
def test_the_documentation_names_every_tool(repository: Path, page: str) -> None:
    told = (repository / page).read_text()
    assert all(f"`{name}`" in told for name in NAMES)
