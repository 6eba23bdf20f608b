"""`/v1/extract`, `/v1/plan`, `/v1/compare`, `/v1/predict`: the deterministic tools, answering as the CLI does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request, Response

from agent.context import Context
from agent.planner import Facts
from agent.understanding import understand
from knowledge.errors import BadInput
from knowledge.snapshot import Snapshot
from tools.learning import Correction, Subject
from tools.market import Market
from tools.performance.experience import Experience
from tools.planner import Plan
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
    return _planning(request, planned, body)


@router.post("/plan/report", response_class=Response)
def report(body: Need, request: Request, form: ReportForm = "html") -> Response:
    """Plan, and answer with a report to pass on: one page that loads nothing, or Markdown."""
    context = _context(request)
    made = _planning(request, _plan, body)
    headers = {"Content-Disposition": f'attachment; filename="plan.{form}"'}
    return Response(plan_report(made, form, context.snapshot, context.market), media_type=FORMS[form], headers=headers)


@router.post("/compare")
def compare(body: Compared, request: Request) -> dict[str, Any]:
    """A plan and what it would be after changes: both plans and every field that differs."""
    return _planning(request, compared, body)


@router.post("/predict")
def predict(body: Configured, request: Request) -> dict[str, Any]:
    """TTFT, TPOT, throughput and memory of a configuration, with interval and evidence."""
    return predicted(body, _context(request))


Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Known:
    """What answers are made from, where plans are made."""

    facts: Facts
    corrections: Mapping[Subject, Correction]

    @property
    def snapshot(self) -> Snapshot:
        return self.facts.snapshot

    @property
    def market(self) -> Market:
        return self.facts.market

    def own(self) -> Experience:
        return Experience(self.corrections, self.facts.measured)


def _planning(request: Request, answer: Callable[[Asked, _Known], Answer], asked: Asked) -> Answer:
    """An answer that takes planning, made where plans are made."""
    context = _context(request)
    return context.planner(_answered, context.facts, answer, asked, context.own().corrections)


def _answered(
    facts: Facts, answer: Callable[[Asked, _Known], Answer], asked: Asked, corrections: Mapping[Subject, Correction]
) -> Answer:
    return answer(asked, _Known(facts, corrections))


def _plan(asked: Need, known: _Known) -> Plan:
    return wanted(asked, known).planned(known, limit=asked.limit, own=known.own())


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context
