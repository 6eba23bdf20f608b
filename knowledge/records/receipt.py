"""Receipts: the first answer to a request with an idempotency key, given again when the request is repeated."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from knowledge.records.clock import Clock, stamp
from knowledge.records.database import Database

KEPT = timedelta(hours=24)
ABANDONED_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Receipt:
    """An answer as it was sent, and the fingerprint of the request that it answers."""

    fingerprint: str
    status: int
    headers: str
    body: bytes


State = Literal["begun", "running"]


class Receipts:
    """The receipts of one database: by who asks and by the key they chose.

    A request that is under way is touched again and again; one that was not for `ABANDONED_AFTER` died with its
    process, and may begin anew. Times are compared as the text that `stamp` writes.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, who: str, key: str) -> State | Receipt:
        """`begun` when this request is now the one under way, `running` when another is, or its receipt."""
        now = self._clock()
        values = {"who": who, "key": key, "now": stamp(now), "dead": stamp(now - ABANDONED_AFTER),
                  "old": stamp(now - KEPT)}  # fmt: skip
        with self._database.write() as connection:
            connection.execute("DELETE FROM receipts WHERE touched_at < :old", values)
            mine = connection.execute(
                """INSERT INTO receipts (who, key, touched_at) VALUES (:who, :key, :now)
                ON CONFLICT (who, key) DO UPDATE SET touched_at = excluded.touched_at
                WHERE receipts.status IS NULL AND receipts.touched_at < :dead""",
                values,
            ).rowcount
            if mine:
                return "begun"
            row = connection.execute("SELECT * FROM receipts WHERE who = :who AND key = :key", values).fetchone()
        if row is None:
            return "running"  # it was given up between the two statements
        return _receipt(row) if row["status"] is not None else "running"

    def touch(self, who: str, key: str) -> None:
        """Say that the request is still under way."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE receipts SET touched_at = :now WHERE who = :who AND key = :key AND status IS NULL",
                {"who": who, "key": key, "now": stamp(self._clock())},
            )

    def keep(self, who: str, key: str, receipt: Receipt) -> None:
        """Keep the answer; it lasts for `KEPT` from now."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE receipts SET fingerprint = :fingerprint, status = :status, headers = :headers, body = :body, "
                "touched_at = :now WHERE who = :who AND key = :key",
                {"who": who, "key": key, "now": stamp(self._clock()), "fingerprint": receipt.fingerprint,
                 "status": receipt.status, "headers": receipt.headers, "body": receipt.body},
            )  # fmt: skip

    def drop(self, who: str, key: str) -> None:
        """Give up a request that changed nothing, so that its key can be used again."""
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM receipts WHERE who = :who AND key = :key AND status IS NULL", {"who": who, "key": key}
            )


def _receipt(row: Any) -> Receipt:
    return Receipt(row["fingerprint"], int(row["status"]), row["headers"], bytes(row["body"]))
