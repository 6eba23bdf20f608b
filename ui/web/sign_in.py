"""How people sign in to the web chat, and that they still may: by password, by a trusted proxy, by an OAuth provider.

Chainlit gives whoever signed in a cookie for fifteen days and looks at nothing else from then on. `StillIn` takes it
away from somebody who was shut out, and from a browser whose proxy now names somebody else.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import chainlit as cl
from chainlit.auth.cookie import get_token_from_cookies
from chainlit.auth.jwt import decode_jwt
from chainlit.oauth_providers import get_configured_oauth_providers
from jwt import PyJWTError  # what Chainlit signs with
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from knowledge.errors import BadInput, NotAllowed, StateUnusable, Unavailable
from ui.access import LOCAL_PERSON, Access
from ui.api.identity import GUARDED
from ui.api.rates import Rates
from ui.settings import Settings

COOKIE = "access_token"


class SignIn:
    """The ways in of one server."""

    def __init__(self, access: Access, settings: Settings, rates: Rates) -> None:
        self._access = access
        self._header = settings.proxy.header if settings.proxy else ""
        self._oauth = settings.oauth
        self._rates = rates

    def install(self) -> None:
        """Register the ways in with Chainlit. Raises BadInput for a provider that is configured in part."""
        if not self._access.asks:
            cl.header_auth_callback(self.at_home)
            return
        if self._access.passwords:
            cl.password_auth_callback(self.by_password)
        if self._header:
            cl.header_auth_callback(self.by_proxy)
        if self._oauth:
            if not get_configured_oauth_providers():
                raise BadInput("no OAuth provider is configured in full", "docs/faces.md names what each one needs")
            cl.oauth_callback(self.by_provider)

    async def welcome(self, name: str) -> None:
        """Before a turn: raises NotAllowed when somebody was shut out, and Unavailable when they ask too often."""
        if not await asyncio.to_thread(self._access.knows, name):
            raise NotAllowed("you may not come in here any more", "ask whoever runs this server")
        allowance = await self._rates.take("person", f"person {name}")
        if not allowance.within:
            raise Unavailable("you ask too often", f"try again in {allowance.reset_s} s")

    async def at_home(self, _: Any) -> cl.User | None:
        """The one person of a server that only this machine reaches."""
        return cl.User(identifier=LOCAL_PERSON, display_name="you")

    async def by_password(self, name: str, password: str) -> cl.User | None:
        """Somebody with a password."""
        return await _user(name, lambda: self._access.admits(name, password))

    async def by_proxy(self, headers: Mapping[str, str]) -> cl.User | None:
        """Whom the proxy names; from anywhere else the header never gets here (see `ui.api.peers`)."""
        name = headers.get(self._header, "")
        return await _user(name, lambda: self._access.vouched(name))

    async def by_provider(
        self, _: str, __: str, told: Mapping[str, Any], user: cl.User, ___: str | None = None
    ) -> cl.User | None:
        """Whom the provider names, unless it says that the address is not theirs."""
        name = user.identifier or ""
        if told.get("email_verified") in (False, "false") and name == told.get("email"):
            return None
        return await _user(name, lambda: self._access.vouched(name))


class StillIn:
    """ASGI middleware inside the proxy's rules: sign-ins that no longer hold are dropped from requests."""

    def __init__(self, app: ASGIApp, *, access: Access, settings: Settings) -> None:
        self.app = app
        self.access = access
        self.header = settings.proxy.header if settings.proxy else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what still holds."""
        if scope["type"] in ("http", "websocket") and not scope["path"].startswith(GUARDED):
            given = Headers(scope=scope)
            tokens = _tokens(given)
            if tokens and not await asyncio.to_thread(self._hold, tokens, given.get(self.header, "")):
                scope = {**scope, "headers": list(scope["headers"])}
                headers = MutableHeaders(scope=scope)
                kept = [part for part in given.get("cookie", "").split(";") if not part.strip().startswith(COOKIE)]
                headers["cookie"] = ";".join(kept)
                del headers["authorization"]
        await self.app(scope, receive, send)

    def _hold(self, tokens: list[str], named: str) -> bool:
        """Whether every token is of somebody who may come in, and of whom the proxy names where it names anybody."""
        try:
            names = {str(decode_jwt(token).identifier) for token in tokens}
            return all(self.access.knows(name) and named in ("", name) for name in names)
        except (PyJWTError, TypeError, StateUnusable):  # no token of ours, or the people cannot be read now
            return False


def _tokens(headers: Headers) -> list[str]:
    """What the request proves a sign-in with."""
    cookies = cookie_parser(headers.get("cookie", ""))
    kind, _, bearer = headers.get("authorization", "").partition(" ")
    found = [get_token_from_cookies(cookies), bearer if kind.lower() == "bearer" else None]
    return [token for token in found if token]


async def _user(name: str, admitted: Callable[[], bool]) -> cl.User | None:
    return cl.User(identifier=name) if await asyncio.to_thread(admitted) else None
