"""What happened in each conversation, counted turn by turn: the source of the lists and figures over all of them."""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from knowledge.records.database import Database

TITLE_CHARS = 120


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: what was said, if anything, and what came of it. `at` is when it began, UTC, ISO 8601."""

    thread: str
    owner: str
    at: str
    ended_at: str
    said: str
    planned: bool
    edited: bool
    approved: bool
    verified: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation so far. `edits` counts changes of its specification after the first plan and before approval."""

    thread: str
    owner: str
    title: str
    begun_at: str
    updated_at: str
    turns: int
    plans: int
    edits: int
    approved_at: str | None
    verified_at: str | None

    def to_json(self) -> dict[str, Any]:
        """As `/v1/sessions` lists it."""
        values = asdict(self)
        return {"id": values.pop("thread"), **values}


@dataclass(frozen=True, slots=True)
class Figures:
    """Over all conversations: how many had a plan and an approval; edits by how many had so many; seconds from the
    first word to a deployment that met its objectives, one for each conversation that got there.
    """

    conversations: int
    planned: int
    approved: int
    edits: Counter[int]
    seconds_to_verified: tuple[float, ...]


class Conversations:
    """The conversations of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, turn: Turn) -> None:
        """Count a turn; the first begins the conversation."""
        values = {name: int(value) if isinstance(value, bool) else value for name, value in asdict(turn).items()}
        values["title"] = " ".join(turn.said.split())[:TITLE_CHARS]
        values["approved_at"] = turn.at if turn.approved else None
        values["verified_at"] = turn.ended_at if turn.verified else None
        with self._database.write() as connection:
            connection.execute(
                """INSERT INTO conversations (thread, owner, title, begun_at, updated_at, turns, plans, edits,
                    approved_at, verified_at)
                VALUES (:thread, :owner, :title, :at, :ended_at, 1, :planned, 0, :approved_at, :verified_at)
                ON CONFLICT (thread) DO UPDATE SET
                    title = CASE WHEN conversations.title = '' THEN excluded.title ELSE conversations.title END,
                    updated_at = excluded.updated_at, turns = conversations.turns + 1,
                    plans = conversations.plans + excluded.plans,
                    edits = conversations.edits + CASE
                        WHEN conversations.plans > 0 AND conversations.approved_at IS NULL THEN :edited ELSE 0 END,
                    approved_at = coalesce(conversations.approved_at, excluded.approved_at),
                    verified_at = coalesce(conversations.verified_at, excluded.verified_at)
                """,
                values,
            )

    def owner_of(self, thread: str) -> str | None:
        """Whose conversation it is; None when nothing was said in it."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT owner FROM conversations WHERE thread = :thread", {"thread": thread}
            ).fetchone()
        return str(row["owner"]) if row else None

    def page(self, *, owner: str | None = None, limit: int, offset: int = 0) -> tuple[tuple[Conversation, ...], int]:
        """Some of an owner's conversations, or of everybody's, newest change first; and how many there are."""
        values = {"owner": owner, "limit": limit, "offset": offset}
        with self._database.read() as connection:
            total = connection.execute(
                "SELECT count(*) AS total FROM conversations WHERE (:owner IS NULL OR owner = :owner)", values
            ).fetchone()
            rows = connection.execute(
                "SELECT * FROM conversations WHERE (:owner IS NULL OR owner = :owner) "
                "ORDER BY updated_at DESC, thread LIMIT :limit OFFSET :offset",
                values,
            ).fetchall()
        return tuple(Conversation(**dict(row)) for row in rows), int(total["total"])

    def figures(self) -> Figures:
        """The figures over all conversations, as of now."""
        with self._database.read() as connection:
            total = connection.execute("SELECT count(*) AS total FROM conversations").fetchone()["total"]
            grouped = connection.execute(
                "SELECT edits, count(*) AS many, count(approved_at) AS approved FROM conversations WHERE plans > 0 "
                "GROUP BY edits"
            ).fetchall()
            spans = connection.execute(
                "SELECT begun_at, verified_at FROM conversations WHERE verified_at IS NOT NULL"
            ).fetchall()
        return Figures(
            conversations=int(total),
            planned=sum(int(row["many"]) for row in grouped),
            approved=sum(int(row["approved"]) for row in grouped),
            edits=Counter({int(row["edits"]): int(row["many"]) for row in grouped}),
            seconds_to_verified=tuple(_seconds(row["begun_at"], row["verified_at"]) for row in spans),
        )


def _seconds(begun: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()
