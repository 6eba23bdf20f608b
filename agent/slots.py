"""How much may run at once: a few for each person, more for the process; who waits too long is told to come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

from knowledge.errors import Busy


@dataclass(frozen=True, slots=True)
class Bounds:
    """At most `process` at once, `person` of them for one person; one waits at most `wait_s` for a free place."""

    process: int
    person: int
    wait_s: float = 5.0


class Slots:
    """The places of one process for one kind of work, called `what` in messages."""

    def __init__(self, what: str, bounds: Bounds) -> None:
        self._what = what
        self._bounds = bounds
        self._all = asyncio.Semaphore(bounds.process)
        self._persons: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def taken(self, who: str) -> AsyncIterator[None]:
        """Have a place until the block ends. Raises Busy."""
        own = self._persons.get(who)
        if own is None:
            own = self._persons[who] = asyncio.Semaphore(self._bounds.person)
        await self._free(own, f"you have {self._bounds.person} {self._what} running already")
        try:
            await self._free(self._all, f"{self._bounds.process} {self._what} run here at once, which is the limit")
            try:
                yield
            finally:
                self._all.release()
        finally:
            own.release()

    async def _free(self, places: asyncio.Semaphore, otherwise: str) -> None:
        try:
            async with asyncio.timeout(self._bounds.wait_s):
                await places.acquire()
        except TimeoutError:
            raise Busy(otherwise, "try again in a moment", retry_after_s=max(1, round(self._bounds.wait_s))) from None
