"""Puts the parts together: facts, prices, records and the targets behind one session door."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from agent.backends.opening import backend_of
from agent.context import Context, Monitor
from agent.planner import Facts, planning
from agent.sessions import Sessions, open_sessions
from knowledge.errors import SextantError
from knowledge.records import utc_now
from knowledge.snapshot import load
from knowledge.store.database import open_store
from knowledge.store.models import with_added_models
from tools.catalog.catalog import Catalog
from tools.catalog.market import market_at
from tools.deploy.local import LocalTarget
from ui.concurrency import bounds
from ui.measured import measured_residual
from ui.records import own_records
from ui.settings import Settings, read_settings
from ui.targets import cluster_place

CONVERSATIONS = "conversations.db"
LOOK_EVERY_S = 30.0


@asynccontextmanager
async def opened(
    *,
    time_factor: float,
    settings: Settings | None = None,
    tied: bool = False,
    approved_only: bool = False,
    planners: int = 0,
) -> AsyncIterator[Sessions]:
    """Sessions over the state directory; with `tied`, what they deploy ends with this process.

    `approved_only` leaves out added models that nobody approved; plans are made by up to `planners` processes beside
    this one, or in it when that is 0. Raises StateUnusable.
    """
    read = settings or read_settings()
    home = read.home
    records = own_records(read)
    bundled = load()
    snapshot = with_added_models(bundled, home, approved_only=approved_only)
    target = LocalTarget(home, records=records, tied=tied)
    target.reconcile()
    facts = Facts(snapshot, market_at(home, bundled, utc_now().date()), measured_residual(home))
    context = Context(
        snapshot=snapshot,
        market=facts.market,
        records=records,
        target=target,
        clock=utc_now,
        catalog=lambda: Catalog(open_store(home, snapshot), snapshot, utc_now().date()),
        backend=backend_of(read.language_model),
        time_factor=time_factor,
        measured=facts.measured,
        elsewhere=(cluster_place(read.cluster, home, snapshot, records),) if read.cluster else (),
        monitor=Monitor(read.prometheus_url, read.grafana_url, read.prometheus_token),
    )
    turns = bounds("turns", read.concurrency)
    with planning(facts, planners) as planner:
        async with (
            open_sessions(
                home / CONVERSATIONS, replace(context, planner=planner), url=read.database_url, bounds=turns
            ) as sessions,
            _looked_after(target, shared=records.database.shared),
        ):
            yield sessions


@asynccontextmanager
async def _looked_after(target: LocalTarget, *, shared: bool) -> AsyncIterator[None]:
    """What other processes decide about deployments on this machine is carried out here."""

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            with suppress(SextantError):  # the database is away: its own line says so
                await asyncio.to_thread(target.reconcile)

    looking = asyncio.create_task(look()) if shared else None
    try:
        yield
    finally:
        if looking:
            looking.cancel()
