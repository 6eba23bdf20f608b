"""Chats of an earlier version appear in the side bar of this one."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from knowledge.errors import StateUnusable
from knowledge.records import Records
from ui.web.adoption import OLD_FILE, adopt_chats

OLD_SCHEMA = """
CREATE TABLE people (identifier TEXT PRIMARY KEY, created_at TEXT NOT NULL);
CREATE TABLE threads (id TEXT PRIMARY KEY, owner TEXT, name TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  metadata TEXT NOT NULL DEFAULT '{}');
CREATE TABLE parts (kind TEXT NOT NULL, id TEXT NOT NULL, thread TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (kind, id));
"""


def test_earlier_chats_are_taken_over_once(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / OLD_FILE)) as old, old:
        old.executescript(OLD_SCHEMA)
        old.execute("INSERT INTO people VALUES ('ann', '2026-11-01')")
        old.execute("INSERT INTO threads VALUES ('t', 'ann', 'a chatbot', '2026-11-01', '2026-11-02', '{}')")
        for name in ("first", "second"):
            old.execute("INSERT INTO parts VALUES ('step', ?, 't', ?)", (name, json.dumps({"output": f"{name} words"})))
    database = Records(tmp_path).database
    adopt_chats(tmp_path, database)
    adopt_chats(tmp_path, database)
    with database.read() as connection:
        parts = connection.execute("SELECT id, words FROM chat_parts WHERE thread = 't' ORDER BY place").fetchall()
        threads = connection.execute("SELECT owner, name FROM chat_threads").fetchall()
    assert parts == [{"id": "first", "words": "first words"}, {"id": "second", "words": "second words"}]
    assert threads == [{"owner": "ann", "name": "a chatbot"}]
    assert not (tmp_path / OLD_FILE).exists()


def test_a_damaged_file_is_named_and_kept(tmp_path: Path) -> None:
    (tmp_path / OLD_FILE).write_text("no database at all")
    with pytest.raises(StateUnusable, match="cannot read earlier chats"):
        adopt_chats(tmp_path, Records(tmp_path).database)
    assert (tmp_path / OLD_FILE).exists()
