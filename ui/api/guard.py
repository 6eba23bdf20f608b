"""Before any route: foreign host names and bodies beyond the limit are refused; safe headers on every answer."""

from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.api.problems import problem

MAX_BODY_BYTES = 1_000_000
MAX_UPLOAD_BYTES = 200_000_000
UPLOADS = ("/v1/invoices", "/ui/project/file")


class Guard:
    """ASGI middleware. `hosts`: names this server answers to (DNS rebinding); None: any."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str] | None, headers: Mapping[str, str]) -> None:
        self.app = app
        self.hosts = hosts
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope)
        if self.hosts is not None and _name(given.get("host", "")) not in self.hosts:
            refusal: ASGIApp = problem(421, "this server answers only to names of this machine")
            await (refusal if scope["type"] == "http" else _closed)(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        limit = MAX_UPLOAD_BYTES if scope["path"].startswith(UPLOADS) else MAX_BODY_BYTES
        length = given.get("content-length", "0")
        if not length.isdigit() or int(length) > limit:
            await problem(413, f"the body is larger than {limit:,} bytes")(scope, receive, send)
            return
        await self.app(scope, _counted(receive, limit), self._with_headers(send))

    def _with_headers(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        return sending


async def _closed(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": 1008})


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def receiving() -> MutableMapping[str, Any]:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, f"the body is larger than {limit:,} bytes")
        return message

    return receiving


def _name(host: str) -> str:
    """The host without its port."""
    return host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
