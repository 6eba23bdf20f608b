"""Progress of one turn as one message that changes, not more often than Slack allows; it never holds the turn up."""

import asyncio
import time
from collections.abc import Callable

from agent.events import Progress
from ui.slack.blocks import Block, actions, button, confirm, section
from ui.slack.jobs import Place
from ui.slack.notes import progress_text
from ui.slack.wire import Wire

SHOW_AFTER_S = 1.5
SHOW_EVERY_S = 2.0
LAST_WORD_S = 3.0
INTERRUPTED = "Interrupted because the server stops; it goes on by itself when it is back."


class Work:
    """The line that shows how far a turn is; `clock` in seconds."""

    def __init__(self, wire: Wire, place: Place, clock: Callable[[], float] = time.monotonic) -> None:
        self._wire = wire
        self._place = place
        self._clock = clock
        self._began = clock()
        self._shown = float("-inf")
        self._step = ""
        self._ts: str | None = None
        self.sending: asyncio.Task[None] | None = None

    def show(self, event: Progress) -> None:
        """Show the newest state, unless the last one is too recent or still on its way."""
        self._step = event.step
        now = self._clock()
        early = now - self._began < SHOW_AFTER_S or now - self._shown < SHOW_EVERY_S
        if early or (self.sending is not None and not self.sending.done()):
            return
        self._shown = now
        self.sending = asyncio.create_task(self._draw(progress_text(event), _stop_button()))

    async def finish(self) -> None:
        """Say how long it took, where there is a line."""
        await self._last(f"Done in {self._clock() - self._began:,.0f} s ({self._step})")

    async def interrupted(self) -> None:
        """Say that it goes on later, where there is a line and Slack answers at once."""
        try:
            async with asyncio.timeout(LAST_WORD_S):
                await self._last(INTERRUPTED)
        except TimeoutError:
            return

    async def _last(self, text: str) -> None:
        if self.sending is not None:
            await self.sending
            await self._draw(text)

    async def _draw(self, text: str, *buttons: Block) -> None:
        blocks = [section(text), *([actions("work", buttons)] if buttons else [])]
        if self._ts is None:
            self._ts = await self._wire.post(self._place, text, blocks)
        else:
            await self._wire.update(self._place, self._ts, text, blocks)


def _stop_button() -> Block:
    asked = confirm("Stop this?", "A deployment under way is undone; a load test reports what it has.", "Stop",
                    style="danger")  # fmt: skip
    return button("Stop", "stop", {}, confirm=asked)
