"""Conversations of several processes in one PostgreSQL database: checkpoints, and locks that a killed process loses."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from agent.turns import Locks
from knowledge.records.address import libpq_options
from knowledge.records.postgres import TRY_LOCK, WAIT_S, explaining

CONNECTIONS = 2  # LangGraph's saver uses one at a time
_POLL_S = 0.05

Pool = AsyncConnectionPool[psycopg.AsyncConnection[DictRow]]


class Checkpoints(AsyncPostgresSaver):
    """LangGraph's checkpoints, whose errors say what is wrong with the database."""

    def __init__(self, pool: Pool, url: str) -> None:
        super().__init__(pool, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        self._url = url

    async def rows(self, query: str) -> list[DictRow]:
        """What a question without values gives."""
        with explaining(self._url):
            async with self._cursor() as cursor:
                await cursor.execute(query.encode())
                return await cursor.fetchall()

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        with explaining(self._url):
            return await super().aget_tuple(config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        with explaining(self._url):
            return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        with explaining(self._url):
            await super().aput_writes(config, writes, task_id, task_path)


class SharedLocks(Locks):
    """One advisory lock per conversation, held by a transaction of its own for as long as the turn takes."""

    def __init__(self, pool: Pool, url: str, checkpoints: Checkpoints) -> None:
        self._pool = pool
        self._url = url
        self._checkpoints = checkpoints

    @asynccontextmanager
    async def held(self, thread: str) -> AsyncIterator[None]:
        async with self._connected() as connection:
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await connection.execute("SET LOCAL statement_timeout = 0")
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (thread,))
            yield

    async def check(self) -> None:
        await self._checkpoints.rows("SELECT 1")
        async with self._connected() as connection:
            await connection.execute("SELECT 1")

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[psycopg.AsyncConnection[DictRow]]:
        with explaining(self._url):
            async with self._pool.connection() as connection:
                yield connection


@asynccontextmanager
async def open_postgres(url: str, turns: int) -> AsyncIterator[tuple[Checkpoints, SharedLocks]]:
    """Checkpoints and locks for at most `turns` turns at once. Raises StateUnusable and Unavailable."""
    kept = {**libpq_options(), "row_factory": dict_row}
    saver = _pool(url, {**kept, "autocommit": True, "prepare_threshold": 0}, CONNECTIONS)
    locks = _pool(url, kept, turns + 1)  # one to ask whether a turn could begin while all of them run
    try:
        with explaining(url):
            await saver.open()
            await locks.open()
            checkpoints = Checkpoints(saver, url)
            await _prepared(checkpoints, url)
        yield checkpoints, SharedLocks(locks, url, checkpoints)
    finally:
        await locks.close()
        await saver.close()


def _pool(url: str, options: dict[str, Any], most: int) -> Pool:
    return AsyncConnectionPool(
        url,
        kwargs=options,
        min_size=0,
        max_size=most,
        timeout=WAIT_S,
        check=AsyncConnectionPool.check_connection,
        open=False,
    )


async def _prepared(checkpoints: Checkpoints, url: str) -> None:
    """Create or migrate the tables, one process at a time.

    Asked for again and again instead of waited for: LangGraph builds indexes concurrently, which waits for whoever
    waits for a lock.
    """
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, **libpq_options()) as connection:
        while await (await connection.execute(TRY_LOCK, ("checkpoints",))).fetchone() != (True,):  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(_POLL_S)
        await checkpoints.setup()
