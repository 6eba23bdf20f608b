"""Take the rows of one source into the store: what changed goes to the history, and the current view follows.

Several sources may know one price. The view shows the row of the strongest tier among those that are at most two weeks
older than the newest; a negotiated price always wins. What the others say stands beside it.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from operator import attrgetter
from typing import Any

from knowledge.store.offer import Offer
from knowledge.store.schema import OFFER_COLUMNS

NEGOTIATED_TIER = 4
STALE_DAYS = 14
SAME_PRICE = 0.01  # relative; sources that agree within 1 % corroborate one another
DIGEST_DIGITS = 12
DIFFERS = "differs:"
LASTING_FLAGS = ("deprecated", "retired", "retires", "reseller", "outlier", "volume_tier", "verify_service_still_sold")


@dataclass(frozen=True, slots=True)
class Changes:
    """What a source's rows changed: counts, and each price that moved as (sku_key, old USD, new USD)."""

    added: int
    removed: int
    unchanged: int
    changed: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class _Layer:
    row_id: int
    sku_key: str
    origin: str
    tier: int
    current: int
    removed_on: str | None
    unit_price_usd: float
    source_date: str
    source_kind: str
    source_url: str
    confidence: str
    flags: str
    corroborated_by: str
    view_flags: str | None
    view_corroborated_by: str | None
    view_confidence: str | None

    @property
    def source(self) -> str:
        """Who says so: of a bundled row the source that it was taken from."""
        return self.source_kind if self.tier == 0 else self.origin


def merge(
    connection: sqlite3.Connection,
    origin: str,
    tier: int,
    offers: Sequence[Offer],
    at: datetime,
    *,
    complete: bool,
    verified: bool = True,
) -> Changes:
    """Replace what `origin` said by `offers`, inside the caller's transaction.

    With `complete` False the source was read in part: nothing of it is removed. `verified` stamps the rows with the
    day of the reading.
    """
    day = at.astimezone(UTC).date().isoformat()
    known: dict[str, float | None] = {
        key: None if removed else usd
        for key, usd, removed in connection.execute(
            "SELECT sku_key, unit_price_usd, removed_on FROM offers WHERE origin = ?", [origin]
        )
    }
    stands = {key for key, usd in known.items() if usd is not None}
    gone = sorted(stands - {offer.sku_key for offer in offers}) if complete else []
    events = [_event(offer, known.get(offer.sku_key)) for offer in offers]
    first = not connection.execute("SELECT 1 FROM offers LIMIT 1").fetchone()
    _write(connection, origin, tier, offers, current=int(first), verified=day if verified else None)
    connection.executemany(
        "UPDATE offers SET removed_on = ?, current = 0 WHERE sku_key = ? AND origin = ?",
        [(day, key, origin) for key in gone],
    )
    _record(connection, at, origin, [event for event in events if event], gone)
    if not first:
        _refresh_view(connection)
    _refresh_digest(connection)
    changed = tuple((key, old, new) for key, kind, old, new, *_ in filter(None, events) if kind == "changed")
    added = sum(1 for event in events if event and event[1] == "added")
    return Changes(added, len(gone), len(offers) - added - len(changed), changed)


def _event(offer: Offer, old_usd: float | None) -> tuple[str, str, float, float, str, str] | None:
    if old_usd is None:
        return offer.sku_key, "added", 0.0, offer.unit_price_usd, offer.unit_name, offer.source_date
    if old_usd == offer.unit_price_usd:
        return None
    return offer.sku_key, "changed", old_usd, offer.unit_price_usd, offer.unit_name, offer.source_date


def _write(
    connection: sqlite3.Connection,
    origin: str,
    tier: int,
    offers: Sequence[Offer],
    *,
    current: int,
    verified: str | None,
) -> None:
    columns = ("origin", "tier", "current", "view_flags", "view_corroborated_by", "view_confidence", *OFFER_COLUMNS)
    updated = ", ".join(f"{name} = excluded.{name}" for name in ("tier", *OFFER_COLUMNS))
    connection.executemany(
        f"INSERT INTO offers ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT (sku_key, origin) DO UPDATE SET {updated}, removed_on = NULL",
        [_row(origin, tier, current, offer, verified) for offer in offers],
    )


def _row(origin: str, tier: int, current: int, offer: Offer, verified: str | None) -> list[Any]:
    cells = list(_CELLS(offer))
    cells[_CORROBORATED] = corroborated = ";".join(offer.corroborated_by)
    cells[_FLAGS] = flags = ";".join(offer.flags)
    cells[_VERIFIED] = verified or offer.last_verified
    return [origin, tier, current, flags, corroborated, offer.confidence, *cells]


_CELLS = attrgetter(*OFFER_COLUMNS)
_CORROBORATED, _FLAGS, _VERIFIED = (OFFER_COLUMNS.index(name) for name in ("corroborated_by", "flags", "last_verified"))


