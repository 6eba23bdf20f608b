"""Whose conversation a thread in Slack holds, and which of its messages are the newest card and options."""

import json
from collections.abc import Mapping
from typing import Any

from knowledge.records.database import Database


class Threads:
    """Threads by the name of their conversation, in the database of the records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, conversation: str, user: str) -> str:
        """The person whose conversation it is: `user` when it is new."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO slack_threads VALUES (?, ?, '{}') ON CONFLICT DO NOTHING", (conversation, user)
            )
        return self.user(conversation) or user

    def user(self, conversation: str) -> str | None:
        """Whose it is; None when it is nobody's."""
        row = self._row(conversation)
        return None if row is None else str(row["person"])

    def shown(self, conversation: str) -> dict[str, Any]:
        """What was put down last; empty when nothing was."""
        row = self._row(conversation)
        return {} if row is None else dict(json.loads(row["shown"]))

    def put(self, conversation: str, shown: Mapping[str, Any]) -> None:
        """Put down which messages stand."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE slack_threads SET shown = ? WHERE conversation = ?", (json.dumps(shown), conversation)
            )

    def _row(self, conversation: str) -> Any:
        with self._database.read() as connection:
            return connection.execute(
                "SELECT * FROM slack_threads WHERE conversation = ?", (conversation,)
            ).fetchone()  # fmt: skip
