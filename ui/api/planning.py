"""`/v1/extract`, `/v1/plan`, `/v1/compare`, `/v1/predict`: the deterministic tools, answering as the CLI does."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from agent.context import Context
from agent.understanding import understand
from knowledge.errors import BadInput
from ui.answers import compared, planned, predicted, wanted, with_versions
from ui.commands import extract as extraction
from ui.questions import Compared, Configured, Message, Need, Planned
from ui.rendering.plan_report import FORMS, Form, plan_report

router = APIRouter(prefix="/v1", tags=["planning"])
ReportForm = Annotated[Form, Query(description="One page that loads nothing, or Markdown.")]


@router.post("/extract")
def extract(body: Message, request: Request) -> dict[str, Any]:
    """Understand a message without planning: the intent, where each field was said, and what is unclear."""
    if not body.text.strip():
        raise BadInput("text: the message is empty", "say what you need", field="text")
    snapshot = _context(request).snapshot
    return with_versions(snapshot.version, extraction.answer(understand(body.text, snapshot)))


@router.post("/plan")
def plan(body: Planned, request: Request) -> dict[str, Any]:
    """The options that meet the targets, ranked, priced and explained, and why the others do not.

    A need that nothing meets is an answer too: `feasible` is false and `rejected` says why.
    """
    return planned(body, _context(request))


@router.post("/plan/report", response_class=Response)
def report(body: Need, request: Request, form: ReportForm = "html") -> Response:
    """Plan, and answer with a report to pass on: one page that loads nothing, or Markdown."""
    context = _context(request)
    made = wanted(body, context).planned(context, limit=body.limit, own=context.own())
    headers = {"Content-Disposition": f'attachment; filename="plan.{form}"'}
    return Response(plan_report(made, form, context.snapshot, context.market), media_type=FORMS[form], headers=headers)


@router.post("/compare")
def compare(body: Compared, request: Request) -> dict[str, Any]:
    """A plan and what it would be after changes: both plans and every field that differs."""
    return compared(body, _context(request))


@router.post("/predict")
def predict(body: Configured, request: Request) -> dict[str, Any]:
    """TTFT, TPOT, throughput and memory of a configuration, with interval and evidence."""
    return predicted(body, _context(request))


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context
