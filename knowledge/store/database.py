"""Open the price store under the state directory, building it from the bundled facts at first use; read from it."""

import os
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from knowledge.errors import StateUnusable
from knowledge.snapshot import Snapshot
from knowledge.store.merge import Changes, merge
from knowledge.store.models import ExtendedSnapshot
from knowledge.store.offer import Offer, from_api_price, from_instance
from knowledge.store.schema import OFFER_COLUMNS, upgrade, version_of

FILE_NAME = "prices.sqlite3"
BUNDLED = "bundled"
BUNDLED_TIER = 0
BUSY_TIMEOUT_S = 60.0  # another process may be in the middle of a sync
_VIEW = ", ".join(
    f"o.view_{name}" if name in {"corroborated_by", "flags", "confidence"} else f"o.{name}" for name in OFFER_COLUMNS
)
_BUILDING = threading.Lock()
_SPLIT = OFFER_COLUMNS.index("corroborated_by")  # the two listed columns stand side by side


@dataclass(frozen=True, slots=True)
class PriceEvent:
    """One line of the history: an offer was added, changed or removed by a source."""

    recorded_at: str
    origin: str
    sku_key: str
    event: str
    old_usd: float | None
    new_usd: float | None
    unit_name: str
    source_date: str


@dataclass(frozen=True, slots=True)
class SourceState:
    """When a source was last asked, what came of it, and how many rows stand from it."""

    origin: str
    tier: int
    rows: int
    last_attempt: str
    last_success: str | None
    outcome: str
    detail: str


