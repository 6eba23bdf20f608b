"""`/v1/sessions`: conversations over HTTP, as JSON or as server-sent events."""

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from agent.events import Event, Failed, to_json
from agent.sessions import Sessions
from knowledge.errors import SextantError

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])
OWNER = "local"
EVENT_STREAM = "text/event-stream"


class Body(BaseModel):
    """Base of request bodies: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Say(Body):
    """A message."""

    text: str = Field(examples=["a support chatbot for 1,000 users, fast, under $5k a month"])


class Act(Body):
    """A click on the card of `revision`."""

    kind: str = Field(examples=["approve"])
    revision: int = Field(examples=[1])
    values: dict[str, Any] = Field(default_factory=dict, examples=[{"total_users": 2000}])


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


@router.post("", status_code=201)
async def create() -> dict[str, str]:
    """A new conversation."""
    return {"id": f"api-{uuid.uuid4().hex[:12]}"}


@router.post("/{session_id}/say", response_model=None)
async def say(session_id: str, body: Say, request: Request) -> dict[str, Any] | StreamingResponse:
    """Say something; begins the conversation when it is new."""
    sessions = _sessions(request)
    return await _answered(request, session_id, sessions.say(session_id, OWNER, body.text))


@router.post("/{session_id}/act", response_model=None)
async def act(session_id: str, body: Act, request: Request) -> dict[str, Any] | StreamingResponse:
    """Edit, choose, approve, cancel, roll back, undo or redo."""
    sessions = _sessions(request)
    events = sessions.act(session_id, OWNER, body.kind, body.revision, body.values)
    return await _answered(request, session_id, events)


@router.get("/{session_id}")
async def show(session_id: str, request: Request) -> dict[str, Any]:
    """The conversation as it stands."""
    view = await _sessions(request).view(session_id, OWNER)
    return {
        "intent": view.intent,
        "plan": view.plan,
        "revision": view.revision,
        "awaiting": view.awaiting,
        "deployments": [view.deployment] if view.deployment else [],
    }


async def _answered(
    request: Request, session_id: str, events: AsyncIterator[Event]
) -> dict[str, Any] | StreamingResponse:
    if EVENT_STREAM in request.headers.get("accept", ""):
        return StreamingResponse(_stream(events), media_type=EVENT_STREAM)
    told = [to_json(event) async for event in events]
    view = await _sessions(request).view(session_id, OWNER)
    return {"events": told, "revision": view.revision, "awaiting": view.awaiting}


async def _stream(events: AsyncIterator[Event]) -> AsyncIterator[str]:
    try:
        async for event in events:
            yield _sse(event)
    except SextantError as error:  # the response has begun: the failure is an event too
        yield _sse(Failed(error.message, error.cure))


def _sse(event: Event) -> str:
    told = to_json(event)
    return f"event: {told['type']}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n"
