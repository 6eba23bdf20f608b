"""Papers: what a conversation made for somebody to take along, such as the report of a bill. Only its owner gets it."""

import secrets
from dataclasses import dataclass

from knowledge.errors import NotFound
from knowledge.records.clock import Clock, stamp
from knowledge.records.database import Database


@dataclass(frozen=True, slots=True)
class Paper:
    """A text file under an id that cannot be guessed."""

    paper_id: str
    owner: str
    thread: str
    name: str
    media_type: str
    text: str
    made_at: str


class Papers:
    """The papers of one state directory."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def put(self, *, owner: str, thread: str, name: str, media_type: str, text: str) -> Paper:
        """Keep a file."""
        made_at = stamp(self._clock())
        paper = Paper(f"p-{secrets.token_hex(12)}", owner, thread, name, media_type, text, made_at)
        with self._database.write() as connection:
            connection.execute(
                """INSERT INTO papers (paper_id, owner, thread, name, media_type, text, made_at)
                VALUES (:paper_id, :owner, :thread, :name, :media_type, :text, :made_at)""",
                {
                    "paper_id": paper.paper_id,
                    "owner": owner,
                    "thread": thread,
                    "name": name,
                    "media_type": media_type,
                    "text": text,
                    "made_at": made_at,
                },
            )
        return paper

    def get(self, paper_id: str, *, owner: str | None) -> Paper:
        """A paper of its owner, or with None of anybody; NotFound for anybody else, as if it did not exist."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT paper_id, owner, thread, name, media_type, text, made_at FROM papers "
                "WHERE paper_id = :id AND (:owner IS NULL OR owner = :owner)",
                {"id": paper_id, "owner": owner},
            ).fetchone()
        if row is None:
            raise NotFound("file", paper_id)
        return Paper(**row)

    def forget(self, thread: str) -> int:
        """Delete the papers of a conversation; how many there were."""
        with self._database.write() as connection:
            return connection.execute("DELETE FROM papers WHERE thread = ?", (thread,)).rowcount