class Store:
    """Prices of every source. Offers that are read are those of the current view, one per price.

    May move between threads, but serves one at a time.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    @property
    def digest(self) -> str:
        """Short digest of the current view: two stores with the same digest hold the same prices."""
        return self.fact("digest") or ""

    def fact(self, name: str) -> str | None:
        row = self.connection.execute("SELECT value FROM facts WHERE name = ?", [name]).fetchone()
        return None if row is None else str(row[0])

    def offers(self, **equal: str) -> list[Offer]:
        """Offers of the current view whose columns equal what is given, as in `workload_type="rerank"`."""
        unknown = equal.keys() - set(OFFER_COLUMNS)
        if unknown:
            raise KeyError(f"no such column: {', '.join(sorted(unknown))}")
        where = "".join(f" AND o.{column} = ?" for column in equal)
        return self._read(f"SELECT {_VIEW} FROM offers o WHERE o.current = 1{where}", list(equal.values()))

    def offers_of(self, origin: str) -> list[Offer]:
        """Return everything that a source says, shown or not."""
        names = ", ".join(f"o.{name}" for name in OFFER_COLUMNS)
        return self._read(f"SELECT {names} FROM offers o WHERE o.origin = ? AND o.removed_on IS NULL", [origin])

    def prices_of(self, origin: str) -> dict[str, float]:
        """Return the prices of a source by their names."""
        query = "SELECT sku_key, unit_price_usd FROM offers WHERE origin = ? AND removed_on IS NULL"
        return dict(self.connection.execute(query, [origin]).fetchall())

    def layers(self, sku_key: str) -> list[tuple[str, Offer, bool]]:
        """What each source says of one price: (source, its row, whether the current view shows it)."""
        names = ", ".join(f"o.{name}" for name in OFFER_COLUMNS)
        rows = self.connection.execute(
            f"SELECT o.origin, o.current, {names} FROM offers o WHERE o.sku_key = ? AND o.removed_on IS NULL "
            "ORDER BY o.current DESC, o.tier DESC, o.origin",
            [sku_key],
        )
        return [(row[0], _offer(row[2:]), bool(row[1])) for row in rows]

    def layered(self) -> list[tuple[str, Offer]]:
        """Return every row of every source, as (who says so, its row); a bundled row names its own source."""
        names = ", ".join(f"o.{name}" for name in OFFER_COLUMNS)
        rows = self.connection.execute(f"SELECT o.origin, {names} FROM offers o WHERE o.removed_on IS NULL")
        read = ((row[0], _offer(row[1:])) for row in rows)
        return [(offer.source_kind if origin == BUNDLED else origin, offer) for origin, offer in read]

    def counts(self, stale_before: str) -> tuple[int, int, int]:
        """Count the shown prices, those whose source is older than a day (ISO), and those that sources dispute."""
        row = self.connection.execute(
            "SELECT count(*), sum(source_date < ?), sum(view_flags LIKE '%differs:%') FROM offers WHERE current = 1",
            [stale_before],
        ).fetchone()
        return int(row[0]), int(row[1] or 0), int(row[2] or 0)

    def search(self, text: str, limit: int = 50) -> list[Offer]:
        """Find offers whose names hold every word, by the start of words; best match first, at most `limit`."""
        words = re.findall(r"\w+", text.lower())
        if not words:
            return []
        query = " ".join(f'"{word}"*' for word in words)
        return self._read(
            f"SELECT {_VIEW} FROM offers_fts f JOIN offers o ON o.id = f.rowid "
            "WHERE offers_fts MATCH ? AND o.current = 1 ORDER BY f.rank LIMIT ?",
            [query, limit],
        )

    def names(self, column: Literal["provider", "model_slug", "sku_name"], workload_type: str = "%") -> list[str]:
        """Return every seller, model or product of the current prices, of a workload where one is named, in order."""
        query = f"SELECT DISTINCT {column} FROM offers WHERE current = 1 AND workload_type LIKE ? ORDER BY {column}"
        rows = self.connection.execute(query, [workload_type])
        return [str(row[0]) for row in rows]

    def history(self, sku_key: str) -> list[PriceEvent]:
        """Return everything that happened to one price, oldest first."""
        return self._events("WHERE sku_key = ? ORDER BY id", [sku_key])

    def events(self, since: str, until: str) -> list[PriceEvent]:
        """Return what was recorded from the instant `since` until before `until` (ISO, UTC), oldest first."""
        return self._events("WHERE recorded_at >= ? AND recorded_at < ? ORDER BY id", [since, until])

    def sources(self) -> list[SourceState]:
        """Return what is known of each source, the strongest tier first."""
        columns = "origin, tier, rows, last_attempt, last_success, outcome, detail"
        rows = self.connection.execute(f"SELECT {columns} FROM sources ORDER BY tier DESC, origin")
        return [SourceState(*row) for row in rows]

    def etags(self) -> dict[str, str]:
        """Return what servers called their last answers, by address."""
        return dict(self.connection.execute("SELECT url, etag FROM validators").fetchall())

    def merge(
        self,
        origin: str,
        tier: int,
        offers: Sequence[Offer],
        at: datetime,
        *,
        complete: bool,
        etags: Mapping[str, str] | None = None,
        detail: str = "",
    ) -> Changes:
        """Take in what a source says, whole or not at all; `complete` says that what it no longer names is gone."""
        with self.writing():
            changes = merge(self.connection, origin, tier, offers, at, complete=complete)
            self.connection.executemany("INSERT OR REPLACE INTO validators VALUES (?, ?)", list((etags or {}).items()))
            self._note(origin, tier, at, "merged", detail, success=True)
        return changes

    def note(self, origin: str, tier: int, at: datetime, outcome: str, detail: str, *, success: bool = False) -> None:
        """Record that a source was asked and what came of it, without touching a price."""
        with self.writing():
            if success:
                day = at.date().isoformat()
                self.connection.execute("UPDATE offers SET last_verified = ? WHERE origin = ?", [day, origin])
            self._note(origin, tier, at, outcome, detail, success=success)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction; what goes wrong in it leaves the store as it was."""
        with _readable(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.connection.rollback()
                raise
            self.connection.commit()

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note(self, origin: str, tier: int, at: datetime, outcome: str, detail: str, *, success: bool) -> None:
        rows = self.connection.execute(
            "SELECT count(*) FROM offers WHERE origin = ? AND removed_on IS NULL", [origin]
        ).fetchone()[0]
        now = _instant(at)
        self.connection.execute(
            "INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET "
            "tier = excluded.tier, rows = excluded.rows, last_attempt = excluded.last_attempt, "
            "last_success = coalesce(excluded.last_success, last_success), outcome = excluded.outcome, "
            "detail = excluded.detail",
            [origin, tier, rows, now, now if success else None, outcome, detail],
        )

    def _read(self, query: str, values: Sequence[Any]) -> list[Offer]:
        return [_offer(row) for row in self.connection.execute(query, values)]

    def _events(self, where: str, values: Sequence[Any]) -> list[PriceEvent]:
        columns = "recorded_at, origin, sku_key, event, old_usd, new_usd, unit_name, source_date"
        return [
            PriceEvent(*row) for row in self.connection.execute(f"SELECT {columns} FROM price_history {where}", values)
        ]


def open_store(home: Path, snapshot: Snapshot, *, now: datetime | None = None) -> Store:
    """Open the store under `home`, built or refreshed from the bundled facts where needed.

    Raises `StateUnusable` when the directory cannot be written at first use, the file is damaged, or it is from a
    newer Sextant. A store that exists is readable even where it cannot be written.
    """
    at = now or datetime.now(UTC)
    path = home / FILE_NAME
    facts = snapshot.bundled if isinstance(snapshot, ExtendedSnapshot) else snapshot
    with _readable(path):
        if not path.exists():
            with _BUILDING:
                if not path.exists():  # threads that ask first together wait for one of them
                    _build(path, facts, at)
        store = Store(_connect(path), path)
        writable = os.access(path, os.W_OK)
        if writable or version_of(store.connection) == 0:
            upgrade(store.connection)
        if writable and store.fact("bundled") != facts.version:
            _take_bundled(store, facts, at)
    return store


def _build(path: Path, snapshot: Snapshot, at: datetime) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        connection = _connect(unfinished)
        connection.execute("PRAGMA synchronous = OFF")  # a crash leaves only the unfinished file behind
        connection.execute("PRAGMA journal_mode = MEMORY")
        with closing(Store(connection, unfinished)) as store:
            upgrade(store.connection)
            _take_bundled(store, snapshot, at)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _take_bundled(store: Store, snapshot: Snapshot, at: datetime) -> None:
    offers = bundled_offers(snapshot)
    with store.writing():
        merge(store.connection, BUNDLED, BUNDLED_TIER, offers, at, complete=True, verified=False)
        store.connection.execute("INSERT OR REPLACE INTO facts VALUES ('bundled', ?)", [snapshot.version])
        store._note(BUNDLED, BUNDLED_TIER, at, "merged", f"snapshot {snapshot.version}", success=True)


def bundled_offers(snapshot: Snapshot) -> list[Offer]:
    """Every price that ships: APIs, service tiers, retired models, rented machines; the first of a name counts."""
    prices = chain(snapshot.api_prices, snapshot.api_service_tiers, snapshot.api_prices_retired)
    rentals = chain.from_iterable(map(from_instance, snapshot.instances))
    return unique(chain(map(from_api_price, prices), rentals))


def unique(offers: Iterable[Offer]) -> list[Offer]:
    """Keep the first offer of each name."""
    kept: dict[str, Offer] = {}
    for offer in offers:
        kept.setdefault(offer.sku_key, offer)
    return list(kept.values())


def _connect(path: Path) -> sqlite3.Connection:
    writable = not path.exists() or os.access(path, os.W_OK)
    uri = f"{path.absolute().as_uri()}?mode={'rwc' if writable else 'ro'}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into one line and a cure."""
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as error:
        raise StateUnusable(
            f"the price store {path} cannot be used: {error}",
            "check free space and permissions, name another SEXTANT_HOME, or delete the file to build it anew",
        ) from error


def _offer(row: Sequence[Any]) -> Offer:
    cells = list(row)
    for place in (_SPLIT, _SPLIT + 1):
        cells[place] = tuple(cells[place].split(";")) if cells[place] else ()
    return Offer(*cells)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
