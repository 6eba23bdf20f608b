"""Builds the application: state opened at start, closed at the end, problems as problem+json."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from ui.api import planning, problems, sessions
from ui.opening import opened
from ui.settings import Settings


def application(settings: Settings, *, time_factor: float = 1.0) -> FastAPI:
    """The HTTP API over the state directory of `settings`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(time_factor=time_factor, settings=settings) as door:
            app.state.sessions = door
            app.state.context = door.context
            yield

    app = FastAPI(
        title="Sextant",
        description="Say what you need; get a priced, explained, deployed and verified LLM inference service.",
        version="1",
        lifespan=lifespan,
    )
    problems.install(app)
    app.include_router(sessions.router)
    app.include_router(planning.router)

    @app.get("/healthz", tags=["operation"])
    async def healthz() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["operation"])
    async def readyz() -> dict[str, str]:
        """Facts and state are loaded."""
        return {"status": "ready", "snapshot": app.state.context.snapshot.version}

    return app
