"""Backup, restore and retention, on a file and on PostgreSQL, and from one to the other."""

import json
import stat
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from agent.events import Event
from knowledge.errors import BadInput, Conflict, NotFound, StateUnusable
from knowledge.records import Records, utc_now
from knowledge.records.archive import TABLES, rows
from ui.access import PasswordFile
from ui.archive import back_up, restore
from ui.opening import opened
from ui.retention import retain
from ui.settings import Settings

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month"


async def told(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = request.getfixturevalue("database_url") if request.param == "postgres" else None
    return Settings(home=tmp_path / "home", database_url=url)


async def fill(settings: Settings) -> None:
    """A conversation that waits in review with a past, something to take along, and what must stay here."""
    async with opened(time_factor=50, settings=settings) as sessions:
        await told(sessions.say("t", "ann", WORDS))
        await told(sessions.act("t", "ann", "edit", (await sessions.view("t", "ann")).revision, {"total_users": 2000}))
        records = sessions.context.records
        records.audit.add(who="ann", action="look", subject="d-1", result="100 % 'fine' – ∞")
        records.scenarios.put("t", "h100", overrides={"gpu_types": ["H100"]})
        with records.database.write() as connection:
            connection.execute("INSERT INTO secrets VALUES ('sign-in-key', 'hidden')")
    (settings.home / "web").mkdir(parents=True)
    (settings.home / "note.json").write_text("{}")
    (settings.home / "web" / "sign-in-key").write_text("hidden")


def kept(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    records = Records(settings.home, url=settings.database_url)
    try:
        return dict(rows(records.database))
    finally:
        records.database.close()


async def test_a_conversation_goes_on_from_a_backup_on_either_database(settings: Settings, tmp_path: Path) -> None:
    await fill(settings)
    file = tmp_path / "backup.zip"
    made = await back_up(settings, file)
    assert made.counts["conversations"] == 1
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        assert b"hidden" not in b"".join(archive.read(name) for name in archive.namelist())
    other = Settings(home=tmp_path / "other")
    assert await restore(other, file) == made
    assert kept(other) == kept(settings)
    assert (other.home / "note.json").read_text() == "{}"
    async with opened(time_factor=50, settings=settings) as before, opened(time_factor=50, settings=other) as after:
        assert await after.view("t", "ann") == await before.view("t", "ann")
        revision = (await after.view("t", "ann")).revision
        await told(after.act("t", "ann", "undo", revision))
        assert (await after.view("t", "ann")).intent["total_users"] == 1000
        after.context.records.audit.add(who="bob", action="look", subject="d-2", result="seen")
    with pytest.raises(Conflict, match="there is something already"):
        await restore(other, file)


async def test_a_backup_of_a_file_fills_postgres(database_url: str, tmp_path: Path) -> None:
    one, other = Settings(home=tmp_path / "one"), Settings(home=tmp_path / "other", database_url=database_url)
    await fill(one)
    await back_up(one, tmp_path / "backup.zip")
    await restore(other, tmp_path / "backup.zip")
    assert kept(other) == kept(one)
    async with opened(time_factor=50, settings=other) as sessions:
        assert (await sessions.view("t", "ann")).intent["total_users"] == 2000
        await told(sessions.say("t", "ann", "actually 3000 users"))
        assert (await sessions.view("t", "ann")).awaiting == "review"


async def test_what_is_damaged_or_foreign_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    settings, file = Settings(home=tmp_path / "home"), tmp_path / "backup.zip"
    Records(settings.home).audit.add(who="ann", action="look", subject="d-1", result="seen")
    await back_up(settings, file)
    other = Settings(home=tmp_path / "other")
    for changed, error, said in (
        ({"records/audit.jsonl": b"{}\n"}, BadInput, "damaged: records/audit.jsonl"),
        ({"files/escaped": b"x"}, BadInput, "other members than it lists"),
        (listed(file, "files/../../escaped"), BadInput, "outside the state directory"),
        (listed(file, "files//etc/escaped"), BadInput, "outside the state directory"),
        ({"backup.json": b"{}"}, BadInput, "is no backup"),
        ({"backup.json": json.dumps({**manifest(file), "schema": 9999}).encode()}, StateUnusable, "newer Sextant"),
    ):
        with pytest.raises(error, match=said):
            await restore(other, rewritten(file, tmp_path / "changed.zip", changed))
    (tmp_path / "text").write_text("no zip")
    with pytest.raises(BadInput, match="is no backup"):
        await restore(other, tmp_path / "text")
    assert not other.home.exists()
    with pytest.raises(BadInput, match="cannot be written"):
        await back_up(settings, tmp_path / "nowhere" / "backup.zip")


async def test_what_only_its_owner_could_read_is_restored_so(tmp_path: Path) -> None:
    settings, file = Settings(home=tmp_path / "home"), tmp_path / "backup.zip"
    PasswordFile(settings.home / "people").add("ann", "correct horse battery")
    await back_up(settings, file)
    await restore(Settings(home=tmp_path / "other"), file)
    assert stat.S_IMODE((tmp_path / "other" / "people").stat().st_mode) == 0o600


def test_every_table_is_taken_along_but_secrets_and_receipts() -> None:
    assert {"deployments", "outcomes", "audit", "chat_parts", "api_keys", "slack_threads"} <= set(TABLES)
    assert not {"secrets", "receipts"} & set(TABLES)


async def test_old_conversations_are_forgotten_and_the_audit_log_is_not(settings: Settings) -> None:
    await fill(settings)
    later = utc_now() + timedelta(days=100)
    untouched = await retain(settings, timedelta(days=101), now=later, who="ann", dry=False)
    assert untouched.conversations == 0
    dry = await retain(settings, timedelta(days=90), now=later, who="ann", dry=True)
    assert (dry.conversations, dry.rows["scenarios"], dry.rows["conversations"]) == (1, 1, 1)
    before = kept(settings)
    assert before["scenarios"]
    done = await retain(settings, timedelta(days=90), now=later, who="ann", dry=False)
    assert done.rows == dry.rows
    after = kept(settings)
    assert not after["scenarios"]
    assert not after["conversations"]
    assert [entry["action"] for entry in after["audit"]] == ["look", "retention", "retention"]
    async with opened(time_factor=50, settings=settings) as sessions:
        with pytest.raises(NotFound):
            await sessions.view("t", "ann")


def manifest(file: Path) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        found: dict[str, Any] = json.loads(archive.read("backup.json"))
    return found


def listed(file: Path, name: str) -> dict[str, bytes]:
    """One more member, which the manifest lists as it is."""
    body = manifest(file)
    body["digests"][name] = sha256(b"x").hexdigest()
    return {name: b"x", "backup.json": json.dumps(body).encode()}


def rewritten(file: Path, to: Path, changed: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(to, "w") as target:
        for name in {*source.namelist(), *changed}:
            target.writestr(name, changed.get(name) or source.read(name))
    return to
