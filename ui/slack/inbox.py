"""What Slack sent, kept before it is acknowledged: nothing is done twice, and nothing is lost with a process.

Slack sends an event again when an answer is late or lost, for up to an hour, to any of our processes. The first to
write its id has it. Whoever works on a job holds it for a while and keeps renewing that; what nobody holds any longer
was left by a process that died, and is taken over.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from knowledge.records import Clock, stamp
from knowledge.records.database import Database

HOLD_S = 60
KEEP_DAYS = 7
MOST_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Left:
    """A job that a process left unfinished; `begun` says since when its conversation may know of it."""

    event_id: str
    job: Mapping[str, Any]
    begun: str


class Inbox:
    """Jobs by the id of the event that brought them, in the database of the records."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self._clock = clock

    def take(self, event_id: str, job: Mapping[str, Any], worker: str, *, begun: bool = True) -> bool:
        """Keep a job and hold it; False when the event was seen before. Not `begun`: `worker` looks for it itself."""
        now = self._clock()
        values = {"id": event_id, "job": json.dumps(job, ensure_ascii=False), "worker": worker,
                  "now": stamp(now), "until": _after(now, HOLD_S), "attempts": int(begun)}  # fmt: skip
        with self.database.write() as connection:
            return connection.execute(
                "INSERT INTO slack_inbox VALUES (:id, :job, 0, :attempts, :worker, :until, :now) "
                "ON CONFLICT DO NOTHING", values
            ).rowcount == 1  # fmt: skip

    def worker_on(self, place: Mapping[str, Any]) -> str | None:
        """Who works on a conversation; None when nobody does."""
        query = "SELECT job, holder FROM slack_inbox WHERE done = 0 AND held_until > :now"
        with self.database.read() as connection:
            rows = connection.execute(query, {"now": stamp(self._clock())}).fetchall()
        return next((str(row["holder"]) for row in rows if json.loads(row["job"]).get("place") == place), None)

    def hold(self, worker: str) -> None:
        """Go on holding what `worker` has."""
        values = {"worker": worker, "until": _after(self._clock(), HOLD_S)}
        with self.database.write() as connection:
            connection.execute(
                "UPDATE slack_inbox SET held_until = :until WHERE holder = :worker AND done = 0", values
            )  # fmt: skip

    def finish(self, event_id: str) -> None:
        """The job is done: its words are forgotten, its id is kept for as long as Slack may send it again."""
        values = {"id": event_id, "old": _after(self._clock(), -KEEP_DAYS * 86_400)}
        with self.database.write() as connection:
            connection.execute("UPDATE slack_inbox SET done = 1, job = '{}' WHERE event_id = :id", values)
            connection.execute("DELETE FROM slack_inbox WHERE done = 1 AND seen_at < :old", values)

    def release(self, worker: str) -> None:
        """`worker` ends: what it has may be taken over at once, and that is no failed attempt."""
        values = {"worker": worker, "now": stamp(self._clock())}
        with self.database.write() as connection:
            connection.execute(
                "UPDATE slack_inbox SET held_until = :now, attempts = attempts - 1 WHERE holder = :worker AND done = 0",
                values,
            )

    def take_over(self, worker: str) -> tuple[Left, ...]:
        """Hold what nobody holds any longer, and begin what was left to us. What failed too often is given up."""
        now = self._clock()
        values = {"worker": worker, "now": stamp(now), "until": _after(now, HOLD_S), "most": MOST_ATTEMPTS}
        with self.database.write() as connection:
            connection.execute(
                "UPDATE slack_inbox SET done = 1, job = '{}' "
                "WHERE done = 0 AND held_until <= :now AND attempts >= :most", values
            )  # fmt: skip
            rows: Iterable[Any] = connection.execute(
                "UPDATE slack_inbox SET holder = :worker, held_until = :until, attempts = attempts + 1 "
                "WHERE done = 0 AND (held_until <= :now OR holder = :worker AND attempts = 0) "
                "RETURNING event_id, job, seen_at", values
            ).fetchall()  # fmt: skip
        ordered = sorted(rows, key=lambda row: str(row["seen_at"]))
        return tuple(Left(row["event_id"], json.loads(row["job"]), row["seen_at"]) for row in ordered)


def _after(moment: datetime, seconds: int) -> str:
    return stamp(moment + timedelta(seconds=seconds))
