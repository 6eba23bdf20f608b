"""Work that goes on after Slack was answered: every job is a task that is kept, and finished or left to be resumed."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from knowledge.errors import SextantError
from ui.slack.inbox import HOLD_S, Inbox, Left
from ui.slack.jobs import Job, job_of

FINISH_WITHIN_S = 10.0
LOOK_EVERY_S = HOLD_S / 4
Run = Callable[[str, Job, str | None], Awaitable[None]]
"""Event id, job, and since when the conversation may know of it; None when it is new."""

log = logging.getLogger("sextant.slack")


class Desk:
    """Runs jobs once each. `run` carries one out; what it raises is logged, and the job counts as done."""

    def __init__(self, inbox: Inbox, run: Run) -> None:
        self._inbox = inbox
        self._run = run
        self._worker = uuid.uuid4().hex
        self._tasks: dict[asyncio.Task[None], str] = {}

    async def take(self, event_id: str, job: Job) -> None:
        """Keep a job and begin it; one that was seen before is left alone.

        To stop something goes to the process that works on it, which looks for it every `LOOK_EVERY_S`.
        """
        told = job.to_json()
        busy = await asyncio.to_thread(self._inbox.worker_on, told["place"]) if job.kind == "stop" else None
        worker = busy or self._worker
        here = worker == self._worker
        if await asyncio.to_thread(self._inbox.take, event_id, told, worker, begun=here) and here:
            self._begin(event_id, job, None)

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Something small that need not outlive the process, such as opening a form."""
        self._tracked(self._logged(work), "")

    @asynccontextmanager
    async def opened(self, finish_within_s: float) -> AsyncIterator[None]:
        """Take over what a process left; at the end finish what runs, and leave what takes too long to the next."""
        closing = asyncio.Event()
        keeper = asyncio.create_task(self._keep(closing))
        try:
            yield
        finally:
            closing.set()  # not cancelled: a thread that still wrote would hold again what is released below
            await asyncio.gather(keeper, return_exceptions=True)
            running = set(self._tasks)
            if running:
                _, late = await asyncio.wait(running, timeout=finish_within_s)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)
            await asyncio.to_thread(self._inbox.release, self._worker)

    async def idle(self) -> None:
        """Wait until nothing runs."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _keep(self, closing: asyncio.Event) -> None:
        while not closing.is_set():
            try:
                await asyncio.to_thread(self._inbox.hold, self._worker)
                for left in await asyncio.to_thread(self._inbox.take_over, self._worker):
                    if left.event_id not in self._tasks.values():
                        await self._begin_left(left)
            except SextantError as error:  # the database is away: tried again
                log.warning("%s", error.message)
            with suppress(TimeoutError):
                await asyncio.wait_for(closing.wait(), LOOK_EVERY_S)

    async def _begin_left(self, left: Left) -> None:
        try:
            job = job_of(left.job)
        except (TypeError, KeyError):
            log.warning("a job from Slack that another version of Sextant kept cannot be read: %s", left.event_id)
            await asyncio.to_thread(self._inbox.finish, left.event_id)
        else:
            self._begin(left.event_id, job, left.begun)

    def _begin(self, event_id: str, job: Job, begun: str | None) -> None:
        self._tracked(self._done(event_id, job, begun), event_id)

    def _tracked(self, work: Coroutine[Any, Any, None], event_id: str) -> None:
        task = asyncio.create_task(work)
        self._tasks[task] = event_id
        task.add_done_callback(self._tasks.pop)

    async def _done(self, event_id: str, job: Job, begun: str | None) -> None:
        await self._logged(self._run(event_id, job, begun))
        try:
            await asyncio.to_thread(self._inbox.finish, event_id)
        except SextantError as error:  # done again after a while; the session door refuses what is out of date
            log.warning("%s", error.message)

    async def _logged(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:  # the edge of the process
            log.exception("a job from Slack failed")
