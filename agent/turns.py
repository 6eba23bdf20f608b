"""When a turn of a conversation may run: one at a time per conversation, in all processes; and none once we stop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from threading import Event
from typing import Any, Protocol
from weakref import WeakValueDictionary

from agent.slots import Bounds, Slots
from knowledge.errors import Unavailable

USUAL = Bounds(process=32, person=8)
CUT_OFF_WITHIN_S = 5.0


class Locks(Protocol):
    """Keeps other processes out of a conversation; one that dies lets go."""

    def held(self, thread: str) -> AbstractAsyncContextManager[None]:
        """Be the only process in this conversation. Raises Unavailable."""
        ...

    async def check(self) -> None:
        """Raise Unavailable when no turn could begin."""
        ...


class Turns:
    """The turns of one process. Without `locks` there is no other process."""

    def __init__(self, bounds: Bounds = USUAL, locks: Locks | None = None) -> None:
        self._slots = Slots("turns", bounds)
        self._locks = locks
        self._own: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._running: set[asyncio.Task[Any]] = set()
        self._asked: dict[str, Event] = {}
        self.stopping = False

    @asynccontextmanager
    async def turn(self, thread: str, owner: str) -> AsyncIterator[None]:
        """Have the conversation to oneself until the block ends. Raises Busy, and Unavailable once we stop."""
        if self.stopping:
            raise Unavailable("Sextant is stopping", "ask again in a moment")
        own = self._own.get(thread)
        if own is None:
            own = self._own[thread] = asyncio.Lock()
        task = asyncio.current_task()
        async with self._slots.taken(owner), own:
            if task:
                self._running.add(task)
            try:
                if self._locks is None:
                    yield
                else:
                    async with self._locks.held(thread):
                        yield
            finally:
                if task:
                    self._running.discard(task)

    async def check(self) -> None:
        """Raise Unavailable when no turn can begin: we stop, or conversations cannot be reached."""
        if self.stopping:
            raise Unavailable("Sextant is stopping", "ask another replica, or wait for the next start")
        if self._locks is not None:
            await self._locks.check()

    @contextmanager
    def stoppable(self, thread: str) -> Iterator[Callable[[], bool]]:
        """While the block runs: whether somebody asked this turn to stop. What takes long looks, and ends by itself."""
        asked = self._asked[thread] = Event()
        try:
            yield asked.is_set
        finally:
            del self._asked[thread]

    def stop(self, thread: str) -> bool:
        """Ask the turn that runs here to stop; False when none does."""
        asked = self._asked.get(thread)
        if asked is None:
            return False
        asked.set()
        return True

    async def drain(self, within_s: float) -> None:
        """Begin no turn any more and let those that run end; what does not is cut off and resumes later."""
        self.stopping = True
        if self._running:
            await asyncio.wait(self._running, timeout=within_s)
        rest = [task for task in self._running if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=CUT_OFF_WITHIN_S)
