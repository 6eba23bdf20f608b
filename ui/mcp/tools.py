"""The tools that other agents get: typed questions, answers as HTTP gives them."""

from collections.abc import Callable, Mapping
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
from ui.mcp.brief import brief
from ui.mcp.desk import Desk
from ui.questions import Billed, Body, Compared, Configured, Planned, Ranked, Searched
from ui.rendering.invoice_files import read_bill

FEW = Field(default=1, ge=1, le=20, description="Options in each of the four lists.")
MOST_BYTES = 200_000_000


VERSIONS = {"schema_version": "Version of this form.", "snapshot": "Version of the facts and prices behind it."}
OFFERS = {
    "offers": "Prices in USD per their unit, with `normalized_price_usd`, source, `source_date` and `confidence`; "
    "`marks` such as stale or reseller say what to doubt.",
    "total": "Offers in all.",
    "next_offset": "`offset` of the next page; null on the last.",
}


class PlannedBriefly(Planned):
    """A need to plan for, answered in the length that an agent reads."""

    limit: int = FEW


class ComparedBriefly(Compared):
    """A need and what is different, answered in the length that an agent reads."""

    limit: int = FEW


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what it says of itself, the form of its question, and what the answer certainly holds, with its units."""

    name: str
    title: str
    text: str
    question: type[Body]
    answer: Callable[[Any, Desk], dict[str, Any]]
    holds: Mapping[str, str]

    def output_schema(self) -> dict[str, Any]:
        """The form of the answer; beyond what it certainly holds it may say more."""
        fields = {name: {"description": text} for name, text in {**VERSIONS, **self.holds}.items()}
        return {"type": "object", "required": list(fields), "properties": fields}


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
        told = read_bill(bill, desk.snapshot.version, json_to=None, report_file=None).to_json()
    for name in ("savings", "anomalies"):
        told |= {name: told[name][: asked.limit], f"{name}_in_all": len(told[name])}
    return with_versions(desk.snapshot.version, {"file": reading_json(bill.reading), **told})


def _planned(asked: PlannedBriefly, desk: Desk) -> dict[str, Any]:
    return brief(planned(asked, desk), asked.limit)


def _compared(asked: ComparedBriefly, desk: Desk) -> dict[str, Any]:
    answer = compared(asked, desk)
    return answer | {side: brief(answer[side], asked.limit) for side in ("before", "after")}


def _search(asked: Searched, desk: Desk) -> dict[str, Any]:
    with desk.catalog() as catalog:
        return searched(catalog, asked)


def _rank(asked: Ranked, desk: Desk) -> dict[str, Any]:
    with desk.catalog() as catalog:
        return ranked(catalog, asked)


TOOLS = (
    Tool("plan", "Plan LLM inference",
         "Find the model, hardware and provider options that meet a need said in words or as an intent: ranked, priced "
         "and explained, or why nothing meets it and what would. What nobody said is assumed from templates; tell the "
         "person. Deploys nothing.",
         PlannedBriefly, _planned,
         {"feasible": "Whether anything meets the need.",
          "intent": "What was understood; `unresolved` are words that were not, to ask about.",
          "traffic": "The load that was planned for; `provenance` says what was assumed.",
          "slo": "Targets in ms and percent, each with where it is from.",
          "lists": "Ids of the best options by balance, cost, latency and quality.",
          "options": "Those options: `cost.monthly_usd`, `predicted` times in ms (p50, p90, p99; null for APIs that "
          "publish none) with 80 % interval and evidence, `slo_met`, `why`, and the price's source and date.",
          "rejected": "How many each rule left out; its nearest miss and the smallest change that would admit it."}),
    Tool("compare", "Compare two plans",
         "Plan a need as it is and with changes (`vs`), and list every field that differs. Plans are as of `plan`.",
         ComparedBriefly, _compared,
         {"before": "The plan of the need.", "after": "The plan with the changes.",
          "difference": "Fields that differ, units at the end of their names, with the difference and percent."}),
    Tool("predict", "Predict one configuration",
         "Predict TTFT, TPOT, end-to-end latency, throughput and memory of a model on an accelerator under a load. "
         "Names are matched to known ones: `configuration` says which.",
         Configured, predicted,
         {"fits": "Whether it starts. Where false, say so first: the times are as if it did.",
          "summary": "What was asked; where it does not fit, that first.",
          "infeasible": "Null where it fits; else the rule, GiB per card short, and `nearest` that fits.",
          "configuration": "What was predicted.",
          "ttft_ms": "Time to first token, ms: mean, p50, p90, p99.",
          "tpot_ms": "Time per output token, ms: mean, p50, p90, p99.",
          "e2e_ms": "The whole answer, ms: mean, p50, p90, p99.",
          "output_tok_s": "Output tokens per second of all replicas together.",
          "memory": "GiB per card.",
          "interval_80": "80 % intervals.", "evidence": "measured, interpolated or modelled, and from what."}),
    Tool("catalog_search", "Find prices",
         "Find prices of model APIs and rented accelerators by words of seller, model or SKU.",
         Searched, _search, OFFERS),
    Tool("catalog_rank", "Rank prices",
         "Rank offers of one workload like with like, cheapest first; with `usage` by what that costs in a month.",
         Ranked, _rank,
         {**OFFERS, "unit": "What the prices are per.", "exclusions": "What was left out, and why."}),
    Tool("invoice", "Account for a bill",
         "Account for every line of an AI bill, a file on this machine or its text. The file is only read.",
         Billed, accounted,
         {"file": "How the bill was read.", "totals": "Sums to the cent, in `currency`; `lines` counts matched, "
          "unmatched and rejected ones.",
          "savings": "Findings, the largest first: what would cost less, by how much in USD, and on which condition.",
          "anomalies": "What is unusual."}),
)  # fmt: skip
