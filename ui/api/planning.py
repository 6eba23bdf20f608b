"""`/v1/extract`, `/v1/plan`, `/v1/compare`, `/v1/predict`: the deterministic tools, answering as the CLI does."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from agent.context import Context
from agent.understanding import understand
from knowledge.errors import BadInput, NotFound
from knowledge.names import resolve_accelerator, resolve_model
from tools.editing import edit
from tools.intent import Intent, Provenance
from tools.performance.inquiry import Inquiry, answer
from tools.planner import plan as planned
from tools.planner.comparison import difference
from tools.planner.inquiry import inquire
from ui.api.body import Body, Text
from ui.commands import extract as extraction
from ui.output import SCHEMA_VERSION

router = APIRouter(prefix="/v1", tags=["planning"])
MAX_TEXT_CHARS = 50_000
WORDS = "a support chatbot for 1,000 users, fast, under $5k a month"


class Message(Body):
    """Words to understand."""

    text: Text = Field(max_length=MAX_TEXT_CHARS, examples=[WORDS])


class Need(Body):
    """What is needed: words, or an intent as `/v1/extract` gives it; `set` changes fields by dotted path."""

    text: Text | None = Field(default=None, max_length=MAX_TEXT_CHARS, examples=[WORDS])
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
    context = _context(request)
    return _with_versions(context, extraction.answer(understand(body.text, context.snapshot)))


@router.post("/plan")
def plan(body: Planned, request: Request) -> dict[str, Any]:
    """The options that meet the targets, ranked, priced and explained, and why the others do not.

    A need that nothing meets is an answer too: `feasible` is false and `rejected` says why.
    """
    context = _context(request)
    intent, said = _intent(body, context)
    made = planned(intent, context.snapshot, context.market, said=said, limit=body.limit, experience=context.own())
    result = made.to_json()
    if body.why is not None:
        result["candidate"] = inquire(intent, body.why, context.snapshot, context.market, context.own()).to_json()
    return _with_versions(context, result)


@router.post("/compare")
def compare(body: Compared, request: Request) -> dict[str, Any]:
    """A plan and what it would be after changes: both plans and every field that differs."""
    context = _context(request)
    intent, said = _intent(body, context)
    other = edit(intent, body.vs)
    own = context.own()
    before, after = (
        planned(each, context.snapshot, context.market, said=said, limit=body.limit, experience=own)
        for each in (intent, other)
    )
    result = {"before": before.to_json(), "after": after.to_json(), "difference": difference(before, after)}
    return _with_versions(context, result)


@router.post("/predict")
def predict(body: Configured, request: Request) -> dict[str, Any]:
    """TTFT, TPOT, throughput and memory of a configuration, with interval and evidence."""
    context = _context(request)
    _known(body, context)
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
    return _with_versions(context, answer(asked, context.snapshot, context.own()))


def _known(body: Configured, context: Context) -> None:
    """Refuse unknown names by the field that they stand in."""
    for field, text, find in (("model", body.model, resolve_model), ("gpu", body.gpu, resolve_accelerator)):
        try:
            find(text, context.snapshot)
        except NotFound as error:
            error.field = field
            raise


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def _with_versions(context: Context, result: Mapping[str, Any]) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, "snapshot": context.snapshot.version, **result}


def _intent(need: Need, context: Context) -> tuple[Intent, dict[str, Provenance]]:
    """The intent of a body with its provenance. Raises BadInput and NotFound that name the field."""
    if (need.text is None) == (need.intent is None):
        raise BadInput("give one of text and intent", f'for example {{"text": "{WORDS}"}}', field="text")
    said: dict[str, Provenance] = {}
    if need.text is not None:
        if not need.text.strip():
            raise BadInput("text: the message is empty", "say what you need", field="text")
        understood = understand(need.text, context.snapshot)
        intent, said = understood.intent, dict(understood.provenance)
    else:
        fields = {path: value for path, value in (need.intent or {}).items() if path != "unresolved"}
        intent = edit(Intent(), fields)  # what was not understood plays no part in a plan
    if not need.set:
        return intent, said
    entries = {path: Provenance(source="edited", text=f"{path}={value}") for path, value in need.set.items()}
    return edit(intent, need.set), {**said, **entries}
