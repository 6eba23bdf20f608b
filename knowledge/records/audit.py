"""The append-only log: who did what to which subject, with which plan, when, and what came of it."""

from dataclasses import asdict, dataclass
from typing import Any

from knowledge.records.clock import Clock, stamp
from knowledge.records.database import Connection, Database


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done; `plan_hash` is empty where no plan is concerned."""

    at: str
    who: str
    action: str
    subject: str
    plan_hash: str
    result: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Audit:
    """Reads and appends; the database itself refuses to change or delete an entry."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, *, who: str, action: str, subject: str, plan_hash: str = "", result: str) -> None:
        """Append one entry."""
        entry = AuditEntry(stamp(self._clock()), who, action, subject, plan_hash, result)
        with self._database.write() as connection:
            append(connection, entry)

    def entries(self, *, subject: str | None = None, limit: int = 10_000) -> tuple[AuditEntry, ...]:
        """The newest `limit` entries, oldest first."""
        query = (
            """SELECT * FROM audit WHERE (:subject IS NULL OR subject = :subject) ORDER BY entry DESC LIMIT :limit"""
        )
        with self._database.read() as connection:
            rows = connection.execute(query, {"subject": subject, "limit": limit}).fetchall()
        return tuple(
            AuditEntry(row["at"], row["who"], row["action"], row["subject"], row["plan_hash"], row["result"])
            for row in reversed(rows)
        )


def append(connection: Connection, entry: AuditEntry) -> None:
    """Append within a transaction that also changes what the entry tells of."""
    connection.execute(
        "INSERT INTO audit (at, who, action, subject, plan_hash, result) "
        "VALUES (:at, :who, :action, :subject, :plan_hash, :result)",
        asdict(entry),
    )
