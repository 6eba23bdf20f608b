"""What a price source is: a name, a tier, and a function that fetches its list and returns offers.

A connector fails as a whole (`Unavailable`), and then nothing of it is touched. What it can read but not make sense of
(an unknown unit, a price of zero) it skips with a reason.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol

from knowledge.store.offer import Offer


class Tier(IntEnum):
    """How much a source is believed against others: what was negotiated, then the seller itself, then collections."""

    BUNDLED = 0
    FEED = 1
    PACKAGE = 2
    LIVE = 3
    NEGOTIATED = 4


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in an answer that became no offer, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source said. `complete`: what it does not name is not sold any more. `unchanged`: as at the last sync."""

    offers: tuple[Offer, ...]
    skipped: tuple[Skipped, ...] = ()
    complete: bool = True
    unchanged: bool = False
    etags: Mapping[str, str] = field(default_factory=dict)


class Http(Protocol):
    """How a connector reaches a server. Every call raises `Unavailable` when there is no usable answer."""

    def get_json(
        self, url: str, *, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Get a URL and return its JSON."""

    def get_changed_json(self, url: str, etag: str | None) -> tuple[Any | None, str | None]:
        """Get a URL unless it still has this ETag; return (its JSON or None when unchanged, its ETag)."""

    def post_json(self, url: str, body: Mapping[str, Any]) -> Any:
        """Post JSON and return the JSON of the answer."""

    def lines(self, url: str) -> Iterator[str]:
        """Get a URL and yield its lines as they come, without holding the whole."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a connector may know of the outside. `gpu` turns a seller's name of a machine or card into (accelerator,
    how many of it), with None where it is not one that the catalog knows.
    """

    today: date
    gpu: Callable[[str], tuple[str | None, float | None]]
    keys: Mapping[str, str] = field(default_factory=dict)
    base_urls: Mapping[str, str] = field(default_factory=dict)
    etags: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connector:
    """One price source. `key` names the setting for its key; None where it asks for none."""

    name: str
    tier: Tier
    sells: str
    base_url: str
    key: str | None
    read: Callable[["Connector", Http, Access], Fetched]

    def fetch(self, http: Http, access: Access) -> Fetched:
        """Ask the source for its whole list."""
        return self.read(self, http, access)

    def url(self, access: Access, path: str = "") -> str:
        """Address of one of its pages; the setting of another base counts."""
        return access.base_urls.get(self.name, self.base_url).rstrip("/") + path
