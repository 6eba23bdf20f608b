"""What was shown in the web chat, kept for reload and resume: a data layer of Chainlit over the records' database.

Chainlit's own layer has a column for every key, swallows SQL errors and loses threads on SQLite. Here steps, elements
and ratings are JSON documents, so that a key more in a later Chainlit loses nothing, and errors are raised. It is a
display log: the truth about a conversation is behind the session door.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from chainlit.data.base import BaseDataLayer
from chainlit.data.utils import queue_until_user_message
from chainlit.element import Element, ElementDict
from chainlit.step import StepDict
from chainlit.types import Feedback, PageInfo, PaginatedResponse, Pagination, ThreadDict, ThreadFilter
from chainlit.user import PersistedUser, User

from knowledge.records.database import Connection, Database

Found = TypeVar("Found")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _nobody(_: str) -> None:
    """For a history that nobody listens to."""


class History(BaseDataLayer):
    """Threads with their steps, elements and ratings."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._order = asyncio.Lock()  # Chainlit writes from many tasks, and what comes later must win
        self.forgotten: Callable[[str], object] = _nobody
        """Told of every conversation that was deleted."""

    async def get_user(self, identifier: str) -> PersistedUser | None:
        rows = await self._rows("SELECT identifier, created_at FROM chat_people WHERE identifier = ?", identifier)
        return PersistedUser(id=identifier, identifier=identifier, createdAt=rows[0]["created_at"]) if rows else None

    async def create_user(self, user: User) -> PersistedUser | None:
        await self._write("INSERT INTO chat_people VALUES (?, ?) ON CONFLICT DO NOTHING", user.identifier, _now())
        return await self.get_user(user.identifier)

    async def upsert_feedback(self, feedback: Feedback) -> str:
        identity = feedback.id or f"rating-{feedback.forId}"
        body = {"id": identity, "forId": feedback.forId, "value": feedback.value, "comment": feedback.comment}
        await self._put("feedback", identity, feedback.threadId or "", body)
        return identity

    async def thumb(self, feedback_id: str) -> tuple[str, int]:
        """The conversation that a thumb is in, empty when there is none such, and 1 for up or 0 for down."""
        rows = await self._rows("SELECT thread, body FROM chat_parts WHERE kind = 'feedback' AND id = ?", feedback_id)
        return (str(rows[0]["thread"]), int(json.loads(rows[0]["body"])["value"])) if rows else ("", 0)

    async def delete_feedback(self, feedback_id: str) -> bool:
        await self._write("DELETE FROM chat_parts WHERE kind = 'feedback' AND id = ?", feedback_id)
        return True

    @queue_until_user_message()
    async def create_element(self, element: Element) -> None:
        body = {**element.to_dict(), "path": element.path}
        await self._put("element", element.id, element.thread_id, body)

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None:
        query = "SELECT body FROM chat_parts WHERE kind = 'element' AND thread = ? AND id = ?"
        rows = await self._rows(query, thread_id, element_id)
        return json.loads(rows[0]["body"]) if rows else None

    @queue_until_user_message()
    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None:
        await self._write(
            "DELETE FROM chat_parts WHERE kind = 'element' AND id = ? AND thread = coalesce(?, thread)",
            element_id,
            thread_id,
        )

    @queue_until_user_message()
    async def create_step(self, step_dict: StepDict) -> None:
        await self._put("step", step_dict["id"], step_dict["threadId"], step_dict)

    @queue_until_user_message()
    async def update_step(self, step_dict: StepDict) -> None:
        await self._put("step", step_dict["id"], step_dict["threadId"], step_dict)

    @queue_until_user_message()
    async def delete_step(self, step_id: str) -> None:
        await self._write("DELETE FROM chat_parts WHERE kind = 'step' AND id = ?", step_id)

    async def get_thread_author(self, thread_id: str) -> str:
        rows = await self._rows("SELECT owner FROM chat_threads WHERE id = ?", thread_id)
        return str(rows[0]["owner"] or "") if rows else ""

    async def delete_thread(self, thread_id: str) -> None:
        await self._write("DELETE FROM chat_parts WHERE thread = ?", thread_id)
        await self._write("DELETE FROM chat_threads WHERE id = ?", thread_id)
        self.forgotten(thread_id)

    async def list_threads(self, pagination: Pagination, filters: ThreadFilter) -> PaginatedResponse[ThreadDict]:
        """The newest first, without their steps: the side bar shows names only."""
        query = """
            SELECT id, owner, name, created_at, metadata FROM chat_threads
            WHERE owner = :owner
              AND (:words IS NULL OR EXISTS (
                SELECT 1 FROM chat_parts WHERE thread = chat_threads.id AND kind = 'step'
                AND lower(words) LIKE lower(:words)))
              AND (:cursor IS NULL OR (updated_at, id) < (SELECT updated_at, id FROM chat_threads WHERE id = :cursor))
            ORDER BY updated_at DESC, id DESC LIMIT :wanted"""
        values = {
            "owner": filters.userId,
            "words": f"%{filters.search}%" if filters.search else None,
            "cursor": pagination.cursor,
            "wanted": pagination.first + 1,
        }
        rows = await self._asked(lambda connection: connection.execute(query, values).fetchall())
        found = [self._thread(row, [], []) for row in rows[: pagination.first]]
        page = PageInfo(
            hasNextPage=len(rows) > pagination.first,
            startCursor=found[0]["id"] if found else None,
            endCursor=found[-1]["id"] if found else None,
        )
        return PaginatedResponse(pageInfo=page, data=found)

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        rows = await self._rows(
            "SELECT id, owner, name, created_at, metadata FROM chat_threads WHERE id = ?", thread_id
        )
        if not rows:
            return None
        parts: dict[str, list[Any]] = {"step": [], "element": [], "feedback": []}
        query = "SELECT kind, body FROM chat_parts WHERE thread = ? ORDER BY place"
        for row in await self._rows(query, thread_id):
            parts[row["kind"]].append(json.loads(row["body"]))
        rated = {entry["forId"]: entry for entry in parts["feedback"]}
        steps: list[Any] = [{**step, "feedback": rated.get(step["id"])} for step in parts["step"]]
        return self._thread(rows[0], sorted(steps, key=lambda step: step.get("createdAt") or ""), parts["element"])

    async def update_thread(
        self,
        thread_id: str,
        name: str | None = None,
        user_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        tags: list[str] | None = None,  # noqa: ARG002  # part of the signature; profiles are not used
    ) -> None:
        """Name a thread, give it its owner once, and add to its metadata."""

        def update(connection: Connection) -> None:
            _begin(connection, thread_id)
            row = connection.execute("SELECT metadata FROM chat_threads WHERE id = ?", (thread_id,)).fetchone()
            added = {key: value for key, value in (metadata or {}).items() if value is not None}
            connection.execute(
                "UPDATE chat_threads SET name = coalesce(?, name), owner = coalesce(owner, ?), metadata = ?, "
                "updated_at = ? WHERE id = ?",
                (name, user_id, json.dumps(json.loads(row["metadata"]) | added), _now(), thread_id),
            )

        await self._changed(update)

    async def build_debug_url(self) -> str:
        return ""

    async def close(self) -> None:
        """The connection is closed by whoever opened it."""

    async def get_favorite_steps(self, user_id: str) -> list[StepDict]:  # noqa: ARG002  # the feature is off
        return []

    def _thread(self, row: Any, steps: list[StepDict], elements: list[ElementDict]) -> ThreadDict:
        return ThreadDict(
            id=row["id"],
            createdAt=row["created_at"],
            name=row["name"],
            userId=row["owner"],
            userIdentifier=row["owner"],
            tags=[],
            metadata=json.loads(row["metadata"]),
            steps=steps,
            elements=elements,
        )

    async def _put(self, kind: str, identity: str, thread: str, body: Any) -> None:
        words = str(body.get("output") or "") if kind == "step" else ""

        def put(connection: Connection) -> None:
            _begin(connection, thread)
            connection.execute(
                "INSERT INTO chat_parts (kind, id, thread, body, words) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body, words = excluded.words "
                "WHERE chat_parts.thread = excluded.thread",
                (kind, identity, thread, json.dumps(body), words),
            )

        await self._changed(put)

    async def _write(self, query: str, *values: object) -> None:
        await self._changed(lambda connection: connection.execute(query, values))

    async def _rows(self, query: str, *values: object) -> list[Any]:
        return await self._asked(lambda connection: connection.execute(query, values).fetchall())

    async def _changed(self, work: Callable[[Connection], object]) -> None:
        def run() -> None:
            with self._database.write() as connection:
                work(connection)

        async with self._order:
            await asyncio.to_thread(run)

    async def _asked(self, work: Callable[[Connection], Found]) -> Found:
        def run() -> Found:
            with self._database.read() as connection:
                return work(connection)

        async with self._order:
            return await asyncio.to_thread(run)


def _begin(connection: Connection, thread: str) -> None:
    now = _now()
    connection.execute(
        "INSERT INTO chat_threads (id, created_at, updated_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (thread, now, now),
    )
