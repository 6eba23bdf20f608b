"""Beside a conversation: the manifests of its option, a prompt to what it deployed, the files that it made."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import Field

from agent.events import to_json
from tools.deploy.trying import MAX_PROMPT_CHARS
from ui.api.identity import Asking
from ui.api.sessions import EVENT_STREAM, Reader, SessionId, door, streamed
from ui.questions import Body, Text

router = APIRouter(prefix="/v1", tags=["sessions"])
PaperId = Annotated[str, Path(max_length=60, examples=["p-796eea973c622d275d7255d5"],
                                description="As the answer named it that made the file.")]  # fmt: skip


class Prompt(Body):
    """What to ask the deployed model."""

    prompt: Text = Field(min_length=1, max_length=MAX_PROMPT_CHARS, examples=["How do I reset my password?"],
                        description="As a person would write it.")  # fmt: skip


@router.get("/sessions/{session_id}/manifests")
async def manifests(
    session_id: SessionId,
    request: Request,
    owner: Reader,
    form: Annotated[str, Query(max_length=20, description="kserve, vanilla or llmisvc; empty: as here.")] = "",
) -> dict[str, Any]:
    """The Kubernetes manifests of the option on the card, with what is wrong with them. Nothing is applied."""
    found = await door(request).preview(session_id, owner, form)
    return {
        "release": found.name,
        "form": found.form,
        "plan_hash": found.plan_hash,
        "manifests": [{"file": each.file, "text": each.text} for each in found.files],
        "findings": [each.to_json() for each in found.findings],
    }


@router.post("/sessions/{session_id}/try", response_model=None)
async def try_prompt(
    session_id: SessionId, body: Prompt, request: Request, who: Asking
) -> dict[str, Any] | StreamingResponse:
    """Ask what this conversation has deployed: 256 tokens and a minute at most. `text/event-stream` streams it."""
    replies = door(request).ask(session_id, who.owner, body.prompt)
    if EVENT_STREAM in request.headers.get("accept", ""):
        first = await anext(replies, None)  # what is refused keeps its own status
        return StreamingResponse(streamed(first, replies), media_type=EVENT_STREAM)
    told = [to_json(reply) async for reply in replies]
    return told[-1]


@router.get("/papers/{paper_id}", response_class=Response)
def paper(paper_id: PaperId, request: Request, who: Asking) -> Response:
    """A file that a conversation made, such as the report of a bill or of a load test."""
    found = door(request).context.records.papers.get(paper_id, owner=None if who.admin else who.owner)
    headers = {"Content-Disposition": "attachment", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(found.text, media_type=found.media_type, headers=headers)
