"""Builds the application around an open session door: guarded routes, problems, figures for a monitor."""

import asyncio
from typing import Any

from fastapi import Depends, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from agent.looks import Looks
from agent.sessions import Sessions
from ui.access import Access, LocalAccess
from ui.api import (
    audit,
    beside,
    catalog,
    deployments,
    description,
    health,
    identity,
    invoices,
    known,
    looks,
    outcomes,
    planning,
    problems,
    reference,
    sessions,
)
from ui.api.crowd import Crowd
from ui.api.guard import Guard
from ui.api.idempotency import Idempotent
from ui.api.measures import Measures
from ui.api.peers import Peers
from ui.api.rates import Rates, Throttle
from ui.settings import Settings

SAFE_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
PARTS = (
    (sessions, "sessions"),
    (beside, "sessions"),
    (looks, "sessions"),
    (planning, "plan"),
    (catalog, "catalog"),
    (invoices, "invoices"),
    (deployments, "deploy"),
    (outcomes, "deploy"),
    (audit, "deploy"),
    (health, "catalog"),
)


def application(door: Sessions, settings: Settings, access: Access | None = None) -> FastAPI:
    """The HTTP API over `door` and the state directory of `settings`; without `access` for this machine only.

    Raises BadInput for settings that cannot be used.
    """
    app = FastAPI(
        title="Sextant",
        description="Say what you need; get a priced, explained, deployed and verified LLM inference service.",
        version="1",
        docs_url=None,  # FastAPI's own pages load their scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # what generated clients call it
    )
    records = door.context.records
    rates = Rates(settings.limits, records, door.context.clock)
    app.state.sessions = door
    app.state.context = door.context
    app.state.looks = Looks(door)
    app.state.settings = settings
    app.state.access = access or LocalAccess()
    app.state.measures = Measures(records)
    app.state.rates = rates
    problems.install(app)
    for part, scope in PARTS:
        app.include_router(part.router, dependencies=[identity.needs(scope), Depends(known.parameters)])
    _operation(app)
    description.install(app)
    reference.install(app)
    app.add_middleware(Idempotent, receipts=records.receipts)  # the last that is added is the first to see a request
    app.add_middleware(Crowd, said=settings.concurrency)
    app.add_middleware(
        identity.Identify, access=app.state.access, proxy=settings.proxy, found=records.keys.find, rates=rates
    )
    app.add_middleware(Throttle, rates=rates)
    app.add_middleware(Peers, proxy=settings.proxy)
    app.add_middleware(Guard, hosts=app.state.access.hosts, headers=SAFE_HEADERS)
    return app


def _operation(app: FastAPI) -> None:
    @app.get("/healthz", tags=["operation"])
    async def healthz() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["operation"])
    async def readyz() -> dict[str, Any]:
        """Facts are loaded, conversations and records are within reach, nobody asked us to stop: 503 otherwise."""
        await app.state.sessions.turns.check()
        await asyncio.to_thread(app.state.context.records.database.check)
        return {"status": "ready", "snapshot": app.state.context.snapshot.version}

    @app.get("/metrics", tags=["operation"], response_class=Response)
    def metrics() -> Response:
        """Turns, plans, edits, approvals and their times, for Prometheus."""
        return Response(generate_latest(app.state.measures.registry), media_type=CONTENT_TYPE_LATEST)
