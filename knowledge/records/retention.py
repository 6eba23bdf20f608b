"""Forgetting what is old: conversations and all that belongs to them, ended deployments, answered messages.

Kept for good: the audit log, which names who did what, and outcomes with their ratings, which later predictions learn
from.
"""

from collections.abc import Sequence

from knowledge.records.database import Connection, Database

_OF_THREADS = (
    ("chat_parts", "thread"), ("chat_threads", "id"), ("conversations", "thread"), ("scenarios", "thread"),
    ("papers", "thread"), ("slack_threads", "conversation"),
)  # fmt: skip
_BY_AGE = (
    ("receipts", "touched_at < :before"),
    ("slack_inbox", "done = 1 AND seen_at < :before"),
    ("deployments", "replicas = '[]' AND state IN ('failed', 'rolled_back') AND updated_at < :before"),
)


def busy_threads(database: Database) -> frozenset[str]:
    """Conversations whose deployment still runs: they are kept however old they are."""
    with database.read() as connection:
        found = connection.execute(
            "SELECT DISTINCT thread FROM deployments WHERE replicas <> '[]' OR state NOT IN ('failed', 'rolled_back')"
        ).fetchall()
    return frozenset(row["thread"] for row in found)


def shown_threads(database: Database, before: str) -> tuple[str, ...]:
    """Conversations that were last shown or noted before a moment."""
    query = """SELECT thread FROM conversations WHERE updated_at < :before
        UNION SELECT id AS thread FROM chat_threads WHERE updated_at < :before
        AND NOT EXISTS (SELECT 1 FROM conversations WHERE thread = chat_threads.id) ORDER BY thread"""
    with database.read() as connection:
        return tuple(row["thread"] for row in connection.execute(query, {"before": before}).fetchall())


def forget(database: Database, threads: Sequence[str], before: str, *, dry: bool) -> dict[str, int]:
    """Delete what belongs to these conversations and what is older than `before`; how many rows, by table.

    With `dry` they are only counted.
    """
    counts: dict[str, int] = {}
    with database.write() as connection:
        for table, column in _OF_THREADS:
            counts[table] = sum(
                _gone(connection, table, f"{column} = :thread", {"thread": thread}, dry=dry) for thread in threads
            )
        for table, condition in _BY_AGE:
            counts[table] = _gone(connection, table, condition, {"before": before}, dry=dry)
    return counts


def _gone(connection: Connection, table: str, condition: str, values: dict[str, str], *, dry: bool) -> int:
    if dry:
        query = f"SELECT count(*) AS n FROM {table} WHERE {condition}"  # noqa: S608 - own words
        return int(connection.execute(query, values).fetchone()["n"])
    return connection.execute(f"DELETE FROM {table} WHERE {condition}", values).rowcount  # noqa: S608 - own words
