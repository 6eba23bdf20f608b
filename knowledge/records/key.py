"""API keys: shown once, kept as a hash, for an owner, with scopes, an end and a way to take them back."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from knowledge.errors import BadInput, NotAllowed, NotFound
from knowledge.records.audit import AuditEntry, append
from knowledge.records.clock import Clock, stamp
from knowledge.records.database import Database

SCOPES = ("plan", "catalog", "invoices", "sessions", "deploy", "admin")
PREFIX = "sextant"
ID_BYTES, SECRET_BYTES = 4, 32
USE_NOTED_EVERY = timedelta(hours=1)
MAX_NAME_CHARS = 100


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; its secret is not. Times are UTC, ISO 8601; `last_used_at` is exact to the hour."""

    key_id: str
    name: str
    owner: str
    scopes: frozenset[str]
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None
    last_used_at: str | None = None

    @property
    def prefix(self) -> str:
        """How its token begins."""
        return f"{PREFIX}_{self.key_id}_"

    def state(self, now: str) -> str:
        """`active`, `expired` or `revoked` at an instant."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= now else "active"


class Keys:
    """The keys of one database. Only the SHA-256 of a token is kept: it is random, so nothing slower is needed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self, name: str, *, owner: str, scopes: Iterable[str], who: str, lasts: timedelta | None = None
    ) -> tuple[str, Key]:
        """The token, which nobody can be shown again, and what is known of it. Raises BadInput."""
        wanted = frozenset(scopes)
        if unknown := sorted(wanted - set(SCOPES)):
            raise BadInput(f"unknown scope: {unknown[0][:40]!r}", f"one of {', '.join(SCOPES)}", field="scope")
        if not wanted:
            raise BadInput("a key needs a scope", f"some of {', '.join(SCOPES)}", field="scope")
        if not name.strip() or not name.isprintable() or len(name) > MAX_NAME_CHARS:
            raise BadInput(f"not a usable name: {name[:40]!r}", "say what the key is for", field="name")
        now = self._clock()
        ends = _end(now, lasts)
        key = Key(secrets.token_hex(ID_BYTES), name, owner, wanted, stamp(now), ends)
        token = key.prefix + secrets.token_urlsafe(SECRET_BYTES)
        told = ",".join(scope for scope in SCOPES if scope in wanted)
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO api_keys (key_id, name, owner, scopes, hash, created_at, expires_at) "
                "VALUES (:key_id, :name, :owner, :scopes, :hash, :created_at, :expires_at)",
                {"key_id": key.key_id, "name": name, "owner": owner, "scopes": told, "hash": _hash(token),
                 "created_at": key.created_at, "expires_at": ends},
            )  # fmt: skip
            append(connection, AuditEntry(key.created_at, who, "create key", key.key_id, "", f"{told} for {owner}"))
        return token, key

    def find(self, token: str) -> Key:
        """The key of a token that may be used now. Raises NotAllowed, which tells only its holder why not."""
        parts = token.split("_", 2)
        row = self._row(parts[1]) if len(parts) == 3 and parts[0] == PREFIX else None
        if row is None or not hmac.compare_digest(_hash(token), row["hash"]):
            raise NotAllowed("this is no key of this server", "see sextant keys list")
        key, now = _key(row), self._clock()
        if (state := key.state(stamp(now))) != "active":
            raise NotAllowed(f"the key {key.key_id} is {state}", "make another: sextant keys create")
        if key.last_used_at is None or key.last_used_at < stamp(now - USE_NOTED_EVERY):
            with self._database.write() as connection:
                connection.execute(
                    "UPDATE api_keys SET last_used_at = :now WHERE key_id = :key_id",
                    {"now": stamp(now), "key_id": key.key_id},
                )
        return key

    def revoke(self, named: str, *, who: str) -> Key:
        """Take back a key by its id, or by its name where one active key has it. Raises NotFound. Repeatable."""
        found = [key for key in self.all() if named in (key.key_id, key.prefix)]
        found = found or [key for key in self.all() if key.name == named and not key.revoked_at]
        if len(found) != 1:
            raise NotFound("key", named, tuple(key.key_id for key in self.all())[:3])
        now = stamp(self._clock())
        with self._database.write() as connection:
            changed = connection.execute(
                "UPDATE api_keys SET revoked_at = :now WHERE key_id = :key_id AND revoked_at IS NULL",
                {"now": now, "key_id": found[0].key_id},
            ).rowcount
            if changed:
                append(connection, AuditEntry(now, who, "revoke key", found[0].key_id, "", "revoked"))
        row = self._row(found[0].key_id)
        return _key(row)

    def all(self) -> tuple[Key, ...]:
        """Every key, newest first."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM api_keys ORDER BY created_at DESC, key_id").fetchall()
        return tuple(map(_key, rows))

    def _row(self, key_id: str) -> Any:
        with self._database.read() as connection:
            return connection.execute("SELECT * FROM api_keys WHERE key_id = :key_id", {"key_id": key_id}).fetchone()


def _end(now: datetime, lasts: timedelta | None) -> str | None:
    if lasts is None:
        return None
    try:
        return stamp(now + lasts)
    except OverflowError as error:
        raise BadInput("that is longer than the calendar", "for example 90d", field="expires") from error


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: Any) -> Key:
    known = {name: row[name] for name in ("key_id", "name", "owner", "created_at", "expires_at", "revoked_at",
                                          "last_used_at")}  # fmt: skip
    return Key(**known, scopes=frozenset(row["scopes"].split(",")))
