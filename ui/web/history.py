"""What was shown in the web chat, kept for reload and resume: a data layer of Chainlit on one SQLite file.

Chainlit's own layer has a column for every key, swallows SQL errors and loses threads on SQLite. Here steps, elements
and ratings are JSON documents, so that a key more in a later Chainlit loses nothing, and errors are raised. It is a
display log: the truth about a conversation is behind the session door.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiosqlite
from chainlit.data.base import BaseDataLayer
from chainlit.data.utils import queue_until_user_message
from chainlit.element import Element, ElementDict
from chainlit.step import StepDict
from chainlit.types import Feedback, PageInfo, PaginatedResponse, Pagination, ThreadDict, ThreadFilter
from chainlit.user import PersistedUser, User

from knowledge.errors import StateUnusable

SCHEMA = """
CREATE TABLE IF NOT EXISTS people (identifier TEXT PRIMARY KEY, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS threads (
  id TEXT PRIMARY KEY, owner TEXT, name TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  metadata TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS threads_of_owner ON threads (owner, updated_at);
CREATE TABLE IF NOT EXISTS parts (
  kind TEXT NOT NULL, id TEXT NOT NULL, thread TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
);
CREATE INDEX IF NOT EXISTS parts_of_thread ON parts (thread, kind);
"""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class History(BaseDataLayer):
    """Threads with their steps, elements and ratings."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def get_user(self, identifier: str) -> PersistedUser | None:
        rows = await self._rows("SELECT identifier, created_at FROM people WHERE identifier = ?", identifier)
        return PersistedUser(id=rows[0][0], identifier=rows[0][0], createdAt=rows[0][1]) if rows else None

    async def create_user(self, user: User) -> PersistedUser | None:
        await self._write("INSERT OR IGNORE INTO people VALUES (?, ?)", user.identifier, _now())
        return await self.get_user(user.identifier)

    async def upsert_feedback(self, feedback: Feedback) -> str:
        identity = feedback.id or f"rating-{feedback.forId}"
        body = {"id": identity, "forId": feedback.forId, "value": feedback.value, "comment": feedback.comment}
        await self._put("feedback", identity, feedback.threadId or "", body)
        return identity

    async def delete_feedback(self, feedback_id: str) -> bool:
        await self._write("DELETE FROM parts WHERE kind = 'feedback' AND id = ?", feedback_id)
        return True

    @queue_until_user_message()
    async def create_element(self, element: Element) -> None:
        body = {**element.to_dict(), "path": element.path}
        await self._put("element", element.id, element.thread_id, body)

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None:
        query = "SELECT body FROM parts WHERE kind = 'element' AND thread = ? AND id = ?"
        rows = await self._rows(query, thread_id, element_id)
        return json.loads(rows[0][0]) if rows else None

    @queue_until_user_message()
    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None:
        await self._write(
            "DELETE FROM parts WHERE kind = 'element' AND id = ? AND thread = coalesce(?, thread)",
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
        await self._write("DELETE FROM parts WHERE kind = 'step' AND id = ?", step_id)

    async def get_thread_author(self, thread_id: str) -> str:
        rows = await self._rows("SELECT owner FROM threads WHERE id = ?", thread_id)
        return str(rows[0][0] or "") if rows else ""

    async def delete_thread(self, thread_id: str) -> None:
        await self._write("DELETE FROM parts WHERE thread = ?", thread_id)
        await self._write("DELETE FROM threads WHERE id = ?", thread_id)

    async def list_threads(self, pagination: Pagination, filters: ThreadFilter) -> PaginatedResponse[ThreadDict]:
        """The newest first, without their steps: the side bar shows names only."""
        words = f"%{filters.search}%" if filters.search else None
        query = """
            SELECT id, owner, name, created_at, metadata FROM threads
            WHERE owner = :owner
              AND (:words IS NULL OR EXISTS (
                SELECT 1 FROM parts WHERE thread = threads.id AND kind = 'step'
                AND json_extract(body, '$.output') LIKE :words))
              AND (:cursor IS NULL OR (updated_at, id) < (SELECT updated_at, id FROM threads WHERE id = :cursor))
            ORDER BY updated_at DESC, id DESC LIMIT :wanted"""
        values = {
            "owner": filters.userId,
            "words": words,
            "cursor": pagination.cursor,
            "wanted": pagination.first + 1,
        }
        async with self._connection.execute(query, values) as cursor:
            rows = list(await cursor.fetchall())
        found = [self._thread(row, [], []) for row in rows[: pagination.first]]
        page = PageInfo(
            hasNextPage=len(rows) > pagination.first,
            startCursor=found[0]["id"] if found else None,
            endCursor=found[-1]["id"] if found else None,
        )
        return PaginatedResponse(pageInfo=page, data=found)

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        rows = await self._rows("SELECT id, owner, name, created_at, metadata FROM threads WHERE id = ?", thread_id)
        if not rows:
            return None
        parts: dict[str, list[Any]] = {"step": [], "element": [], "feedback": []}
        for kind, body in await self._rows("SELECT kind, body FROM parts WHERE thread = ? ORDER BY rowid", thread_id):
            parts[kind].append(json.loads(body))
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
        await self._begin(thread_id)
        kept = {key: value for key, value in (metadata or {}).items() if value is not None}
        await self._write(
            "UPDATE threads SET name = coalesce(?, name), owner = coalesce(owner, ?), "
            "metadata = json_patch(metadata, ?), updated_at = ? WHERE id = ?",
            name, user_id, json.dumps(kept), _now(), thread_id,
        )  # fmt: skip

    async def build_debug_url(self) -> str:
        return ""

    async def close(self) -> None:
        """The connection is closed by whoever opened it."""

    async def get_favorite_steps(self, user_id: str) -> list[StepDict]:  # noqa: ARG002  # the feature is off
        return []

    def _thread(self, row: Any, steps: list[StepDict], elements: list[ElementDict]) -> ThreadDict:
        identity, owner, name, created_at, metadata = row
        return ThreadDict(
            id=identity,
            createdAt=created_at,
            name=name,
            userId=owner,
            userIdentifier=owner,
            tags=[],
            metadata=json.loads(metadata),
            steps=steps,
            elements=elements,
        )

    async def _begin(self, thread: str) -> None:
        now = _now()
        await self._write(
            "INSERT OR IGNORE INTO threads (id, created_at, updated_at) VALUES (?, ?, ?)", thread, now, now
        )

    async def _put(self, kind: str, identity: str, thread: str, body: Any) -> None:
        await self._begin(thread)
        await self._write(
            "INSERT INTO parts VALUES (?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body "
            "WHERE thread = excluded.thread",
            kind, identity, thread, json.dumps(body),
        )  # fmt: skip

    async def _write(self, query: str, *values: object) -> None:
        await self._connection.execute(query, values)
        await self._connection.commit()

    async def _rows(self, query: str, *values: object) -> list[Any]:
        async with self._connection.execute(query, values) as cursor:
            return list(await cursor.fetchall())


@asynccontextmanager
async def open_history(file: Path) -> AsyncIterator[History]:
    """The history of one server. Raises StateUnusable when it cannot be written."""
    try:
        async with aiosqlite.connect(file) as connection:
            await connection.execute("PRAGMA journal_mode=WAL")
            await connection.execute("PRAGMA synchronous=NORMAL")
            await connection.executescript(SCHEMA)
            yield History(connection)
    except aiosqlite.Error as error:
        raise StateUnusable(f"cannot use the chat history {file}: {error}", "free space or set SEXTANT_HOME") from error
