"""The prices that the planner reads, as one immutable record: bundled facts, or the catalog's current view."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from knowledge.facts import ApiPrice, CardPrice, Instance
from knowledge.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class Market:
    """Rented machines, API prices and cards. `digest` names the prices, `as_of` is the newest date among them."""

    instances: tuple[Instance, ...]
    api_prices: tuple[ApiPrice, ...]
    cards: Mapping[str, CardPrice]
    digest: str
    as_of: str

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        # A read-only view of cards cannot be sent to another process.
        return Market, (self.instances, self.api_prices, dict(self.cards), self.digest, self.as_of)

    @staticmethod
    def bundled(snapshot: Snapshot) -> "Market":
        """The prices that ship with the snapshot."""
        return _bundled(snapshot)


@lru_cache(maxsize=4)
def _bundled(snapshot: Snapshot) -> Market:
    return Market(
        instances=snapshot.instances,
        api_prices=snapshot.api_prices,
        cards=snapshot.cards,
        digest=snapshot.version,
        as_of=max(row.source_date for row in snapshot.instances),
    )
