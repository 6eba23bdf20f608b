"""Chats from before they were kept with the records: taken over once from the file that they had of their own."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from knowledge.errors import StateUnusable
from knowledge.records.database import Database

OLD_FILE = "chat-history.db"


def adopt_chats(folder: Path, database: Database) -> None:
    """Take over what an earlier version left in `folder`, whole or not at all. Raises StateUnusable."""
    file = folder / OLD_FILE
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(file)) as old:
            people = old.execute("SELECT identifier, created_at FROM people").fetchall()
            threads = old.execute("SELECT id, owner, name, created_at, updated_at, metadata FROM threads").fetchall()
            parts = old.execute("SELECT kind, id, thread, body FROM parts ORDER BY rowid").fetchall()
    except sqlite3.Error as error:
        raise StateUnusable(f"cannot read earlier chats in {file}: {error}", "move the file aside") from error
    with database.write() as connection:
        connection.executemany("INSERT INTO chat_people VALUES (?, ?) ON CONFLICT DO NOTHING", people)
        connection.executemany(
            "INSERT INTO chat_threads (id, owner, name, created_at, updated_at, metadata) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            threads,
        )
        connection.executemany(
            "INSERT INTO chat_parts (kind, id, thread, body, words) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(*part, str(json.loads(part[3]).get("output") or "")) for part in parts],
        )
    for each in (file, file.with_name(f"{OLD_FILE}-wal"), file.with_name(f"{OLD_FILE}-shm")):
        each.unlink(missing_ok=True)
