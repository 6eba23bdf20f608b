"""A session door for replays: today's facts and prices, nothing kept, nothing deployed, no language model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.context import Context
from agent.export import Export
from agent.replay import WithheldTarget
from agent.sessions import Sessions, open_sessions
from knowledge.records import Records, utc_now
from knowledge.snapshot import load
from knowledge.store.database import open_store
from knowledge.store.models import with_added_models
from tools.catalog.catalog import Catalog
from tools.catalog.market import market_at
from ui.opening import CONVERSATIONS


@asynccontextmanager
async def replaying(export: Export, home: Path) -> AsyncIterator[Sessions]:
    """Sessions that begin empty and are gone afterwards; ages of prices count from the day of the conversation."""
    bundled = load()
    snapshot = with_added_models(bundled, home)
    began = datetime.fromisoformat(export.inputs[0].at)
    with TemporaryDirectory(prefix="sextant-replay-") as folder:
        context = Context(
            snapshot=snapshot,
            market=market_at(home, bundled, utc_now().date()),
            records=Records(Path(folder)),
            target=WithheldTarget(),
            clock=lambda: began,
            catalog=lambda: Catalog(open_store(home, snapshot), snapshot, began.date()),
        )
        async with open_sessions(Path(folder) / CONVERSATIONS, context) as sessions:
            yield sessions
