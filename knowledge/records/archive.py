"""All records as rows to take along, and back into an empty database, also of the other kind."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from knowledge.errors import BadInput
from knowledge.records.database import Connection, Database
from knowledge.records.schema import MIGRATIONS, sqlite_form

Row = dict[str, Any]

_NUMBERED = {"audit": "entry", "chat_parts": "place"}  # the database counts these anew, in the same order
_LEFT_OUT = ("secrets", "receipts", "tallies")  # keys of this installation; answers of a day; requests of a minute
TABLES = tuple(
    name
    for statements in MIGRATIONS
    for statement in statements
    for name in re.findall(r"^CREATE TABLE (\w+)", sqlite_form(statement))
    if name not in _LEFT_OUT
)
SCHEMA = len(MIGRATIONS)


def rows(database: Database) -> Iterator[tuple[str, list[Row]]]:
    """Every table with its rows as of one moment, in the order in which they can be put back."""
    with database.read() as connection:
        for table in TABLES:
            number = _NUMBERED.get(table)
            order = f" ORDER BY {number}" if number else ""
            found = connection.execute(f"SELECT * FROM {table}{order}").fetchall()  # noqa: S608 - own names
            yield table, [{name: value for name, value in row.items() if name != number} for row in found]


def filled(database: Database) -> str:
    """The first table that holds anything, empty if none does."""
    with database.read() as connection:
        return next((table for table in TABLES if _count(connection, table)), "")


def put_rows(database: Database, tables: Iterable[tuple[str, list[Row]]]) -> None:
    """Put rows into an empty database, all or none. Raises BadInput for what this version does not know."""
    with database.write() as connection:
        for table, found in tables:
            if table not in TABLES:
                raise BadInput(f"the backup has a table that this version does not know: {table[:60]}")
            for row in found:
                _put(connection, table, row)


def _put(connection: Connection, table: str, row: Row) -> None:
    if not all(re.fullmatch(r"[a-z_]+", name) for name in row):
        raise BadInput(f"the backup has a column in {table} that cannot be one")
    names, holes = ", ".join(row), ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({holes})", row)  # noqa: S608 - checked names


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) AS n FROM {table}").fetchone()["n"])  # noqa: S608 - own names
