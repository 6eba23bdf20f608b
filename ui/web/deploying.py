"""What the deployment card asks beside its buttons: manifests, a prompt to try, a rating; none changes the plan."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import chainlit as cl

from agent.sessions import Sessions
from knowledge.errors import BadInput, SextantError
from ui.web.deployment import reply_props
from ui.web.here import owner_here, thread_here
from ui.web.turns import Screen
from ui.web.wording import refusal

Json = dict[str, Any]

SHOW_EVERY_S = 0.15
log = logging.getLogger("sextant.web")


class DeployHandlers:
    """Answers to the deployment card, for one server."""

    def __init__(self, door: Sessions, screen: Callable[[], Screen]) -> None:
        self._door = door
        self._screen = screen
        self._running: set[asyncio.Task[None]] = set()
        self._kinds = {"manifests": self._manifests, "try": self._try, "rate": self._rate}

    def install(self) -> None:
        """Register with Chainlit."""
        cl.action_callback("deployment")(self.asked)

    async def asked(self, action: cl.Action) -> Json:
        """What was asked for, or `{"errors": {field: text}}`."""
        values = action.payload
        answer = self._kinds.get(str(values.get("kind")))
        try:
            if answer is None:
                raise BadInput(f"unknown request {str(values.get('kind'))[:40]!r}", f"one of: {', '.join(self._kinds)}")
            return {"errors": {}, **await answer(values)}
        except SextantError as error:
            return refusal(error)

    async def _manifests(self, values: Mapping[str, Any]) -> Json:
        found = await self._door.preview(thread_here(), owner_here(), str(values.get("form") or ""))
        return {
            "name": found.name,
            "form": found.form,
            "hash": found.plan_hash[:12],
            "files": [{"file": each.file, "text": each.text} for each in found.files],
            "findings": [str(each) for each in found.findings],
        }

    async def _try(self, values: Mapping[str, Any]) -> Json:
        """Refused at once when it cannot be asked; else the answer grows on the card."""
        prompt = str(values.get("prompt") or "")
        screen, replies = self._screen(), self._door.ask(thread_here(), owner_here(), prompt)
        first = await anext(replies)
        await screen.tried(reply_props(prompt, first))

        async def grow() -> None:
            shown = time.monotonic()
            try:
                async for reply in replies:
                    if reply.finished or time.monotonic() - shown >= SHOW_EVERY_S:
                        shown = time.monotonic()
                        await screen.tried(reply_props(prompt, reply))
            except SextantError as error:
                await screen.tried({**reply_props(prompt, first), "finished": True, "error": _words(error)})
            except Exception:  # the edge of the process: the card would wait for ever
                log.exception("a prompt failed")
                await screen.tried({**reply_props(prompt, first), "finished": True, "error": "Something went wrong."})

        task = asyncio.create_task(grow())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return {}

    async def _rate(self, values: Mapping[str, Any]) -> Json:
        stars, comment = values.get("stars"), str(values.get("comment") or "")
        await self._door.rate(thread_here(), owner_here(), stars if isinstance(stars, int) else 0, comment)
        await self._screen().rated({"stars": stars, "comment": comment})
        return {}


def _words(error: SextantError) -> str:
    return " ".join(filter(None, (error.message, error.cure)))
