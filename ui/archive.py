"""Backups: everything that Sextant keeps, as one file that either kind of database can be filled from.

A zip of JSON lines and of the state directory's files, with a digest for each member, readable by its owner only. What
can be made again (logs, run files, the web chat's program) is left out, and so is the key that signs who signed in.
Conversations are read before records: what a conversation began in between is then recorded, and is not done twice.
"""

import json
import os
import sqlite3
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from agent.checkpoints import Saver, open_checkpoints, put, taken, threads
from knowledge.errors import BadInput, Conflict, StateUnusable
from knowledge.files import write_whole
from knowledge.records import Records, stamp, utc_now
from knowledge.records.archive import SCHEMA, filled, put_rows, rows
from ui.opening import CONVERSATIONS
from ui.records import own_records
from ui.settings import Settings

FORMAT = 1
MANIFEST = "backup.json"
CONVERSATION_LINES = "conversations.jsonl"
MAX_MEMBER_BYTES = 4_000_000_000
_SKIPPED = ("web", "deployments", "slack-files")
_SKIPPED_SUFFIXES = (".lock", "-wal", "-shm", ".tmp", ".part", ".unfinished")
_DATABASES = (".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds. `digests` are SHA-256 by member; `counts` are rows, conversations and files."""

    format: int
    schema: int
    made_at: str
    counts: dict[str, int]
    digests: dict[str, str]


async def back_up(settings: Settings, file: Path) -> Backup:
    """Write a backup, whole or not at all. Raises BadInput when the place cannot be written."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    counts, digests = {"conversations": 0, "files": 0}, {}
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:

            def add(name: str, body: bytes) -> None:
                archive.writestr(name, body)
                digests[name] = sha256(body).hexdigest()

            async with opened_stores(settings) as (records, saver):
                lines = [json.dumps(await taken(saver, thread)) + "\n" for thread in await threads(saver)]
                counts["conversations"] = len(lines)
                add(CONVERSATION_LINES, "".join(lines).encode())
                for table, found in rows(records.database):
                    counts[table] = len(found)
                    add(f"records/{table}.jsonl", "".join(json.dumps(row) + "\n" for row in found).encode())
            for path in _files(settings.home):
                counts["files"] += 1
                add(f"files/{path.relative_to(settings.home).as_posix()}", _body(path))
            made = Backup(FORMAT, SCHEMA, stamp(utc_now()), counts, digests)
            archive.writestr(MANIFEST, json.dumps(asdict(made), indent=1))
        draft.replace(file)
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}", "choose another place", field="file") from error
    finally:
        draft.unlink(missing_ok=True)
    return made


async def restore(settings: Settings, file: Path) -> Backup:
    """Fill an empty state directory and database from a backup, checked whole before anything is written.

    Raises BadInput for what is no backup or is damaged, StateUnusable for one of a newer version, and Conflict where
    there is something already.
    """
    with _archive(file) as archive:
        backup = _checked(archive, file)
        async with opened_stores(settings) as (records, saver):
            present = filled(records.database) or ("conversations" if await threads(saver) else "")
            present = present or next((path.name for path in _files(settings.home)), "")
            if present:
                raise Conflict(
                    f"there is something already: {present}",
                    "restore into an empty SEXTANT_HOME, and an empty database if SEXTANT_DATABASE_URL is set",
                )
            try:
                for record in _lines(archive, CONVERSATION_LINES):
                    await put(saver, record)
                put_rows(records.database, _tables(archive))
            except BaseException:
                for thread in await threads(saver):
                    await saver.adelete_thread(thread)
                raise
        for name in archive.namelist():
            if name.startswith("files/"):
                _put_file(settings.home, PurePosixPath(name).relative_to("files"), archive.read(name))
    return backup


@asynccontextmanager
async def opened_stores(settings: Settings) -> AsyncIterator[tuple[Records, Saver]]:
    """The records and conversations that the settings name. Raises StateUnusable and Unavailable."""
    records = own_records(settings)
    try:
        async with open_checkpoints(settings.home / CONVERSATIONS, settings.database_url) as (saver, _):
            yield records, saver
    finally:
        records.database.close()


def _files(home: Path) -> Iterator[Path]:
    """What belongs into a backup beside rows and conversations."""
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home)
        if not path.is_file() or path.is_symlink() or inside.parts[0] in _SKIPPED or path.name.startswith("."):
            continue
        if path.name.endswith(_SKIPPED_SUFFIXES) or inside.as_posix() in (CONVERSATIONS, "records.sqlite"):
            continue
        yield path


def _body(path: Path) -> bytes:
    """The bytes of a file; of a database that others may be writing to, as of one moment."""
    if path.suffix not in _DATABASES:
        return path.read_bytes()
    with TemporaryDirectory(prefix="sextant-backup-") as folder:
        copy = Path(folder) / path.name
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return copy.read_bytes()


def _archive(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile) as error:
        raise BadInput(
            f"{file} is no backup: {error}", "give a file that `sextant backup` wrote", field="file"
        ) from error


def _checked(archive: zipfile.ZipFile, file: Path) -> Backup:
    """The manifest, when every member is as it was written."""
    try:
        backup = Backup(**json.loads(archive.read(MANIFEST)))
    except (KeyError, ValueError, TypeError) as error:
        raise BadInput(f"{file} is no backup", "give a file that `sextant backup` wrote", field="file") from error
    if backup.format > FORMAT or backup.schema > SCHEMA:
        raise StateUnusable(f"{file} was written by a newer Sextant (schema {backup.schema})", "update Sextant")
    if sorted(archive.namelist()) != sorted([MANIFEST, *backup.digests]):
        raise BadInput(f"{file} is damaged: it holds other members than it lists", "use another backup", field="file")
    for info in archive.infolist():
        inside = PurePosixPath(info.filename.removeprefix("files/"))
        if ".." in inside.parts or inside.is_absolute():
            raise BadInput(f"{file} holds a file outside the state directory: {inside}", "use another", field="file")
        if info.file_size > MAX_MEMBER_BYTES:
            raise BadInput(f"{file}: {info.filename[:80]} is too large", "use another backup", field="file")
        if info.filename != MANIFEST and _digest(archive, info) != backup.digests[info.filename]:
            raise BadInput(f"{file} is damaged: {info.filename[:80]}", "use another backup", field="file")
    return backup


def _digest(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    try:
        return sha256(archive.read(info)).hexdigest()
    except (zipfile.BadZipFile, OSError, ValueError):
        return ""


def _lines(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, Any]]:
    with archive.open(name) as lines:
        for line in lines:
            yield json.loads(line)


def _tables(archive: zipfile.ZipFile) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for name in archive.namelist():
        if name.startswith("records/"):
            yield PurePosixPath(name).stem, list(_lines(archive, name))


def _put_file(home: Path, inside: PurePosixPath, body: bytes) -> None:
    path = home / inside
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, body, private=True)
