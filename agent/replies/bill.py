"""An attached bill: every line accounted for, findings with their saving, and the report to take along."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.context import Context
from agent.events import Event, Progress, Said
from agent.papers import paper_json
from agent.state import Json, State
from knowledge.errors import BadInput
from templates.answers import answer
from tools.invoice.bill import USUAL_TASK, Bill, open_bill
from tools.invoice.page import html_page
from tools.invoice.report import Report, reading_json
from tools.invoice.self_hosting import planned_self_host

SHOWN = 5
MOST_FINDINGS = 50
MOST_OPEN_LINES = 50
LINES_PER_STEP = 20_000


def analyse_invoice(command: Json, state: State, context: Context) -> Iterator[Event]:  # noqa: ARG001  # replies share this
    """Totals, findings and anomalies of each attached file."""
    files = state["action"]["values"].get("attachments") or []
    if not files:
        yield Said(answer("attach_bill"))
    for file in files:
        yield from _analysed(Path(file), state, context)


def _analysed(file: Path, state: State, context: Context) -> Iterator[Event]:
    open_lines: list[Json] = []
    offers = planned_self_host(context.snapshot, context.market, USUAL_TASK)
    try:
        with file.open("rb") as stream:
            bill = open_bill(stream, file.name, context.market, context.snapshot, self_host=offers)
            yield from _read(bill, stream.tell, file.stat().st_size, open_lines)
            yield Progress("bill", 0.9, "looking for savings")
            report = bill.report()
    except OSError as error:
        raise BadInput(f"cannot read {file.name}: {error.strerror}", "attach the file again") from error
    told = report.to_json()
    lines = told["totals"]["lines"]["all"]
    words = answer("bill", name=file.name, lines=lines, report=told, shown=SHOWN)
    head = {"snapshot": context.snapshot.version, "file": reading_json(bill.reading)}
    papers = _papers(file.name, report, head | told, state, context)
    facts = {
        "name": file.name,
        **head,
        **told,
        "savings": told["savings"][:MOST_FINDINGS],
        "more": max(0, len(told["savings"]) - MOST_FINDINGS),
        "open_lines": open_lines,
        "papers": papers,
    }
    yield Said(words, "bill", facts)


def _read(bill: Bill, position: Callable[[], int], size: int, open_lines: list[Json]) -> Iterator[Event]:
    """Read to the end, telling how far it is; what could not be matched is noted, up to a bound."""
    for count, line in enumerate(bill.lines(), 1):
        if line.status != "matched" and len(open_lines) < MOST_OPEN_LINES:
            open_lines.append({"line": line.number, "day": line.day, "status": line.status, "reason": line.reason})
        if count % LINES_PER_STEP == 0:
            yield Progress("bill", 0.9 * min(1.0, position() / max(size, 1)), f"{count:,} lines read")


def _papers(name: str, report: Report, facts: Json, state: State, context: Context) -> list[Json]:
    """The report as a page and as JSON, kept for its owner; the bill itself is not."""
    stem = Path(name).stem[:60] or "bill"
    texts = (
        (f"{stem}-report.html", "text/html", html_page(report, context.snapshot.version)),
        (f"{stem}-report.json", "application/json", json.dumps(facts, ensure_ascii=False, indent=2)),
    )
    kept = context.records.papers
    return [
        paper_json(kept.put(owner=state["owner"], thread=state["thread"], name=file, media_type=media, text=text))
        for file, media, text in texts
    ]
