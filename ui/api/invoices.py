"""`/v1/invoices`: a bill goes in, its account comes out. Nothing of it is kept."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from agent.context import Context
from tools.intent import known_task
from tools.invoice.bill import open_bill
from tools.invoice.money import parse_rate
from tools.invoice.page import html_page
from tools.invoice.report import reading_json
from tools.invoice.self_hosting import planned_self_host
from ui.answers import naming
from ui.output import SCHEMA_VERSION
from ui.rendering.invoice_files import read_bill

router = APIRouter(prefix="/v1/invoices", tags=["invoices"])
IN_MEMORY_BYTES = 4_000_000
CHUNK_CHARS = 64_000


@router.post("", response_model=None)
def account(
    request: Request,
    file: Annotated[UploadFile, File(description="The bill: CSV, TSV, JSON, Excel, Parquet, also gzip or zip.")],
    *,
    rate: Annotated[list[str], Form(description="What a currency is worth: EUR=1.08@2026-11-01.")] = [],  # noqa: B006  # FastAPI copies defaults
    provider: Annotated[str, Form(max_length=100, description="Provider of lines that name none.")] = "",
    task: Annotated[str, Form(description="What the models are for, to judge substitutes by.")] = "chatbot",
    lines: Annotated[bool, Form(description="Also every line with what it was matched to.")] = False,
    form: Annotated[
        str, Form(alias="format", pattern="^(json|html)$", description="json, or html for a report.")
    ] = "json",
) -> dict[str, Any] | Response:
    """Account for every line of a bill: matched, unmatched or rejected; totals to the cent; savings."""
    purpose = known_task(task)
    context: Context = request.app.state.context
    with naming("file"):
        bill = open_bill(
            file.file,
            file.filename or "upload",
            context.market,
            context.snapshot,
            rates=[parse_rate(text) for text in rate],
            default_provider=provider,
            task=purpose,
            self_host=planned_self_host(context.snapshot, context.market, purpose),
        )
    version = context.snapshot.version
    if lines and form == "json":
        text = SpooledTemporaryFile(IN_MEMORY_BYTES, "w+", encoding="utf-8")  # noqa: SIM115  # closed when it is sent
        read_bill(bill, version, json_to=text, report_file=None)
        text.seek(0)
        return StreamingResponse(_sent(text), media_type="application/json")
    report = read_bill(bill, version, json_to=None, report_file=None)
    if form == "html":
        return HTMLResponse(html_page(report, version))
    head = {"schema_version": SCHEMA_VERSION, "snapshot": version, "file": reading_json(bill.reading)}
    return head | report.to_json()


def _sent(text: IO[str]) -> Iterator[str]:
    with text:
        while chunk := text.read(CHUNK_CHARS):
            yield chunk
