"""Carries out jobs from Slack at the session door: whose conversation it is, who may deploy, what a restart left."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from agent.events import Card, Event, Said
from agent.sessions import Sessions, View
from knowledge.errors import Conflict, NotFound, SextantError
from ui.api.measures import Measures
from ui.slack.answers import said_blocks
from ui.slack.files import Files
from ui.slack.jobs import Job
from ui.slack.options import beside_blocks, why_blocks
from ui.slack.threads import Threads
from ui.slack.turn import Turn
from ui.slack.wire import Wire

EVERYBODY = "*"
ASIDE = ("try", "stop", "rate", "why", "beside", "compare")
CUT_OFF = "The server was stopped in the middle of this. Say “test it again” or “roll back” to go on."

log = logging.getLogger("sextant.slack")


class Clerk:
    """One workspace's jobs. `deployers`: ids of the people who may deploy, `*` for everybody."""

    def __init__(
        self,
        door: Sessions,
        measures: Measures,
        wire: Wire,
        threads: Threads,
        files: Files,
        *,
        deployers: frozenset[str],
    ) -> None:
        self.door = door
        self.wire = wire
        self.threads = threads
        self._measures = measures
        self._files = files
        self._deployers = deployers

    async def run(self, event_id: str, job: Job, begun: str | None) -> None:
        """Carry out a job; `begun` for one that another process left, which may have come some way."""
        try:
            await self.own(job)
            await self._carry_out(event_id, job, begun)
        except SextantError as error:
            await self.refuse(job, error)
        except Exception:  # the edge of the process: the person would see nothing at all
            log.exception("a job from Slack failed")
            await self.wire.whisper(job.place, job.user, "Something went wrong; the log of the server says more.")
        await asyncio.to_thread(self._files.drop, event_id)

    def may_deploy(self, user: str) -> bool:
        """Whether somebody may deploy, load-test and roll back."""
        return EVERYBODY in self._deployers or user in self._deployers

    async def listens(self, job: Job) -> bool:
        """Whether a message is for us: addressed to us, or of the person whose conversation the thread holds."""
        if job.addressed:
            return True
        return await asyncio.to_thread(self.threads.user, job.place.conversation) == job.user

    async def standing(self, job: Job) -> tuple[View, Card]:
        """The conversation behind a click on its newest card, and that card. Raises Conflict and NotFound."""
        await self.own(job)
        view = await self.door.view(job.place.conversation, job.owner)
        if view.revision != job.revision or view.card is None:
            raise Conflict(
                f"this card is out of date (revision {job.revision}, now {view.revision})", "look at the newest card"
            )
        return view, view.card

    async def refuse(self, job: Job, error: SextantError) -> None:
        """Tell only the person who asked."""
        await self.wire.whisper(job.place, job.user, "\n".join(filter(None, (error.message, error.cure))))

    async def own(self, job: Job) -> None:
        """Everybody sees and changes only what they began."""
        named = job.place.conversation
        if job.kind == "say" and job.addressed:
            person: str | None = await asyncio.to_thread(self.threads.begin, named, job.user)
        else:
            person = await asyncio.to_thread(self.threads.user, named)
        if person != job.user:
            raise Conflict(
                "this conversation is somebody else's", "mention me outside this thread to begin one of your own"
            )

    async def _carry_out(self, event_id: str, job: Job, begun: str | None) -> None:
        turn = Turn(self.wire, self.threads, job, may_deploy=self.may_deploy(job.user))
        if job.kind in ASIDE:
            await self._aside(job, turn)
        elif begun is None:
            await turn.play(self._watched(job.kind, await self._events(event_id, job)))
        else:
            await self._resumed(event_id, job, begun, turn)

    async def _aside(self, job: Job, turn: Turn) -> None:
        """What changes nothing in the conversation, so that it may be done again."""
        named, owner = job.place.conversation, job.owner
        match job.kind:
            case "try":
                await turn.play(self.door.ask(named, owner, job.text))
            case "stop":
                if not await self.door.stop(named, owner):
                    await self.wire.whisper(job.place, job.user, "Nothing runs here that could be stopped.")
            case "rate":
                await self.door.rate(named, owner, int(job.values["stars"]))
                await self.wire.whisper(job.place, job.user, f"{job.values['stars']} ★ kept with the outcome.")
            case _:
                await self._look(job, turn)

    async def _look(self, job: Job, turn: Turn) -> None:
        """A closer look at the options of the newest card."""
        view, _ = await self.standing(job)
        wanted, options = str(job.values.get("option", "")), view.options
        if options is None or (wanted and wanted not in {option["id"] for option in options.options}):
            raise NotFound("option", wanted)
        if job.kind == "why":
            await self.wire.post(job.place, "Why", why_blocks(options, job.revision, wanted))
        elif job.kind == "beside":
            await self.wire.post(job.place, "Options side by side", beside_blocks(options, job.revision))
        else:
            words = f"compare {(view.chosen_option or {}).get('id', '')} {wanted}"
            await turn.play(self._watched("say", self._say(job, words)))

    async def _resumed(self, event_id: str, job: Job, begun: str, turn: Turn) -> None:
        """Finish what a process left; what it had carried out already is only shown."""
        try:
            if job.kind == "say" and await self._heard(job, begun):
                await turn.play(self.door.resume(job.place.conversation, job.owner))
            else:
                await turn.play(self._watched(job.kind, await self._events(event_id, job)))
                return
        except Conflict:  # the click was carried out before the process ended
            pass
        view = await self.door.view(job.place.conversation, job.owner)
        if view.card is None:
            await self.wire.post(job.place, CUT_OFF, said_blocks(Said(CUT_OFF)))
        await turn.draw(view)

    async def _heard(self, job: Job, begun: str) -> bool:
        """Whether the conversation knows the words already."""
        try:
            state = await self.door.state(job.place.conversation, job.owner)
        except NotFound:
            return False
        heard: list[Mapping[str, Any]] = list(state.get("inputs") or [])
        return any(each["text"] == job.text and each["at"] >= begun for each in heard)

    async def _events(self, event_id: str, job: Job) -> AsyncIterator[Event]:
        if job.kind == "say":
            return self._say(job, job.text, await self._files.fetch(event_id, job))
        return self.door.act(
            job.place.conversation, job.owner, job.kind, job.revision, job.values,
            may_deploy=self.may_deploy(job.user),
        )  # fmt: skip

    def _say(self, job: Job, words: str, files: Any = ()) -> AsyncIterator[Event]:
        return self.door.say(
            job.place.conversation, job.owner, words, files, may_deploy=self.may_deploy(job.user)
        )  # fmt: skip

    def _watched(self, kind: str, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
        return self._measures.watched("slack", kind, events)
