"""The tools that other agents get: typed questions, answers as HTTP gives them."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from pydantic import Field

from knowledge.errors import BadInput
from tools.intent import known_task
from tools.invoice.bill import open_bill
from tools.invoice.money import parse_rate
from tools.invoice.report import reading_json
from tools.invoice.self_hosting import planned_self_host
from ui.answers import compared, planned, predicted, ranked, searched, with_versions
from ui.mcp.desk import Desk
from ui.questions import Billed, Body, Compared, Configured, Planned, Ranked, Searched
from ui.rendering.invoice_files import read_bill

FEW = Field(default=3, ge=1, le=20, description="Options in each list.")
MOST_BYTES = 200_000_000


class PlannedBriefly(Planned):
    """A need to plan for, answered in the length that an agent reads."""

    limit: int = FEW


class ComparedBriefly(Compared):
    """A need and what is different, answered in the length that an agent reads."""

    limit: int = FEW


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what it says of itself, the form of its question, and what the answer certainly holds."""

    name: str
    title: str
    text: str
    question: type[Body]
    answer: Callable[[Any, Desk], dict[str, Any]]
    holds: tuple[str, ...]

    def output_schema(self) -> dict[str, Any]:
        """The form of the answer; beyond what it certainly holds it may say more."""
        fields = {"schema_version": {"type": "integer"}, "snapshot": {"type": "string"}}
        return {"type": "object", "required": [*fields, *self.holds],
                "properties": {**fields, **{name: {} for name in self.holds}}}  # fmt: skip


def accounted(asked: Billed, desk: Desk) -> dict[str, Any]:
    """Account for every line of a bill. Raises BadInput naming what cannot be used."""
    if bool(asked.path) == bool(asked.content):
        raise BadInput("give one of path and content", "the path of a bill on this machine", field="path")
    task, path = known_task(asked.task), Path(asked.path)
    try:
        if asked.path and path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path} is larger than {MOST_BYTES:,} bytes", "give it in parts", field="path")
        stream = path.open("rb") if asked.path else BytesIO(asked.content.encode())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"cannot read {asked.path[:200]}: {reason}", "check the path", field="path") from error
    with stream:
        bill = open_bill(
            stream,
            path.name if asked.path else "bill.csv",
            desk.market,
            desk.snapshot,
            rates=[parse_rate(text) for text in asked.rates],
            default_provider=asked.provider,
            task=task,
            self_host=planned_self_host(desk.snapshot, desk.market, task),
        )
        report = read_bill(bill, desk.snapshot.version, json_to=None, report_file=None)
        return with_versions(desk.snapshot.version, {"file": reading_json(bill.reading), **report.to_json()})


def _search(asked: Searched, desk: Desk) -> dict[str, Any]:
    with desk.catalog() as catalog:
        return searched(catalog, asked)


def _rank(asked: Ranked, desk: Desk) -> dict[str, Any]:
    with desk.catalog() as catalog:
        return ranked(catalog, asked)


TOOLS = (
    Tool("plan", "Plan LLM inference",
         "Find the model, hardware and provider options that meet a need said in words or as an intent: ranked, priced "
         "and explained, each latency with interval and evidence; or why nothing meets it and what would (`feasible` "
         "false). Deploys nothing.",
         PlannedBriefly, planned, ("feasible", "options", "lists", "rejected")),
    Tool("compare", "Compare two plans",
         "Plan a need as it is and with changes (`vs`), and list every field that differs.",
         ComparedBriefly, compared, ("before", "after", "difference")),
    Tool("predict", "Predict one configuration",
         "Predict TTFT, TPOT, end-to-end latency, throughput and memory of a model on an accelerator under a load, "
         "with an 80 % interval and whether it was measured, interpolated or modelled.",
         Configured, predicted, ("ttft_ms", "tpot_ms", "output_tok_s", "memory", "interval_80", "evidence")),
    Tool("catalog_search", "Find prices",
         "Find prices of model APIs and rented accelerators by words; each with unit, source, date and confidence.",
         Searched, _search, ("offers", "total", "next_offset")),
    Tool("catalog_rank", "Rank prices",
         "Rank offers of one workload like with like, optionally for a monthly usage; says what was left out and why.",
         Ranked, _rank, ("offers", "unit", "exclusions", "total", "next_offset")),
    Tool("invoice", "Account for a bill",
         "Account for every line of an AI bill, a file on this machine or its text: totals to the cent, what was "
         "matched, and savings. The file is only read.",
         Billed, accounted, ("file", "totals")),
)  # fmt: skip
