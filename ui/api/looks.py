"""`/v1/sessions/{id}/…`: closer looks at a conversation's plan, and stopping what takes long."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import Field

from agent.events import Failed, Progress, to_json
from agent.looks import Looks
from knowledge.errors import SextantError
from ui.api.identity import Asking
from ui.api.planning import ReportForm
from ui.api.sessions import EVENT_STREAM, Reader, SessionId, framed
from ui.questions import Body
from ui.rendering.plan_report import FORMS, plan_report

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

OptionId = Annotated[str, Query(max_length=40, description="An option of the plan; empty: the chosen one.")]


class Tried(Body):
    """Values to try in place of those on the card of `revision`."""

    revision: int = Field(examples=[1], description="Of the card as it was last seen; another one is refused.")
    values: dict[str, Any] = Field(
        examples=[{"total_users": 2000}], description="Fields of the intent to change, by dotted path."
    )


@router.post("/{session_id}/what-if")
async def what_if(session_id: SessionId, body: Tried, request: Request, who: Asking) -> dict[str, Any]:
    """The options with other values; nothing changes, and the card stays as it is."""
    found = await _looks(request).what_if(session_id, who.owner, body.revision, body.values)
    return asdict(found)


@router.get("/{session_id}/refinement", response_model=None)
async def refinement(session_id: SessionId, request: Request, owner: Reader) -> dict[str, Any] | StreamingResponse:
    """The picks and the chosen option as simulated at the peak, beside the screened figures of the plan.

    `Accept: text/event-stream` tells each as soon as it is there.
    """
    looks = _looks(request)
    ids = await looks.finalists(session_id, owner)
    if EVENT_STREAM in request.headers.get("accept", ""):
        return StreamingResponse(_refining(looks, session_id, owner, ids), media_type=EVENT_STREAM)
    found = {each: await looks.refined(session_id, owner, each) for each in ids}
    return {"refined": {name: each.to_json() for name, each in found.items() if each is not None}}


@router.get("/{session_id}/courses")
async def courses(session_id: SessionId, request: Request, owner: Reader, option: OptionId = "") -> dict[str, Any]:
    """What an option does over load, over the years, over the day, and how long simulated requests wait.

    `load`, `day` and `waits` are null where they do not apply.
    """
    looks = _looks(request)
    shown = await looks.shown(session_id, owner)
    name = option or (shown.chosen.id if shown.chosen else "")
    load, cost = await looks.load(session_id, owner, name), await looks.cost(session_id, owner, name)
    day, waits = await looks.day(session_id, owner, name), await looks.waits(session_id, owner, name)
    parts = {"load": load, "cost": cost, "day": day, "waits": waits}
    return {"option": name, **{key: None if part is None else asdict(part) for key, part in parts.items()}}


@router.get("/{session_id}/report", response_class=Response)
async def session_report(session_id: SessionId, request: Request, owner: Reader, form: ReportForm = "html") -> Response:
    """The plan on the card as one page that loads nothing, or as Markdown."""
    looks = _looks(request)
    shown, context = await looks.shown(session_id, owner), looks.context
    text = await asyncio.to_thread(plan_report, shown.plan, form, context.snapshot, context.market, shown.chosen)
    headers = {"Content-Disposition": f'attachment; filename="plan.{form}"'}
    return Response(text, media_type=FORMS[form], headers=headers)


@router.post("/{session_id}/stop")
async def stop(session_id: SessionId, request: Request, who: Asking) -> dict[str, bool]:
    """Ask the turn that runs to end: a deployment under way is undone, a load test reports what it has."""
    return {"stopping": await request.app.state.sessions.stop(session_id, who.owner)}


async def _refining(looks: Looks, session_id: str, owner: str, ids: tuple[str, ...]) -> AsyncIterator[str]:
    number = 0
    try:
        for done, name in enumerate(ids):
            told = to_json(Progress("simulate", done / len(ids), f"{done} of {len(ids)}"))
            yield framed(told, number := number + 1)
            found = await looks.refined(session_id, owner, name)
            if found is not None:
                yield framed({"type": "refined", "option": name, **found.to_json()}, number := number + 1)
    except SextantError as error:  # the response has begun: the failure is an event too
        yield framed(to_json(Failed(error.message, error.cure)), number + 1)


def _looks(request: Request) -> Looks:
    looks: Looks = request.app.state.looks
    return looks
