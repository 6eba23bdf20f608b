"""What the tools of an MCP server work with: facts, prices and own measurements, without any door to conversations."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from knowledge.records import utc_now
from knowledge.snapshot import load
from knowledge.store.database import open_store
from knowledge.store.models import with_added_models
from tools.catalog.catalog import Catalog
from tools.catalog.market import market_at
from ui.own import own_experience
from ui.settings import Settings

if TYPE_CHECKING:
    from knowledge.snapshot import Snapshot
    from tools.market import Market
    from tools.performance.experience import Experience


@dataclass(frozen=True, slots=True)
class Desk:
    """Read when the server starts; own outcomes and the catalog are read anew at every question."""

    settings: Settings
    snapshot: "Snapshot"
    market: "Market"

    def own(self) -> "Experience":
        """What own deployments and measurements teach."""
        return own_experience()

    @contextmanager
    def catalog(self) -> Iterator[Catalog]:
        """The price catalog for one question."""
        with open_store(self.settings.home, self.snapshot) as store:
            yield Catalog(store, self.snapshot, utc_now().date())


def open_desk(settings: Settings) -> Desk:
    """The desk over the state directory of `settings`. Raises StateUnusable."""
    bundled = load()
    snapshot = with_added_models(bundled, settings.home)
    return Desk(settings, snapshot, market_at(settings.home, bundled, utc_now().date()))
