"""Builds the application around an open session door: guarded routes, problems, figures for a monitor."""

from typing import Any

from fastapi import Depends, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from agent.sessions import Sessions
from ui.access import Access, LocalAccess
from ui.api import catalog, deployments, health, identity, invoices, planning, problems, reference, sessions
from ui.api.guard import Guard
from ui.api.measures import Measures
from ui.settings import Settings

SAFE_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def application(door: Sessions, settings: Settings, access: Access | None = None) -> FastAPI:
    """The HTTP API over `door` and the state directory of `settings`; without `access` for this machine only."""
    app = FastAPI(
        title="Sextant",
        description="Say what you need; get a priced, explained, deployed and verified LLM inference service.",
        version="1",
        docs_url=None,  # FastAPI's own pages load their scripts from elsewhere
        redoc_url=None,
    )
    app.state.sessions = door
    app.state.context = door.context
    app.state.settings = settings
    app.state.access = access or LocalAccess()
    app.state.measures = Measures()
    problems.install(app)
    for part in (sessions, planning, catalog, invoices, deployments, health):
        app.include_router(part.router, dependencies=[Depends(identity.owner)])
    _operation(app)
    reference.install(app)
    app.add_middleware(Guard, hosts=app.state.access.hosts, headers=SAFE_HEADERS)
    return app


def _operation(app: FastAPI) -> None:
    @app.get("/healthz", tags=["operation"])
    async def healthz() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["operation"])
    async def readyz() -> dict[str, Any]:
        """Facts and state are loaded."""
        return {"status": "ready", "snapshot": app.state.context.snapshot.version}

    @app.get("/metrics", tags=["operation"], response_class=Response)
    async def metrics() -> Response:
        """Turns, plans, edits, approvals and their times, for Prometheus."""
        return Response(generate_latest(app.state.measures.registry), media_type=CONTENT_TYPE_LATEST)
