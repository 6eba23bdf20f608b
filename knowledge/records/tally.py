"""How often something happened in a span of time that begins with its first time, counted by all processes together."""

from datetime import datetime, timedelta

from knowledge.records.clock import Clock, stamp
from knowledge.records.database import Database


class Tallies:
    """The tallies of one database, by key."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, key: str, span_s: int) -> tuple[int, datetime]:
        """Count once more: how often by now, and until when; once that is over the next one begins anew."""
        now = self._clock()
        values = {"key": key, "now": stamp(now), "ends": stamp(now + timedelta(seconds=span_s))}
        with self._database.write() as connection:
            row = connection.execute(
                """INSERT INTO tallies (key, times, ends_at) VALUES (:key, 1, :ends)
                ON CONFLICT (key) DO UPDATE SET
                times = CASE WHEN tallies.ends_at > :now THEN tallies.times + 1 ELSE 1 END,
                ends_at = CASE WHEN tallies.ends_at > :now THEN tallies.ends_at ELSE excluded.ends_at END
                RETURNING times, ends_at""",
                values,
            ).fetchone()
        if row["times"] == 1:  # in a transaction of its own, so that nobody waits for two rows at once
            with self._database.write() as connection:
                connection.execute("DELETE FROM tallies WHERE ends_at <= :now", values)
        return int(row["times"]), datetime.fromisoformat(row["ends_at"])

    def look(self, key: str, span_s: int) -> tuple[int, datetime]:
        """The same, counting nothing."""
        now = self._clock()
        query = "SELECT times, ends_at FROM tallies WHERE key = :key AND ends_at > :now"
        with self._database.read() as connection:
            row = connection.execute(query, {"key": key, "now": stamp(now)}).fetchone()
        if row is None:
            return 0, now + timedelta(seconds=span_s)
        return int(row["times"]), datetime.fromisoformat(row["ends_at"])
