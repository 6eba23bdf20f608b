"""How often one may ask: moving windows by address, by person or key, and for sign-ins that failed.

Each process counts for itself; behind a balancer with several, the sum is what they allow together.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from knowledge.errors import BadInput
from ui.api.peers import peer
from ui.api.problems import problem

USUAL: Mapping[str, str] = {"person": "1200/minute", "address": "6000/minute", "failed": "20/minute"}
UNCOUNTED = ("/healthz", "/readyz", "/metrics")
SIGN_INS = ("/ui/login", "/ui/auth/jwt")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit: `remaining` requests until it is whole again in `reset_s` seconds."""

    name: str
    within: bool
    quota: int
    window_s: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """As the IETF's draft of RateLimit header fields writes them; with Retry-After when nothing is left."""
        told = {
            "RateLimit-Policy": f'"{self.name}";q={self.quota};w={self.window_s}',
            "RateLimit": f'"{self.name}";r={self.remaining};t={self.reset_s}',
        }
        return told if self.within else {**told, "Retry-After": str(self.reset_s)}

    def refusal(self) -> ASGIApp:
        """The answer to one who asked too often."""
        title = f"too many requests: {self.quota} in {self.window_s} s is the limit of this {self.name}"
        if self.name == "failed":
            title = "too many sign-ins from this address failed"
        return problem(429, title, f"try again in {self.reset_s} s", headers=self.headers())


class Rates:
    """The limits of one application. `said` replaces some of the usual ones. Raises BadInput."""

    def __init__(self, said: Mapping[str, str]) -> None:
        if unknown := sorted(set(said) - set(USUAL)):
            raise BadInput(f"SEXTANT_LIMITS knows no {unknown[0][:40]!r}", f"one of {', '.join(USUAL)}",
                           field="SEXTANT_LIMITS")  # fmt: skip
        self._limits = {name: _parsed(name, said.get(name, usual)) for name, usual in USUAL.items()}
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def take(self, name: str, who: str) -> Allowance:
        """Count one request of somebody."""
        return self._allowance(name, who, within=self._window.hit(self._limits[name], name, who))

    def look(self, name: str, who: str) -> Allowance:
        """What is left, counting nothing."""
        return self._allowance(name, who, within=self._window.test(self._limits[name], name, who))

    def _allowance(self, name: str, who: str, *, within: bool) -> Allowance:
        limit = self._limits[name]
        stats = self._window.get_window_stats(limit, name, who)
        reset_s = max(1, min(limit.get_expiry(), math.ceil(stats.reset_time - time.time())))
        return Allowance(name, within, limit.amount, limit.get_expiry(), max(0, stats.remaining), reset_s)


class Throttle:
    """ASGI middleware: an address may ask and fail to sign in only so often."""

    def __init__(self, app: ASGIApp, *, rates: Rates) -> None:
        self.app = app
        self.rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on; a refused sign-in is counted."""
        if scope["type"] != "http" or scope["path"] in UNCOUNTED:
            await self.app(scope, receive, send)
            return
        address, trying = peer(scope), "authorization" in Headers(scope=scope) or scope["path"] in SIGN_INS
        allowances = [self.rates.take("address", address)]
        allowances += [self.rates.look("failed", address)] if trying else []
        for allowance in allowances:
            if not allowance.within:
                await allowance.refusal()(scope, receive, send)
                return

        async def sending(message: Message) -> None:
            if trying and message["type"] == "http.response.start" and message["status"] == 401:
                self.rates.take("failed", address)
            await send(message)

        await self.app(scope, receive, sending)


def _parsed(name: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as error:
        raise BadInput(f"SEXTANT_LIMITS: {name} cannot be {text[:40]!r}", "write 600/minute", field="SEXTANT_LIMITS"
                       ) from error  # fmt: skip
