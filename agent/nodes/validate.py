"""Running deployment → verdict: load it as planned, measure, compare with targets and prediction, keep the outcome."""

import asyncio
import json

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.context import Context
from agent.events import Failed, Progress, Report, Said
from agent.papers import paper_json
from agent.state import Json, State, chosen_option
from knowledge.errors import SextantError
from templates.answers import answer
from tools.deploy.verification import verify
from tools.loadtest import LoadProgress, LoadReport
from tools.loadtest.page import page


async def validate(state: State, runtime: Runtime[Context]) -> State:
    """Test what runs and report; whatever the verdict, the conversation goes on at the card."""
    write, context = get_stream_writer(), runtime.context
    deployment = state.get("deployment")
    if not deployment:
        return {"route": ""}

    if context.stopped():
        write(Said(answer("not_tested", deployment_id=deployment["id"])))
        return {"route": "", "revision": state["revision"] + 1}
    stop = asyncio.Event()

    def progress(event: LoadProgress) -> None:
        if context.stopped():
            stop.set()
        p90 = "" if event.ttft_p90_ms is None else f", TTFT p90 {event.ttft_p90_ms:,.0f} ms"
        note = f"{event.completed:,} answered, {event.failed} failed{p90}"
        write(Progress("load test", event.fraction, note, figures=_figures(event) | {"bounds": bounds}))

    try:
        record = context.records.deployments.get(deployment["id"])
        bounds = {f"{each['metric']}_p{each['percentile']}_ms": each["bound_ms"] for each in record.spec["objectives"]}
        report = await verify(
            record, context.records, who=state["owner"], duration_s=context.validation_seconds, on_progress=progress,
            stop=stop,
        )  # fmt: skip
    except SextantError as error:
        write(Failed(error.message, error.cure))
        return {"route": "failed", "revision": state["revision"] + 1}
    body = report.to_json()
    known = {"deployment_id": record.deployment_id, "monthly_cost_usd": record.monthly_cost_usd}
    write(Report(body | known | {"sources": _sources(state, body), "papers": _papers(report, state, context)}))
    shown = {name: body[name] for name in ("verdict", "reason", "slos", "predicted", "time_factor", "requests")}
    return {"report": shown, "route": "", "revision": state["revision"] + 1}


def _figures(event: LoadProgress) -> Json:
    """What the test measured so far."""
    names = ("elapsed_s", "sent", "completed", "failed", "in_flight", "ttft_p50_ms", "ttft_p90_ms", "tpot_p50_ms",
             "tpot_p90_ms")  # fmt: skip
    return {name: getattr(event, name) for name in names}


def _papers(report: LoadReport, state: State, context: Context) -> list[Json]:
    """The report to take along, as a page and as JSON, for its owner."""
    name = f"load-test-{report.started_at[:10]}"
    texts = ((f"{name}.html", "text/html", page(report)),
             (f"{name}.json", "application/json", json.dumps(report.to_json(), indent=2)))  # fmt: skip
    return [
        paper_json(context.records.papers.put(
            owner=state["owner"], thread=state["thread"], name=file, media_type=media, text=text))
        for file, media, text in texts
    ]  # fmt: skip


def _sources(state: State, report: Json) -> dict[str, str]:
    """Where the figures of the report are from."""
    plan, option = state.get("plan") or {}, chosen_option(state) or {}
    predicted, price = option.get("predicted") or {}, option.get("price_source") or {}
    factor = report["time_factor"]
    faster = "" if factor == 1 else f", a simulation {factor:g} times faster than real, given as real time"
    return {
        "measured": f"open-loop load test of {report['started_at']}, seed {report['seed']}{faster}",
        "predicted": f"{(predicted.get('evidence') or {}).get('kind', 'unknown')}, facts {plan.get('snapshot')}",
        "cost": f"price of {price.get('date')} ({price.get('confidence')}), {price.get('url')}",
    }
