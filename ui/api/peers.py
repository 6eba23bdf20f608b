"""Who is at the other end: only a trusted proxy may say whom it speaks for, and under which name they signed in."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.settings import TrustedProxy

FORWARDED_FOR, FORWARDED_PROTO = "x-forwarded-for", "x-forwarded-proto"


class Peers:
    """ASGI middleware. The header that names a person is dropped from every request that is not the proxy's own."""

    def __init__(self, app: ASGIApp, *, proxy: TrustedProxy | None) -> None:
        self.app = app
        self.proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what can be believed."""
        if scope["type"] in ("http", "websocket") and self.proxy is not None:
            scope = {**scope, "headers": list(scope["headers"])}
            if self.proxy.trusts(peer(scope)):
                _take_over(scope, self.proxy)
            elif self.proxy.header:
                del MutableHeaders(scope=scope)[self.proxy.header]
        await self.app(scope, receive, send)


def peer(scope: Scope) -> str:
    """The address that a request is from; empty where there is none, as on a Unix socket."""
    return str(scope["client"][0]) if scope.get("client") else ""


def _take_over(scope: Scope, proxy: TrustedProxy) -> None:
    """Take the client's address and scheme from the proxy; a person it names twice is nobody."""
    given = Headers(scope=scope)
    hops = [each.strip() for line in given.getlist(FORWARDED_FOR) for each in line.split(",")]
    outside = [each for each in hops if each and not proxy.trusts(each)]
    if outside:  # the last one that the proxies did not add about themselves; earlier ones anybody can write
        scope["client"] = (outside[-1], 0)
    if given.get(FORWARDED_PROTO) in ("http", "https"):
        secure = given[FORWARDED_PROTO] == "https"
        kinds = {"http": ("http", "https"), "websocket": ("ws", "wss")}
        scope["scheme"] = kinds[scope["type"]][secure]
    if proxy.header and len(given.getlist(proxy.header)) > 1:
        del MutableHeaders(scope=scope)[proxy.header]
