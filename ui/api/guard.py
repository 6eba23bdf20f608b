"""Before any route: foreign host names, bodies beyond the limit and requests that take too long are refused."""

import asyncio
from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.api.problems import problem

MAX_BODY_BYTES = 1_000_000
MAX_UPLOAD_BYTES = 200_000_000
UPLOADS = ("/v1/invoices", "/ui/project/file")
SIGNED = ("/slack/events",)
"""Proved by a signature, so that they may come through a tunnel, under whatever name it has."""
BODY_PAUSE_S = 30.0
USUAL_S = 120.0
LONGER_S = {"/v1/invoices": 600.0, "/v1/sessions": 900.0, "/v1/deployments": 900.0}
TIMED = ("/v1/", "/api/", "/healthz", "/readyz", "/metrics")


class Guard:
    """ASGI middleware. `hosts`: names this server answers to (DNS rebinding); None: any.

    A body may pause for `pause_s`. An answer of the API has to begin within its time: `usual_s`, or what
    `longer_s` says of its path; one that began, such as a stream of events, may last.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str] | None,
        headers: Mapping[str, str],
        usual_s: float = USUAL_S,
        longer_s: Mapping[str, float] = LONGER_S,
        pause_s: float = BODY_PAUSE_S,
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.headers = headers
        self.usual_s = usual_s
        self.longer_s = longer_s
        self.pause_s = pause_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope)
        known = self.hosts is None or _name(given.get("host", "")) in self.hosts
        if not known and scope["path"] not in SIGNED:
            refusal: ASGIApp = problem(421, "this server answers only to names of this machine")
            await (refusal if scope["type"] == "http" else _closed)(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        limit, length = max_bytes(scope["path"]), given.get("content-length", "0")
        if not length.isdecimal() or int(length) > limit:
            await problem(413, f"the body is larger than {limit:,} bytes")(scope, receive, send)
            return
        await self._timed(scope, _counted(receive, limit, self.pause_s), self._with_headers(send))

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer, or a refusal when it has not begun in time; what is under way is then called off."""
        if not scope["path"].startswith(TIMED):
            await self.app(scope, receive, send)
            return
        limit_s = next((time for path, time in self.longer_s.items() if scope["path"].startswith(path)), self.usual_s)
        begun = late = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            if not late:
                await send(message)

        answering = asyncio.ensure_future(self.app(scope, receive, sending))
        try:
            await asyncio.wait({answering}, timeout=limit_s)
            if answering.done() or begun:
                await answering
                return
        except asyncio.CancelledError:
            answering.cancel()
            raise
        late = True
        answering.cancel()
        answering.add_done_callback(_forgotten)
        await problem(503, f"this took longer than {limit_s:g} s", "ask for less at once")(scope, receive, send)

    def _with_headers(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        return sending


def max_bytes(path: str) -> int:
    """How large the body of a request to `path` may be."""
    return MAX_UPLOAD_BYTES if path.startswith(UPLOADS) else MAX_BODY_BYTES


async def _closed(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": 1008})


def _counted(receive: Receive, limit: int, pause_s: float) -> Receive:
    """Pass a body on until it is too large or stops coming; what comes after it may take as long as it likes."""
    seen, more = 0, True

    async def receiving() -> MutableMapping[str, Any]:
        nonlocal seen, more
        if not more:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), pause_s)
        except TimeoutError as error:
            raise HTTPException(408, f"no more of the body came within {pause_s:g} s") from error
        seen += len(message.get("body", b""))
        more = message.get("more_body", False)
        if seen > limit:
            raise HTTPException(413, f"the body is larger than {limit:,} bytes")
        return message

    return receiving


def _forgotten(answering: "asyncio.Future[None]") -> None:
    """Look at what became of an answer that nobody waits for, so that no warning tells of it."""
    if not answering.cancelled():
        answering.exception()


def _name(host: str) -> str:
    """The host without its port."""
    return host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
