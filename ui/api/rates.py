"""How often one may ask: by address, by person or key, and for sign-ins that failed, in spans of time.

A span begins with the first request of somebody. Several processes on one database count together, which costs a
request to the database each time; one process counts in memory.
"""

import asyncio
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from knowledge.errors import BadInput, SextantError
from knowledge.records import Clock, Records
from ui.api.peers import peer
from ui.api.problems import of, problem

USUAL: Mapping[str, str] = {"person": "1200/minute", "address": "6000/minute", "failed": "20/minute"}
UNCOUNTED = ("/healthz", "/readyz", "/metrics")
SIGN_INS = ("/ui/login", "/ui/auth/jwt")
SPANS_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
MOST_IN_MEMORY = 10_000
_LIMIT = re.compile(rf"([1-9]\d{{0,8}})/({'|'.join(SPANS_S)})")


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


class Tally(Protocol):
    """Counts by key: how often in the span that runs, and when that ends."""

    def add(self, key: str, span_s: int) -> tuple[int, datetime]:
        """Count once more."""
        ...

    def look(self, key: str, span_s: int) -> tuple[int, datetime]:
        """Count nothing."""
        ...


class InMemory:
    """What this process counts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spans: dict[str, tuple[int, datetime]] = {}
        self._room = MOST_IN_MEMORY

    def add(self, key: str, span_s: int) -> tuple[int, datetime]:
        """Count once more; spans that are over are forgotten when there are many."""
        times, ends = self.look(key, span_s)
        self._spans[key] = (times + 1, ends)
        if len(self._spans) > self._room:
            now = self._clock()
            self._spans = {each: span for each, span in self._spans.items() if span[1] > now}
            self._room = MOST_IN_MEMORY + 2 * len(self._spans)
        return times + 1, ends

    def look(self, key: str, span_s: int) -> tuple[int, datetime]:
        """Count nothing."""
        now = self._clock()
        times, ends = self._spans.get(key, (0, now))
        return (times, ends) if ends > now else (0, now + timedelta(seconds=span_s))


class Rates:
    """The limits of one application. `said` replaces some of the usual ones. Raises BadInput."""

    def __init__(self, said: Mapping[str, str], records: Records, clock: Clock) -> None:
        if unknown := sorted(set(said) - set(USUAL)):
            raise BadInput(f"SEXTANT_LIMITS knows no {unknown[0][:40]!r}", f"one of {', '.join(USUAL)}",
                           field="SEXTANT_LIMITS")  # fmt: skip
        self._limits = {name: _parsed(name, said.get(name, usual)) for name, usual in USUAL.items()}
        self._shared = records.database.shared
        self._tally: Tally = records.tallies if self._shared else InMemory(clock)
        self._clock = clock

    async def take(self, name: str, who: str, *, counted: bool = True) -> Allowance:
        """Count one request of somebody, or see whether there is room for one. Raises StateUnusable, Unavailable."""
        quota, span_s = self._limits[name]
        ask, key = (self._tally.add if counted else self._tally.look), f"{name} {who}"
        times, ends = await asyncio.to_thread(ask, key, span_s) if self._shared else ask(key, span_s)
        within = times <= quota if counted else times < quota
        reset_s = max(1, min(span_s, math.ceil((ends - self._clock()).total_seconds())))
        return Allowance(name, within, quota, span_s, max(0, quota - times), reset_s)


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
        try:
            allowances = [await self.rates.take("address", address)]
            allowances += [await self.rates.take("failed", address, counted=False)] if trying else []
        except SextantError as error:  # the database is away: nobody is let in uncounted
            await of(error)(scope, receive, send)
            return
        for allowance in allowances:
            if not allowance.within:
                await allowance.refusal()(scope, receive, send)
                return

        async def sending(message: Message) -> None:
            if trying and message["type"] == "http.response.start" and message["status"] == 401:
                with suppress(SextantError):  # the answer is no already
                    await self.rates.take("failed", address)
            await send(message)

        await self.app(scope, receive, sending)


def _parsed(name: str, text: str) -> tuple[int, int]:
    """How often in how many seconds."""
    found = _LIMIT.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"SEXTANT_LIMITS: {name} cannot be {text[:40]!r}", "write 600/minute", field="SEXTANT_LIMITS")
    return int(found[1]), SPANS_S[found[2]]
