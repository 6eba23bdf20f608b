"""`/v1/sessions`: conversations over HTTP, as JSON or as server-sent events."""

import json
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from agent.events import Event, Failed, to_json
from agent.sessions import ACTS, Sessions
from knowledge.errors import SextantError
from ui.api.body import Body, Text
from ui.api.identity import Owner
from ui.api.measures import Measures

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])
EVENT_STREAM = "text/event-stream"
KINDS = ("say", *ACTS)
SessionId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:~-]{1,100}$", examples=["api-2f1c09a7be44"])]


class Say(Body):
    """A message."""

    text: Text = Field(examples=["a support chatbot for 1,000 users, fast, under $5k a month"])


class Act(Body):
    """A click on the card of `revision`."""

    kind: Text = Field(examples=["edit"], description="edit, choose, approve, cancel, rollback, undo or redo")
    revision: int = Field(examples=[1])
    values: dict[str, Any] = Field(default_factory=dict, examples=[{"total_users": 2000}])


def door(request: Request) -> Sessions:
    """The session door of the application."""
    sessions: Sessions = request.app.state.sessions
    return sessions


@router.post("", status_code=201)
async def create() -> dict[str, str]:
    """A new conversation."""
    return {"id": f"api-{uuid.uuid4().hex[:12]}"}


@router.post("/{session_id}/say", response_model=None)
async def say(session_id: SessionId, body: Say, request: Request, owner: Owner) -> dict[str, Any] | StreamingResponse:
    """Say something; begins the conversation when it is new. `Accept: text/event-stream` streams the events."""
    return await _answered(request, session_id, owner, "say", door(request).say(session_id, owner, body.text))


@router.post("/{session_id}/act", response_model=None)
async def act(session_id: SessionId, body: Act, request: Request, owner: Owner) -> dict[str, Any] | StreamingResponse:
    """Edit, choose, approve, cancel, roll back, undo or redo."""
    events = door(request).act(session_id, owner, body.kind, body.revision, body.values)
    return await _answered(request, session_id, owner, body.kind, events)


@router.get("/{session_id}")
async def show(session_id: SessionId, request: Request, owner: Owner) -> dict[str, Any]:
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


async def _answered(
    request: Request, session_id: str, owner: str, kind: str, events: AsyncIterator[Event]
) -> dict[str, Any] | StreamingResponse:
    measures: Measures = request.app.state.measures
    watched = measures.watched("http", kind if kind in KINDS else "unknown", events)
    if EVENT_STREAM in request.headers.get("accept", ""):
        first = await anext(watched, None)  # what is refused before anything happens keeps its own status
        return StreamingResponse(_stream(first, watched), media_type=EVENT_STREAM)
    told = [to_json(event) async for event in watched]
    view = await door(request).view(session_id, owner)
    return {"events": told, "revision": view.revision, "awaiting": view.awaiting}


async def _stream(first: Event | None, rest: AsyncIterator[Event]) -> AsyncIterator[str]:
    if first is not None:
        yield _sse(first)
    try:
        async for event in rest:
            yield _sse(event)
    except SextantError as error:  # the response has begun: the failure is an event too
        yield _sse(Failed(error.message, error.cure))


def _sse(event: Event) -> str:
    told = to_json(event)
    return f"event: {told['type']}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n"
