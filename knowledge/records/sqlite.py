"""The SQLite file behind the records: opening, migrating, and saying plainly what is wrong with it.

A connection lives for one transaction only, so threads and processes share nothing but the file. Writers take the
lock at once (`BEGIN IMMEDIATE`) and so never meet a stale read.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from knowledge.errors import SextantError, StateUnusable, Unavailable
from knowledge.records.database import Connection, Database
from knowledge.records.schema import MIGRATIONS, sqlite_form

FILE_NAME = "records.sqlite"
BUSY_TIMEOUT_S = 15.0


class SqliteDatabase(Database):
    """One SQLite file under the state directory `home`, at the newest schema version.

    Raises StateUnusable when the directory or file is read-only, full, corrupt or from a newer version, and
    Unavailable when another process holds the file longer than `BUSY_TIMEOUT_S`. Nothing is half-written.
    """

    shared = False

    def __init__(self, home: Path) -> None:
        self.path = home / FILE_NAME
        self.name = str(self.path)
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)  # conversations are nobody else's to read
        except OSError as error:
            raise StateUnusable(
                f"the state directory {home} cannot be used: {error.strerror}",
                "set SEXTANT_HOME to a directory you can write to",
            ) from error
        self._migrate()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._connection() as connection:
            connection.execute("BEGIN")
            yield connection

    def hold(self, name: str, *, wait_s: float) -> AbstractContextManager[None]:  # noqa: ARG002 - see Database
        return nullcontext()

    def check(self) -> None:
        with self.read() as connection:
            connection.execute("SELECT count(*) FROM deployments")

    def close(self) -> None:
        """Nothing is open between two transactions."""

    def _migrate(self) -> None:
        with self._connection() as connection:
            version = _version(connection)
        if version > len(MIGRATIONS):
            raise StateUnusable(
                f"{self.path} was written by a newer Sextant (schema {version}, this one knows {len(MIGRATIONS)})",
                "upgrade Sextant, or set SEXTANT_HOME to another directory",
            )
        if version == len(MIGRATIONS):
            return
        with self.write() as connection:
            version = _version(connection)
            for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
                for statement in statements:
                    connection.execute(sqlite_form(statement))
                connection.execute(f"PRAGMA user_version = {number}")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error
        try:
            connection.row_factory = _named
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            yield connection
        except sqlite3.DatabaseError as error:
            raise unusable(self.path, error) from error
        finally:
            connection.close()


def _named(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _version(connection: Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()["user_version"])


def unusable(path: Path, error: sqlite3.Error) -> SextantError:
    """What is wrong with the file, as an error that says what to do; anything else is a programming error, raised."""
    primary = error.sqlite_errorcode & 0xFF if hasattr(error, "sqlite_errorcode") else None
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StateUnusable(
            f"{path} cannot be written: {error}",
            "make the directory writable, or set SEXTANT_HOME to one that is",
        )
    if primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM):
        return StateUnusable(
            f"{path} could not be written: {error}", "free some space on that disk, or set SEXTANT_HOME to another one"
        )
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StateUnusable(
            f"{path} is damaged: {error}", f"move {path.name} aside (a new one is made) or restore it from a backup"
        )
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Unavailable(f"{path} is held by another process", "try again in a moment")
    raise error
