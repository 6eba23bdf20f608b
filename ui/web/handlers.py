"""What Chainlit calls: messages, clicks and resume, each passed to the session door."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import chainlit as cl
from chainlit.element import Element

from agent.events import Event
from agent.looks import Looks
from agent.sessions import ACTS, Sessions
from knowledge.errors import NotFound, SextantError
from knowledge.files import safe_name
from tools.editing import read_assignment
from ui.api.measures import Measures
from ui.web import profiles
from ui.web.deploying import DeployHandlers
from ui.web.here import owner_here, thread_here
from ui.web.history import History
from ui.web.looks import LookHandlers
from ui.web.sign_in import SignIn
from ui.web.turns import Screen
from ui.web.wording import refusal

LONG, STOP = ("approve", "rollback"), "stop"
log = logging.getLogger("sextant.web")


class Handlers:
    """The callbacks of one server."""

    def __init__(self, door: Sessions, sign_in: SignIn, measures: Measures) -> None:
        self.door = door
        self.sign_in = sign_in
        self.measures = measures
        self._running: set[asyncio.Task[None]] = set()
        self._screens: WeakKeyDictionary[Any, Screen] = WeakKeyDictionary()

    def install(self, history: History, looks: Looks) -> None:
        """Register everything with Chainlit."""
        cl.data_layer(lambda: history)
        profiles.install()
        cl.on_chat_resume(self.resumed)
        cl.on_message(self.said)
        cl.action_callback("act")(self.acted)
        DeployHandlers(self.door, self.screen).install()
        LookHandlers(looks).install()

    async def said(self, message: cl.Message) -> None:
        """A message, perhaps with a bill."""
        try:
            await self.sign_in.welcome(owner_here())
        except SextantError as error:
            await _refused(error)
            return
        files = tuple(_upload(element) for element in message.elements or () if element.path)
        events = self.door.say(thread_here(), owner_here(), message.content, files)
        cl.context.session.thread_id_to_resume = thread_here()  # what a lost socket missed is drawn when it comes again
        await cl.send_window_message({"sextant_thread": thread_here()})  # a reload comes back to this chat
        turn = asyncio.create_task(self._answered(self.measures.watched("web", "say", events)))
        while not turn.done():
            try:
                await asyncio.shield(turn)
            except asyncio.CancelledError:  # Chainlit's stop button: the turn ends by itself, nothing of it half done
                with suppress(NotFound):
                    await self.door.stop(thread_here(), owner_here())

    async def _answered(self, events: AsyncIterator[Event]) -> None:
        try:
            await self.screen().play(events, in_place=False)
        except SextantError as error:
            await _refused(error)
        except Exception:  # the edge of the process: Chainlit would show nothing at all
            log.exception("a turn failed")
            await cl.ErrorMessage(content="Something went wrong; the log of the server says more.").send()

    async def acted(self, action: cl.Action) -> dict[str, Any]:
        """A click on a card: `{"errors": {field: text}}`, empty when it was carried out or is under way."""
        kind, revision = str(action.payload.get("kind")), action.payload.get("revision")
        try:
            await self.sign_in.welcome(owner_here())
            if kind == STOP:
                await self.door.stop(thread_here(), owner_here())
                return {"errors": {}}
            values = _values(kind, action.payload.get("values") or {})
            events = self.door.act(
                thread_here(), owner_here(), kind, revision if isinstance(revision, int) else -1, values
            )
            watched = self.measures.watched("web", kind if kind in ACTS else "unknown", events)
            first = await anext(watched, None)  # what is refused is said beside the button
        except SextantError as error:
            return refusal(error)
        turn = self._shown(_again(first, watched))
        if kind in LONG:
            task = asyncio.create_task(turn)
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        else:
            await turn
        return {"errors": {}}

    async def _shown(self, events: AsyncIterator[Event]) -> None:
        try:
            await self.screen().play(events, in_place=True)
        except SextantError as error:
            await _refused(error)

    async def resumed(self, thread: Any) -> None:
        """Redraw the newest cards from the conversation, and finish what a crash interrupted."""
        screen = self.screen()
        try:
            seen, view = screen.drawn, await self.door.view(thread_here(), owner_here())
            while screen.drawn != seen:  # a turn drew what it came to: what was read may be from before
                seen, view = screen.drawn, await self.door.view(thread_here(), owner_here())
        except NotFound:
            return  # nothing was ever said
        screen.restore(thread.get("elements") or [], view.card, view.options)
        if view.awaiting is None:
            task = asyncio.create_task(self._shown(self.door.resume(thread_here(), owner_here())))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def screen(self) -> Screen:
        """What stands in this chat. Not kept in Chainlit's user session: a socket that comes again replaces that."""
        session = cl.context.session
        screen = self._screens.get(session)
        if screen is None:
            screen = self._screens[session] = Screen(thread_here())
        return screen


def _upload(element: Element) -> Path:
    """The file that was dropped, under the name that the person knows it by."""
    kept = Path(element.path or "")
    named = kept.with_suffix("") / safe_name(element.name, kept.name)
    named.parent.mkdir(exist_ok=True)
    if not named.exists():
        named.hardlink_to(kept)
    return named


def _values(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    """Fields as they were typed, read as the command line reads them; an emptied field is cleared."""
    if kind != "edit":
        return values
    return dict(
        (path, value) if not isinstance(value, str) else read_assignment(f"{path}={value.strip() or 'null'}")
        for path, value in values.items()
    )


async def _again(first: Event | None, rest: AsyncIterator[Event]) -> AsyncIterator[Event]:
    if first is not None:
        yield first
    async for event in rest:
        yield event


async def _refused(error: SextantError) -> None:
    await cl.ErrorMessage(content=f"{error.message}\n\n{error.cure}" if error.cure else error.message).send()
