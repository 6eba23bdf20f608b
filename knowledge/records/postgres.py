"""The PostgreSQL database behind the records of several processes: a pool, the same migrations, plain words for errors.

The driver takes a quarter of a second to load, so only an address in `SEXTANT_DATABASE_URL` brings it in.
"""

import logging
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import psycopg
from psycopg import errors
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from knowledge.errors import Conflict, SextantError, StateUnusable, Unavailable
from knowledge.records.address import libpq_options, shown_address, without_password
from knowledge.records.database import Connection, Database, Result, Values
from knowledge.records.schema import MIGRATIONS, postgres_form

WAIT_S = 5.0
CONNECTIONS = 8
STATEMENT_TIMEOUT_MS = 30_000
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_POLL_S = 0.05
_MIGRATING = 0x5E_C7A4  # any number that all versions of Sextant share
_VALUE = re.compile(r"'[^']*'|(?<!:):([a-z_]+)|\?|%")
_UNUSABLE = (
    errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction, errors.DiskFull, errors.UndefinedTable,
    errors.UndefinedColumn, errors.InvalidCatalogName, errors.InvalidAuthorizationSpecification,
)  # fmt: skip

_log = logging.getLogger("sextant.database")
logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # one line of ours instead of one for every attempt


class PostgresDatabase(Database):
    """The database behind a `postgresql://` address, at the newest schema version.

    Raises BadInput for an address that is none, Unavailable when nothing answers, StateUnusable when it refuses.
    """

    shared = True

    def __init__(self, url: str) -> None:
        self.name = shown_address(url)
        self._url = url
        self._away = False
        options = {
            **libpq_options(),
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
            "row_factory": dict_row,
            "cursor_factory": psycopg.ClientCursor,  # the server would not know the type of a value that is NULL
        }
        with explaining(url), psycopg.connect(url, **options) as connection:
            self._migrate(_Postgres(connection))
        self._pool: ConnectionPool[psycopg.Connection[DictRow]] = ConnectionPool(
            url,
            kwargs=options,
            min_size=0,
            max_size=CONNECTIONS,
            timeout=WAIT_S,
            reconnect_timeout=WAIT_S,  # then whoever asks next tries at once, however long the database was away
            check=ConnectionPool.check_connection,
            open=True,
            name="sextant-records",
        )

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._explained(), self._pool.connection() as connection:
            yield _Postgres(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._explained(), self._pool.connection() as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            try:
                yield _Postgres(connection)
            finally:
                if not connection.closed:
                    connection.rollback()
                    connection.isolation_level = None

    @contextmanager
    def hold(self, name: str, *, wait_s: float) -> Iterator[None]:
        with self._explained(), psycopg.connect(self._url, autocommit=True, **libpq_options()) as connection:
            deadline = time.monotonic() + wait_s
            while connection.execute(TRY_LOCK, (name,)).fetchone() != (True,):
                if time.monotonic() >= deadline:
                    raise Conflict(f"another process is changing {name}", "wait for it, or stop it")
                time.sleep(_POLL_S)
            yield

    def check(self) -> None:
        with self.read() as connection:
            connection.execute("SELECT 1")

    def close(self) -> None:
        self._pool.close()

    def _migrate(self, connection: Connection) -> None:
        connection.execute("SELECT pg_advisory_xact_lock(?)", (_MIGRATING,))
        connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
        version = connection.execute("SELECT coalesce(max(version), 0) AS version FROM schema_version").fetchone()[
            "version"
        ]
        if version > len(MIGRATIONS):
            raise StateUnusable(
                f"{self.name} was written by a newer Sextant (schema {version}, this one knows {len(MIGRATIONS)})",
                "upgrade Sextant, or set SEXTANT_DATABASE_URL to another database",
            )
        for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
            for statement in statements:
                connection.execute(postgres_form(statement))
            connection.execute("INSERT INTO schema_version VALUES (?)", (number,))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of the driver as errors of Sextant; the log has a line when it goes away and when it is back."""
        try:
            with explaining(self._url):
                yield
        except Unavailable as error:
            if not self._away:
                self._away = True
                _log.warning("%s", error.message)
            raise
        if self._away:
            self._away = False
            _log.warning("%s answers again", self.name)


class _Postgres:
    """A connection that takes statements in the common form."""

    def __init__(self, connection: psycopg.Connection[DictRow]) -> None:
        self._connection = connection

    def execute(self, query: str, values: Values = (), /) -> Result:
        return self._connection.execute(_translated(query), values)

    def executemany(self, query: str, rows: Iterable[Values], /) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(_translated(query), rows)


@lru_cache(maxsize=500)
def _translated(query: str) -> bytes:
    """`:name` and `?` as psycopg writes them; what stands in quotes is left alone but for `%`."""

    def written(match: re.Match[str]) -> str:
        if match[1]:
            return f"%({match[1]})s"
        return "%s" if match[0] == "?" else match[0].replace("%", "%%")

    return _VALUE.sub(written, query).encode()


@contextmanager
def explaining(url: str) -> Iterator[None]:
    """Errors of the driver as errors of Sextant, for those who keep connections of their own."""
    try:
        yield
    except psycopg.Error as error:
        raise explained(error, url) from None  # what the driver says may hold the password


def explained(error: psycopg.Error, url: str) -> SextantError:
    """What is wrong, as an error that says what to do; anything else is a programming error, raised."""
    name, said = shown_address(url), without_password(" ".join(str(error).split()), url)
    if isinstance(error, _UNUSABLE):
        return StateUnusable(f"{name} cannot be used: {said}", "check SEXTANT_DATABASE_URL and the rights of its user")
    if isinstance(error, PoolTimeout):
        return Unavailable(
            f"{name} does not answer", "check that PostgreSQL runs and can be reached; it is tried again"
        )
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return Unavailable(
            f"{name} does not answer: {said}", "check that PostgreSQL runs and can be reached; it is tried again"
        )
    raise error
