"""Thumbs on a message: kept with the chat of their owner, and as a rating of the recommendation once it was tested.

Chainlit 2.12 takes them for any message from anybody who is signed in, so its routes are replaced by these.
"""

from contextlib import suppress

from chainlit.types import DeleteFeedbackRequest, UpdateFeedbackRequest
from fastapi import APIRouter, FastAPI

from agent.sessions import Sessions
from knowledge.errors import Conflict, NotFound
from ui.web.downloads import Person
from ui.web.history import History

STARS = {0: 1, 1: 5}


def install(app: FastAPI, history: History, door: Sessions) -> None:
    """Answer for thumbs; before Chainlit is mounted over the same path."""
    router = APIRouter(include_in_schema=False)

    @router.put("/ui/feedback")
    async def put(update: UpdateFeedbackRequest, owner: Person) -> dict[str, object]:
        given, thread = update.feedback, update.feedback.threadId or ""
        await _own(history, thread, owner)
        kept = await history.upsert_feedback(given)
        rated = False
        with suppress(Conflict, NotFound):  # nothing was tested yet: the thumb stays with the chat
            await door.rate(thread, owner, STARS[given.value], given.comment or "")
            rated = True
        return {"success": True, "feedbackId": kept, "rated": rated}

    @router.delete("/ui/feedback")
    async def delete(gone: DeleteFeedbackRequest, owner: Person) -> dict[str, object]:
        thread, value = await history.thumb(gone.feedbackId)
        await _own(history, thread, owner)
        await history.delete_feedback(gone.feedbackId)
        withdrawn = False
        with suppress(Conflict, NotFound):
            withdrawn = await door.withdraw(thread, owner, STARS[value])
        return {"success": True, "withdrawn": withdrawn}

    app.include_router(router)


async def _own(history: History, thread: str, owner: str) -> None:
    """Refuse, as if it did not exist, what belongs to somebody else."""
    if not thread or await history.get_thread_author(thread) != owner:
        raise NotFound("conversation", thread)