def _record(
    connection: sqlite3.Connection,
    at: datetime,
    origin: str,
    events: Sequence[tuple[str, str, float, float, str, str]],
    gone: Sequence[str],
) -> None:
    now = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    connection.executemany(
        "INSERT INTO price_history (recorded_at, origin, sku_key, event, old_usd, new_usd, unit_name, source_date) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (now, origin, key, kind, None if kind == "added" else old, new, unit, source_date)
            for key, kind, old, new, unit, source_date in events
        ],
    )
    connection.executemany(
        "INSERT INTO price_history (recorded_at, origin, sku_key, event, old_usd, unit_name, source_date) "
        "SELECT ?, origin, sku_key, 'removed', unit_price_usd, unit_name, source_date FROM offers "
        "WHERE sku_key = ? AND origin = ?",
        [(now, key, origin) for key in gone],
    )


def _refresh_view(connection: sqlite3.Connection) -> None:
    columns = ", ".join(f"o.{'id' if name == 'row_id' else name}" for name in _Layer.__slots__)
    by_key: dict[str, list[_Layer]] = defaultdict(list)
    for row in connection.execute(f"SELECT {columns} FROM offers o"):
        by_key[row[1]].append(_Layer(*row))
    updates = []
    for layers in by_key.values():
        layers.sort(key=lambda layer: (-layer.tier, layer.origin))
        shown = shown_of(layers)
        for layer in layers:
            wanted = (int(layer is shown), *(_beside(layer, layers) if layer is shown else _alone(layer)))
            if wanted != (layer.current, layer.view_flags, layer.view_corroborated_by, layer.view_confidence):
                updates.append((*wanted, layer.row_id))
    connection.executemany(
        "UPDATE offers SET current = ?, view_flags = ?, view_corroborated_by = ?, view_confidence = ? WHERE id = ?",
        updates,
    )


def shown_of(layers: Sequence[_Layer]) -> _Layer | None:
    """Return the row that the current view shows of one price; None when the sources that count say it is gone."""
    newest = max(layer.source_date for layer in layers)
    ranked = sorted(
        layers,
        key=lambda layer: (
            layer.tier == NEGOTIATED_TIER,
            _days(layer.source_date, newest) <= STALE_DAYS,
            layer.tier,
            layer.source_date,
            layer.origin,
        ),
        reverse=True,
    )
    gone_on = ""
    for layer in ranked:
        if layer.removed_on:
            gone_on = max(gone_on, layer.removed_on)
        elif layer.source_date >= gone_on:
            return layer
    return None


def _alone(layer: _Layer) -> tuple[str, str, str]:
    return layer.flags, layer.corroborated_by, layer.confidence


def _beside(shown: _Layer, layers: Sequence[_Layer]) -> tuple[str, str, str]:
    """Return the flags, agreeing sources and confidence of the shown row in the light of the others.

    Two sources that agree make a price official where a page is cited; what is known of a model's end of life counts
    whoever says it.
    """
    others = [layer for layer in layers if layer is not shown and not layer.removed_on]
    if not others:
        return _alone(shown)
    flags = [flag for flag in _parts(shown.flags) if not flag.startswith(DIFFERS)]
    flags += [flag for layer in others for flag in _parts(layer.flags) if flag.startswith(LASTING_FLAGS)]
    agreeing = []
    for source, usd in _said([shown, *others]).items():
        if source == shown.source:
            continue
        if abs(usd - shown.unit_price_usd) <= SAME_PRICE * shown.unit_price_usd:
            agreeing.append(source)
        else:
            flags.append(f"{DIFFERS}{source}={usd:g}")
    confirmed = agreeing and shown.confidence == "aggregated" and shown.source_url
    confidence = "official" if confirmed else shown.confidence
    return ";".join(dict.fromkeys(flags)), ";".join(agreeing), confidence


def _said(layers: Sequence[_Layer]) -> dict[str, float]:
    """Return what each source says: first of those that were asked, then what their rows remember of others."""
    said: dict[str, float] = {}
    for layer in layers:
        said.setdefault(layer.source, layer.unit_price_usd)
    for layer in layers:
        for source in _parts(layer.corroborated_by):
            said.setdefault(source, layer.unit_price_usd)
        for flag in _parts(layer.flags):
            source, _, usd = flag.removeprefix(DIFFERS).partition("=")
            if flag.startswith(DIFFERS) and usd:
                said.setdefault(source, float(usd))
    return said


def _parts(text: str) -> list[str]:
    return [part for part in text.split(";") if part]


def _days(earlier: str, later: str) -> int:
    try:
        return (date.fromisoformat(later) - date.fromisoformat(earlier)).days
    except ValueError:
        return STALE_DAYS + 1


def _refresh_digest(connection: sqlite3.Connection) -> None:
    digest = sha256()
    for row in connection.execute(
        "SELECT sku_key, unit_price_usd, view_confidence, source_date, view_flags FROM offers WHERE current = 1 "
        "ORDER BY sku_key"
    ):
        digest.update(repr(row).encode())
    connection.execute("INSERT OR REPLACE INTO facts VALUES ('digest', ?)", [digest.hexdigest()[:DIGEST_DIGITS]])
