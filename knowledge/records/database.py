"""Where records are kept: one SQLite file in the state directory, or one PostgreSQL database for several processes.

How a part of Sextant keeps something of its own (keys, inboxes, chat history, deployments):

1. Its tables are appended to `MIGRATIONS` in schema.py, written once in SQLite's words; schema.py says which words
   PostgreSQL has instead. A migration that was released is never changed.
2. A small class takes a `Database` and speaks SQL that both understand, with `:name` or `?` for every value:

       class Keys:
           def __init__(self, database: Database) -> None:
               self._database = database

           def add(self, key: Key) -> bool:
               with self._database.write() as connection:
                   return connection.execute(
                       "INSERT INTO api_keys VALUES (:hash, :owner) ON CONFLICT DO NOTHING", asdict(key)
                   ).rowcount == 1

   `ON CONFLICT`, `RETURNING`, `coalesce`, `lower(a) LIKE lower(b)` are common ground; `rowid`, `INSERT OR …`, `json_…`,
   `ilike`, booleans and `FOR UPDATE` are not. Rows are dicts. Times are text (`stamp`), flags are 0 and 1.
3. To decide once among several processes let the database decide: `INSERT … ON CONFLICT DO NOTHING` or
   `UPDATE … WHERE state = 'free'` and look at `rowcount`. A read followed by a write is no lock on PostgreSQL.

`Records(home, url=…).database` is the open database; in a running server `context.records.database`. Calls block for
as long as the database takes: in a coroutine use `await asyncio.to_thread(…)`. Errors are StateUnusable (cannot be
used as it is) and Unavailable (does not answer now); passwords never appear in them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

Values = Mapping[str, Any] | Sequence[Any]


class Result(Protocol):
    """What a statement gave. `rowcount` is the number of rows it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """One transaction on either database; rows are dicts by column name."""

    def execute(self, query: str, values: Values = (), /) -> Result: ...

    def executemany(self, query: str, rows: Iterable[Values], /) -> object: ...


class Database(ABC):
    """A database at the newest schema version; safe to share between threads."""

    name: str
    """What messages call it: a path, or an address without its password."""

    shared: bool
    """Whether processes on other machines may use it too."""

    @abstractmethod
    def write(self) -> AbstractContextManager[Connection]:
        """A transaction that changes; committed when the block ends, undone when it raises."""

    @abstractmethod
    def read(self) -> AbstractContextManager[Connection]:
        """A consistent view for reading."""

    @abstractmethod
    def hold(self, name: str, *, wait_s: float) -> AbstractContextManager[None]:
        """Be the only one among all machines that holds `name`; a process that dies lets go. Conflict if it is taken.

        A file has one machine, whose processes keep each other out by locks on files: there it does nothing.
        """

    @abstractmethod
    def check(self) -> None:
        """Return when it answers within a few seconds. Raises StateUnusable and Unavailable."""

    @abstractmethod
    def close(self) -> None:
        """Give connections back; the database may not be used any more."""


def open_database(home: Path, url: str | None = None) -> Database:
    """The database behind `url` (postgresql://…), or the file in the state directory `home`, made and migrated.

    Raises StateUnusable when it cannot be used, BadInput for an address that is none, Unavailable when nothing answers.
    """
    if url is None:
        from knowledge.records.sqlite import SqliteDatabase  # noqa: PLC0415 - a database loads what it needs

        return SqliteDatabase(home)
    from knowledge.records.postgres import PostgresDatabase  # noqa: PLC0415 - its driver takes a while to load

    return PostgresDatabase(url)
