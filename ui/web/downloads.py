"""Files of the web chat, each given to whoever may read the conversation that it belongs to: its owner, and admins."""

import asyncio
import io
import zipfile
from typing import Annotated, Any
from urllib.parse import quote

from chainlit.auth import get_current_user
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response

from agent.manifests import Preview
from agent.sessions import Sessions
from knowledge.errors import NotFound

PLAIN = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}
router = APIRouter(include_in_schema=False)


def person(user: Annotated[Any, Depends(get_current_user)]) -> str:
    """The name of whoever is signed in to the chat; 401 for nobody."""
    if user is None:
        raise HTTPException(401, "sign in to the chat first")
    return str(user.identifier)


Person = Annotated[str, Depends(person)]


async def reader(thread: str, request: Request, who: Person) -> str:
    """As whom a conversation is read: as oneself, and by an admin as whoever it belongs to."""
    if not await asyncio.to_thread(request.app.state.access.is_admin, who):
        return who
    return await asyncio.to_thread(_door(request).context.records.conversations.owner_of, thread) or who


Reader = Annotated[str, Depends(reader)]
Form = Annotated[str, Query(max_length=20)]


@router.get("/ui/files/{thread}/manifests.yaml")
async def manifests_yaml(thread: str, request: Request, owner: Reader, form: Form = "") -> Response:
    """Everything that would be applied, as one YAML stream."""
    found = await _door(request).preview(thread, owner, form)
    return _file(found.text().encode(), f"{found.name}.yaml", "application/yaml")


@router.get("/ui/files/{thread}/manifests.zip")
async def manifests_zip(thread: str, request: Request, owner: Reader, form: Form = "") -> Response:
    """One file per manifest, with the findings beside them."""
    found = await _door(request).preview(thread, owner, form)
    return _file(zipped(found), f"{found.name}-{found.form}.zip", "application/zip")


@router.get("/ui/files/{thread}/{paper_id}")
async def paper(thread: str, paper_id: str, request: Request, owner: Reader) -> Response:
    """A report that the conversation made."""
    found = _door(request).context.records.papers.get(paper_id, owner=owner)
    if found.thread != thread:
        raise NotFound("file", paper_id)
    return _file(found.text.encode(), found.name, found.media_type)


def zipped(found: Preview) -> bytes:
    """The files of a preview in the order in which they are applied; the same preview gives the same bytes."""
    packed = io.BytesIO()
    findings = "".join(f"{each}\n" for each in found.findings) or "nothing found wrong without a cluster\n"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, each in enumerate(found.files, 1):
            archive.writestr(zipfile.ZipInfo(f"{found.name}/{number:02d}-{each.file}"), each.text)
        archive.writestr(zipfile.ZipInfo(f"{found.name}/FINDINGS.txt"), findings)
    return packed.getvalue()


def install(app: FastAPI) -> None:
    """Serve the files; before Chainlit is mounted over the paths beside them."""
    app.include_router(router)


def _door(request: Request) -> Sessions:
    door: Sessions = request.app.state.sessions
    return door


def _file(content: bytes, name: str, media_type: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    headers = {**SAFE, "Content-Disposition": disposition, "Content-Security-Policy": PLAIN}
    return Response(content, media_type=media_type, headers=headers)
