"""Where conversations are kept: one SQLite file, or PostgreSQL for several processes; as records to take along.

A conversation is taken along as its newest checkpoint with the pause that it waits in. Undo and redo are part of its
state, so nothing else is needed to go on with it elsewhere, also on the other kind of database.
"""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agent.turns import USUAL, Locks
from knowledge.errors import NotFound, StateUnusable

Saver = BaseCheckpointSaver[Any]
Record = dict[str, Any]


@asynccontextmanager
async def open_checkpoints(
    database: Path, url: str | None, turns: int = USUAL.process
) -> AsyncIterator[tuple[Saver, Locks | None]]:
    """Checkpoints, and with `url` what keeps other processes out of a conversation.

    Raises StateUnusable when they cannot be written, and Unavailable when the database does not answer.
    """
    if url is None:
        async with _sqlite(database) as saver:
            yield saver, None
        return
    from agent.postgres import open_postgres  # noqa: PLC0415 - its driver takes a while to load

    async with open_postgres(url, turns) as opened:
        yield opened


@asynccontextmanager
async def _sqlite(database: Path) -> AsyncIterator[AsyncSqliteSaver]:
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = await aiosqlite.connect(database)
    except (OSError, aiosqlite.Error) as error:
        raise StateUnusable(f"cannot use the state directory {database.parent}: {error}", "set SEXTANT_HOME") from error
    try:
        saver = AsyncSqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        try:
            await saver.setup()
            await connection.execute("PRAGMA synchronous=NORMAL")
        except aiosqlite.Error as error:
            raise StateUnusable(
                f"cannot write conversations to {database}: {error}", "free space, fix permissions, or set SEXTANT_HOME"
            ) from error
        yield saver
    finally:
        await connection.close()


async def threads(saver: Saver) -> tuple[str, ...]:
    """Every conversation that is kept."""
    query = "SELECT DISTINCT thread_id AS thread FROM checkpoints ORDER BY thread_id"
    if isinstance(saver, AsyncSqliteSaver):
        async with saver.conn.execute(query) as cursor:
            return tuple([str(row[0]) for row in await cursor.fetchall()])
    from agent.postgres import Checkpoints  # noqa: PLC0415 - see open_checkpoints

    assert isinstance(saver, Checkpoints)  # noqa: S101 - there are two kinds
    return tuple([str(row["thread"]) for row in await saver.rows(query)])


async def last_change(saver: Saver, thread: str) -> str:
    """When a conversation changed last: UTC, ISO 8601."""
    found = await saver.aget_tuple(_config(thread))
    return str(found.checkpoint["ts"]) if found else ""


async def taken(saver: Saver, thread: str) -> Record:
    """A conversation as a JSON object."""
    found = await saver.aget_tuple(_config(thread))
    if found is None:
        raise NotFound("conversation", thread)
    return {
        "thread": thread,
        "checkpoint": _text(saver, found.checkpoint),
        "metadata": _text(saver, found.metadata),
        "writes": [[task, channel, *_text(saver, value)] for task, channel, value in found.pending_writes or ()],
    }


async def put(saver: Saver, record: Record) -> None:
    """Keep a conversation that `taken` gave."""
    checkpoint, metadata = _value(saver, record["checkpoint"]), _value(saver, record["metadata"])
    config = _config(record["thread"])
    config["configurable"]["checkpoint_ns"] = ""
    kept = await saver.aput(config, checkpoint, metadata, checkpoint["channel_versions"])
    tasks: dict[str, list[tuple[str, Any]]] = {}
    for task, channel, kind, text in record["writes"]:
        tasks.setdefault(task, []).append((channel, _value(saver, (kind, text))))
    for task, writes in tasks.items():
        await saver.aput_writes(kept, writes, task)


def _config(thread: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread}}


def _text(saver: Saver, value: Any) -> tuple[str, str]:
    kind, body = saver.serde.dumps_typed(value)
    return kind, b64encode(body).decode()


def _value(saver: Saver, text: Any) -> Any:
    kind, body = text
    return saver.serde.loads_typed((kind, b64decode(body)))
