"""Before the web chat: what Chainlit leaves open is closed, and a browser is told to fetch nothing from elsewhere.

`PUT` and `DELETE /project/element` in Chainlit 2.12 check the session but not whose element it is; no card uses them.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.api.problems import problem

CLOSED = ("/ui/project/element",)
POLICY = (
    "default-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; "  # Chainlit compiles the cards in the browser
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' ws: wss:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)


class Shield:
    """ASGI middleware for `/ui`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close what must be closed; add the policy to every page."""
        if scope["type"] != "http" or not scope["path"].startswith("/ui"):
            await self.app(scope, receive, send)
            return
        if scope["path"].rstrip("/") in CLOSED and scope["method"] in ("PUT", "DELETE"):
            await problem(404, "Not Found")(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", POLICY)  # a file that is served may be held tighter
            await send(message)

        await self.app(scope, receive, sending)
