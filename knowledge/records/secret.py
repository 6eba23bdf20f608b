"""Secrets that the processes of one installation share, such as the key that sign-ins are signed with.

They leave the database in no backup.
"""

from collections.abc import Callable

from knowledge.records.database import Database


def shared_secret(database: Database, name: str, make: Callable[[], str]) -> str:
    """The secret of that name; of processes that make one at the same time, all get the one that was first."""
    with database.write() as connection:
        connection.execute("INSERT INTO secrets VALUES (?, ?) ON CONFLICT DO NOTHING", (name, make()))
        row = connection.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()
    return str(row["value"])
