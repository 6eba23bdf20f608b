"""`/v1/sessions`: conversations over HTTP, as JSON or as server-sent events."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import Field

from agent.events import Event, Failed, to_json
from agent.sessions import ACTS, Sessions
from knowledge.errors import NotAllowed, SextantError
from ui.answers import paging
from ui.api.identity import Asking, Principal
from ui.api.measures import Measures
from ui.api.pages import Limit, Offset, page
from ui.questions import EXAMPLE, Body, Text

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])
EVENT_STREAM = "text/event-stream"
KINDS = ("say", *ACTS)
Whose = Annotated[str, Query(max_length=200, description="Whose; an admin may name anybody.")]
SessionId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:~-]{1,100}$", examples=["api-2f1c09a7be44"],
                                 description="Its name: one that was given, or any of your own.")]  # fmt: skip


class Say(Body):
    """A message."""

    text: Text = Field(examples=[EXAMPLE], description="What is needed, asked or wanted, in words.")


class Act(Body):
    """A click on the card of `revision`."""

    kind: Text = Field(examples=["edit"], description="What is clicked.", json_schema_extra={"enum": list(ACTS)})
    revision: int = Field(examples=[1], description="Of the card as it was last seen; another one is refused.")
    values: dict[str, Any] = Field(
        default_factory=dict,
        examples=[{"total_users": 2000}],
        description='Of an edit: fields of the intent by dotted path. Of a choice: {"option": id}. Of an approval: '
        '{"target": name}, or nothing for the usual one.',
    )


class Rated(Body):
    """An opinion of the recommendation: 1 (useless) to 5 (just right)."""

    stars: int = Field(ge=1, le=5, examples=[4], description="1 (useless) to 5 (just right).")
    comment: Text = Field(
        default="", max_length=1000, examples=["right model, more replicas than needed"], description="In words."
    )


def door(request: Request) -> Sessions:
    """The session door of the application."""
    sessions: Sessions = request.app.state.sessions
    return sessions


async def reader(session_id: SessionId, request: Request, who: Asking) -> str:
    """Whose conversation is looked at: one's own, or for an admin whoever it belongs to."""
    if not who.admin:
        return who.owner
    return await asyncio.to_thread(door(request).context.records.conversations.owner_of, session_id) or who.owner


Reader = Annotated[str, Depends(reader)]


def whose(owner: str, who: Principal) -> str | None:
    """Whose things a list holds, None for everybody's. Raises NotAllowed when only an admin may see them."""
    if owner not in ("", who.owner) and not who.admin:
        raise NotAllowed("only an admin sees what others have", "leave owner out")
    return owner or (None if who.admin else who.owner)


@router.post("", status_code=201)
async def begin_session() -> dict[str, str]:
    """A name for a new conversation; saying something in it begins it."""
    return {"id": f"api-{uuid.uuid4().hex[:12]}"}


@router.get("")
def list_sessions(
    request: Request,
    who: Asking,
    owner: Whose = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Conversations with how far each got, the newest change first; an admin sees everybody's."""
    records = door(request).context.records
    rows, total = records.conversations.page(owner=whose(owner, who), limit=limit, offset=offset)
    return {"sessions": [row.to_json() for row in rows], **paging(total, limit, offset)}


@router.post("/{session_id}/say", response_model=None)
async def say(session_id: SessionId, body: Say, request: Request, who: Asking) -> JSONResponse | StreamingResponse:
    """Say something; begins the conversation when it is new. `Accept: text/event-stream` streams the events.

    Words that deploy, load-test or roll back need the scope `deploy`.
    """
    events = door(request).say(session_id, who.owner, body.text, may_deploy=who.may_deploy)
    return await _answered(request, session_id, who.owner, "say", events)


@router.post("/{session_id}/act", response_model=None)
async def act(session_id: SessionId, body: Act, request: Request, who: Asking) -> JSONResponse | StreamingResponse:
    """Edit, choose, approve, cancel, roll back, undo or redo; approval and rollback need the scope `deploy`."""
    events = door(request).act(session_id, who.owner, body.kind, body.revision, body.values, may_deploy=who.may_deploy)
    return await _answered(request, session_id, who.owner, body.kind, events)


@router.post("/{session_id}/rating", status_code=204)
async def rate_outcome(session_id: SessionId, body: Rated, request: Request, who: Asking) -> None:
    """Say what you think of the recommendation, once its deployment was tested; it is kept with the outcome."""
    await door(request).rate(session_id, who.owner, body.stars, body.comment)


@router.get("/{session_id}")
async def show_session(session_id: SessionId, request: Request, owner: Reader) -> dict[str, Any]:
    """The conversation as it stands."""
    view = await door(request).view(session_id, owner)
    return {
        "intent": view.intent,
        "plan": view.plan,
        "chosen_option": view.chosen_option,
        "revision": view.revision,
        "awaiting": view.awaiting,
        "deployments": [view.deployment] if view.deployment else [],
    }


@router.get("/{session_id}/history")
async def session_history(
    session_id: SessionId, request: Request, owner: Reader, limit: Limit = 100, offset: Offset = 0
) -> dict[str, Any]:
    """What was said and done, and when, oldest first; `dropped` counts what is too old to be kept."""
    state = await door(request).state(session_id, owner)
    inputs, where = page(state.get("inputs") or [], limit, offset)
    return {"inputs": inputs, "dropped": state.get("inputs_dropped", 0), **where}


async def _answered(
    request: Request, session_id: str, owner: str, kind: str, events: AsyncIterator[Event]
) -> JSONResponse | StreamingResponse:
    measures: Measures = request.app.state.measures
    watched = measures.watched("http", kind if kind in KINDS else "unknown", events)
    if EVENT_STREAM in request.headers.get("accept", ""):
        first = await anext(watched, None)  # what is refused before anything happens keeps its own status
        return StreamingResponse(streamed(first, watched), media_type=EVENT_STREAM)
    told = [to_json(event) async for event in watched]
    revision, awaiting = await door(request).position(session_id, owner)
    return JSONResponse({"events": told, "revision": revision, "awaiting": awaiting})


async def streamed(first: Event | None, rest: AsyncIterator[Event]) -> AsyncIterator[str]:
    """Events as server-sent events; `first` was taken from them to see whether there are any."""
    number = 0
    if first is not None:
        yield framed(to_json(first), number := 1)
    try:
        async for event in rest:
            yield framed(to_json(event), number := number + 1)
    except SextantError as error:  # the response has begun: the failure is an event too
        yield framed(to_json(Failed(error.message, error.cure)), number + 1)


def framed(told: dict[str, Any], number: int) -> str:
    """The `number`-th event of a stream, as its client reads it."""
    return f"id: {number}\nevent: {told['type']}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n"
