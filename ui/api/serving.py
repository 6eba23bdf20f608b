"""The application as a process: bind, say where, serve until told to stop, end cleanly."""

import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

import uvicorn
from fastapi import FastAPI

STOP_WITHIN_S = 5
TURNS_END_WITHIN_S = 15.0


class Announcing(uvicorn.Server):
    """Says where it listens once requests are answered, and lets turns end before connections are closed."""

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[], None], drain: Callable[[float], Awaitable[None]]
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._drain = drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End turns, then connections; a second signal does not wait for turns."""
        drained = asyncio.ensure_future(self._drain(TURNS_END_WITHIN_S))
        while not (drained.done() or self.force_exit):
            await asyncio.wait({drained}, timeout=0.1)
        drained.cancel()
        await super().shutdown(sockets)


async def serve(app: FastAPI, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; turns that still run are given a while, and resume where they were cut off."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host

    def announce() -> None:
        sys.stdout.write(f"Sextant at http://{shown}:{port}\n")
        sys.stdout.flush()

    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again once it has stopped; that is the end
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=STOP_WITHIN_S,
        server_header=False,
        proxy_headers=False,  # ui.api.peers believes the proxies that the settings name, and nobody else
    )
    await Announcing(config, announce, app.state.sessions.turns.drain).serve(sockets=[listener])
