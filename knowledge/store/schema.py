"""Tables of the store and the steps that bring an older file up to date. Steps are only ever appended."""

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from knowledge.errors import StateUnusable

if TYPE_CHECKING:
    from sqlite_utils import Database

_OFFER = {
    "provider": str,
    "workload_type": str,
    "sku_key": str,
    "sku_name": str,
    "model_key": str,
    "model_slug": str,
    "billing_mode": str,
    "direction": str,
    "unit_price_usd": float,
    "unit_name": str,
    "region": str,
    "source_date": str,
    "source_url": str,
    "source_kind": str,
    "confidence": str,
    "corroborated_by": str,
    "flags": str,
    "context_window_tokens": int,
    "max_output_tokens": int,
    "gpu_count": float,
    "vcpus": float,
    "memory_gb": float,
    "output_tok_s": float,
    "ttft_ms": float,
    "last_verified": str,
    "notes": str,
}
OFFER_COLUMNS = tuple(_OFFER)
SEARCHED = ("provider", "workload_type", "sku_name", "model_key", "billing_mode", "region", "notes")


def _prices(database: "Database") -> None:
    """Offers by source, the history of their prices, and what is known of each source."""
    offers = database.table("offers")
    offers.create(
        {
            "id": int,
            "origin": str,
            "tier": int,
            "current": int,
            "removed_on": str,
            "view_flags": str,
            "view_corroborated_by": str,
            "view_confidence": str,
            **_OFFER,
        },
        pk="id",
    )
    offers.create_index(["sku_key", "origin"], unique=True)
    offers.create_index(["workload_type", "current"])
    offers.create_index(["provider", "current"])
    offers.create_index(["origin"])
    offers.enable_fts(SEARCHED, fts_version="FTS5", create_triggers=True)
    database.table("price_history").create(
        {
            "id": int,
            "recorded_at": str,
            "origin": str,
            "sku_key": str,
            "event": str,
            "old_usd": float,
            "new_usd": float,
            "unit_name": str,
            "source_date": str,
        },
        pk="id",
        not_null={"recorded_at", "origin", "sku_key", "event"},
    )
    database.table("price_history").create_index(["sku_key", "id"])
    database.table("price_history").create_index(["recorded_at"])
    for action in ("UPDATE", "DELETE"):
        database.conn.execute(
            f"CREATE TRIGGER price_history_no_{action.lower()} BEFORE {action} ON price_history "
            "BEGIN SELECT RAISE(ABORT, 'price history is only appended'); END"
        )
    database.table("sources").create(
        {
            "origin": str,
            "tier": int,
            "rows": int,
            "last_attempt": str,
            "last_success": str,
            "outcome": str,
            "detail": str,
        },
        pk="origin",
    )
    database.table("facts").create({"name": str, "value": str}, pk="name")


def _validators(database: "Database") -> None:
    """Remember what a server called its last answer (ETag), so that an unchanged list is not read again."""
    database.table("validators").create({"url": str, "etag": str}, pk="url")


STEPS: tuple[Callable[["Database"], None], ...] = (_prices, _validators)
VERSION = len(STEPS)


def version_of(connection: sqlite3.Connection) -> int:
    """Return how many of the steps this file has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def upgrade(connection: sqlite3.Connection) -> None:
    """Run the missing steps, each whole or not at all. Raises `StateUnusable` for a file of a newer Sextant."""
    done = version_of(connection)
    if done > VERSION:
        raise StateUnusable(
            f"the price store has schema {done}, this Sextant knows up to {VERSION}",
            "use the newer Sextant, or name another state directory",
        )
    if done == VERSION:
        return
    from sqlite_utils import Database  # noqa: PLC0415 - slow to import, and only a file that must change needs it

    database = Database(connection)
    for number, step in enumerate(STEPS[done:], start=done + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            step(database)
            connection.execute(f"PRAGMA user_version = {number}")
        except BaseException:
            connection.rollback()
            raise
        connection.commit()
