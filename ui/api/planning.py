"""`/v1/extract`, `/v1/plan`, `/v1/compare`, `/v1/predict`: the deterministic tools, answering as the CLI does."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from agent.context import Context
from agent.understanding import understand
from knowledge.errors import BadInput
from tools.editing import edit
from tools.performance.inquiry import Inquiry
from tools.planner.comparison import difference
from tools.planner.inquiry import inquire
from ui.answers import EXAMPLE, MAX_TEXT_CHARS, Wanted, predicted, wanted, with_versions
from ui.api.body import Body, Text
from ui.commands import extract as extraction

router = APIRouter(prefix="/v1", tags=["planning"])


class Message(Body):
    """Words to understand."""

    text: Text = Field(max_length=MAX_TEXT_CHARS, examples=[EXAMPLE])


class Need(Body):
    """What is needed: words, or an intent as `/v1/extract` gives it; `set` changes fields by dotted path."""

    text: Text | None = Field(default=None, max_length=MAX_TEXT_CHARS, examples=[EXAMPLE])
    intent: dict[str, Any] | None = Field(default=None, examples=[None])
    set: dict[str, Any] = Field(default_factory=dict, examples=[{"budget.max_monthly_cost_usd": 3000}])
    limit: int = Field(default=10, ge=1, le=100, description="Options in each list.")


class Planned(Need):
    """A need to plan for."""

    why: Text | None = Field(
        default=None, examples=["meta-llama/Llama-3.3-70B-Instruct@H100"], description="A candidate to explain."
    )


class Compared(Need):
    """A need, and what is different on the other side."""

    vs: dict[str, Any] = Field(min_length=1, examples=[{"total_users": 2000}])


class Configured(Body):
    """One configuration and its load; with neither concurrency nor rps: the offline maximum."""

    model: Text = Field(examples=["meta-llama/Llama-3.1-8B-Instruct"])
    gpu: Text = Field(examples=["H100"])
    tp: int = 1
    pp: int = 1
    dp: int = 1
    ep: int = 1
    quantization: Text = ""
    kv_dtype: Text = "auto"
    engine: Text = "vllm"
    replicas: int = 1
    isl: float = 1024
    osl: float = 256
    concurrency: float | None = Field(default=None, examples=[16])
    rps: float | None = Field(default=None, examples=[None])


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
    context = _context(request)
    need, own = need_of(body, context), context.own()
    result = need.planned(context, limit=body.limit, own=own).to_json()
    if body.why is not None:
        result["candidate"] = inquire(need.intent, body.why, context.snapshot, context.market, own).to_json()
    return with_versions(context.snapshot.version, result)


@router.post("/compare")
def compare(body: Compared, request: Request) -> dict[str, Any]:
    """A plan and what it would be after changes: both plans and every field that differs."""
    context = _context(request)
    need, own = need_of(body, context), context.own()
    other = Wanted(edit(need.intent, body.vs), need.said)
    before, after = (each.planned(context, limit=body.limit, own=own) for each in (need, other))
    result = {"before": before.to_json(), "after": after.to_json(), "difference": difference(before, after)}
    return with_versions(context.snapshot.version, result)


@router.post("/predict")
def predict(body: Configured, request: Request) -> dict[str, Any]:
    """TTFT, TPOT, throughput and memory of a configuration, with interval and evidence."""
    asked = Inquiry(
        model=body.model,
        gpu=body.gpu,
        tensor_parallel=body.tp,
        pipeline_parallel=body.pp,
        data_parallel=body.dp,
        expert_parallel=body.ep,
        quantization=body.quantization,
        kv_dtype=body.kv_dtype,
        engine=body.engine,
        replicas=body.replicas,
        isl=body.isl,
        osl=body.osl,
        concurrency=body.concurrency,
        request_rate_rps=body.rps,
    )
    return predicted(asked, _context(request))


def need_of(body: Need, context: Context) -> Wanted:
    """The need of a body. Raises BadInput and NotFound that name the field."""
    return wanted(context, text=body.text, intent=body.intent, changes=body.set)


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context
