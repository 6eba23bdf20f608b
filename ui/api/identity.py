"""Whose request it is, and what it may do: an API key, a trusted proxy's header, or a name with its password.

`Identify` finds out once, before anything else looks at the request; `permitted` holds a route to its scope.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPBasic, HTTPBasicCredentials, HTTPBearer, SecurityScopes
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from knowledge.errors import NotAllowed, SextantError
from knowledge.records.key import SCOPES, Key
from ui.access import LOCAL_PERSON, Access
from ui.api.problems import of, problem
from ui.api.rates import Rates
from ui.settings import TrustedProxy

GUARDED = ("/v1/", "/api/")
SAFE = ("GET", "HEAD", "OPTIONS")
OWN_PAGES = ("none", "same-origin")  # what browsers say of a request; a page elsewhere could ride on a sign-in
ASK = {"WWW-Authenticate": 'Basic realm="Sextant", Bearer realm="Sextant"'}
_basic = HTTPBasic(auto_error=False, description="Only asked for when the server is reachable from other machines.")
_bearer = HTTPBearer(auto_error=False, description="An API key, made by `sextant keys create`.")


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody, or a key of theirs: what it may do, and whether it sees what everybody has."""

    owner: str
    key: str = ""
    scopes: frozenset[str] = frozenset(SCOPES)
    admin: bool = False

    @property
    def may_deploy(self) -> bool:
        return "deploy" in self.scopes

    @property
    def name(self) -> str:
        """What limits and idempotency keys are counted by."""
        return f"key {self.key}" if self.key else f"person {self.owner}"


class Identify:
    """ASGI middleware for the API. `found` gives the key that a token stands for, and raises NotAllowed.

    The principal is kept in the request's state; one that asks too often is refused here, and so is a request that
    would change something and that a browser sends for a page of another site.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: Access,
        proxy: TrustedProxy | None,
        found: Callable[[str], Key],
        rates: Rates,
    ) -> None:
        self.app = app
        self.access = access
        self.proxy = proxy
        self.found = found
        self.rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on."""
        if scope["type"] != "http" or not scope["path"].startswith(GUARDED):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["method"] not in SAFE and headers.get("sec-fetch-site", "none") not in OWN_PAGES:
            refusal = problem(403, "this request comes from a page of another site", "ask from a program or the chat")
            await refusal(scope, receive, send)
            return
        try:
            who = await asyncio.to_thread(self._principal, headers)
            allowance = await self.rates.take("person", who.name)
        except NotAllowed as error:
            await problem(401, error.message, error.cure, headers=ASK)(scope, receive, send)
            return
        except SextantError as error:
            await of(error)(scope, receive, send)
            return
        if not allowance.within:
            await allowance.refusal()(scope, receive, send)
            return
        scope.setdefault("state", {})["principal"] = who

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(allowance.headers())
            await send(message)

        await self.app(scope, receive, sending)

    def _principal(self, headers: Headers) -> Principal:
        """Raises NotAllowed when nobody, or nobody who may come in, is named."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._of_key(self.found(given.strip()))
        if not self.access.asks:
            return Principal(LOCAL_PERSON, admin=True)
        name = headers.get(self.proxy.header, "") if self.proxy and self.proxy.header else ""
        if name and self.access.vouched(name):
            return Principal(name, admin=self.access.is_admin(name))
        if kind.lower() == "basic":
            name, password = _credentials(given)
            if self.access.admits(name, password):
                return Principal(name, admin=self.access.is_admin(name))
        raise NotAllowed("say who you are", "give a name with its password, or an API key")

    def _of_key(self, key: Key) -> Principal:
        """A key is worth what its owner is: it ends with them, and sees no more than they do."""
        if not self.access.knows(key.owner):
            raise NotAllowed(f"the key {key.key_id} belongs to somebody who may not come in here", "make another")
        return Principal(key.owner, key.key_id, key.scopes, "admin" in key.scopes and self.access.is_admin(key.owner))


def permitted(
    scopes: SecurityScopes,
    request: Request,
    _: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
    __: Annotated[object, Depends(_bearer)],
) -> Principal:
    """Whoever asks, when they may do what the route does; an admin may read. Raises NotAllowed naming the scope."""
    who = principal(request)
    missing = [scope for scope in scopes.scopes if scope not in who.scopes]
    if missing and not (who.admin and request.method in SAFE):
        raise NotAllowed(
            f"this key lacks the scope {missing[0]!r}",
            f"make one that has it: sextant keys create NAME --scope {','.join(sorted(who.scopes | {missing[0]}))}",
        )
    return who


def principal(request: Request) -> Principal:
    """Whoever asks."""
    found: Principal | None = getattr(request.state, "principal", None)
    if found is None:
        raise HTTPException(401, "say who you are", headers=ASK)
    return found


def owner(request: Request) -> str:
    """The name that conversations and deployments belong to."""
    return principal(request).owner


def _credentials(given: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def needs(scope: str) -> Any:
    """The dependency of routes that need a scope."""
    return Security(permitted, scopes=[scope])


Owner = Annotated[str, Depends(owner)]
Asking = Annotated[Principal, Depends(principal)]
