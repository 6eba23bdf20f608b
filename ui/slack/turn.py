"""One turn in a Slack thread: the events of the session door become messages; cards that stand are changed in place."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from agent.events import Asked, Card, Comparison, Event, Failed, Options, Progress, Replied, Report, Said
from agent.sessions import View
from knowledge.errors import SextantError
from ui.rendering.plan import headline
from ui.slack.answers import said_blocks
from ui.slack.blocks import Block, context
from ui.slack.card import card_blocks
from ui.slack.jobs import Job
from ui.slack.notes import asked_blocks, failed_blocks, replied_blocks, report_blocks
from ui.slack.options import comparison_blocks, options_blocks
from ui.slack.threads import Threads
from ui.slack.wire import Wire
from ui.slack.work import Work

QUIET = ("edit", "choose", "undo", "redo")
"""What is said about these stands above the options, which change in place."""


class Turn:
    """Shows the events of one job in its thread."""

    def __init__(self, wire: Wire, threads: Threads, job: Job, *, may_deploy: bool) -> None:
        self._wire = wire
        self._threads = threads
        self._job = job
        self._may_deploy = may_deploy
        self._card: Card | None = None
        self._options: Options | None = None
        self._report: Report | None = None
        self._note: list[str] = []

    async def play(self, events: AsyncIterator[Event]) -> None:
        """Show the events as they come, then the cards, then the verdict, whose button needs the cards' revision."""
        work = Work(self._wire, self._job.place)
        told: asyncio.Queue[Event | None] = asyncio.Queue()
        running = asyncio.create_task(_read(events, told))  # the turn itself never waits for Slack
        try:
            while (event := await told.get()) is not None:
                await self._take(event, work)
            await running
        except asyncio.CancelledError:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await work.interrupted()
            raise
        except SextantError:
            await self._close(work)
            raise
        await self._close(work)

    async def _take(self, event: Event, work: Work) -> None:
        match event:
            case Progress():
                work.show(event)
            case Card():
                self._card = event
            case Options():
                self._options = event
            case Report():
                self._report = event
            case Said(text=text, kind="") if self._job.kind in QUIET:
                self._note.append(text)
            case _:
                await self._tell(event)

    async def draw(self, view: View) -> None:
        """Put the cards of a conversation as it stands below everything else."""
        self._card, self._options = view.card, view.options
        await self._put(in_place=False)

    async def _close(self, work: Work) -> None:
        await work.finish()
        await self._put(in_place=self._job.kind != "say")
        if self._card is None and self._job.kind == "cancel":
            await self._leave()
        if self._note and self._card is None:
            await self._tell(Said("\n".join(self._note)))
        if self._report is not None:
            await self._verdict(self._report)

    async def _tell(self, event: Event) -> None:
        text, blocks = _shown(event, self._job)
        if blocks:
            await self._wire.post(self._job.place, text, blocks)

    async def _verdict(self, report: Report) -> None:
        card = self._card
        revision = card.revision if card is not None and self._may_deploy else None
        deployment = None if card is None else card.spec["deployment"]
        text = f"Verdict: {report.report['verdict'].replace('_', ' ')}. {report.report['reason']}"
        await self._wire.post(self._job.place, text, report_blocks(report, revision, deployment))

    async def _put(self, *, in_place: bool) -> None:
        card, options = self._card, self._options
        if card is None or options is None:
            return
        conversation = self._job.place.conversation
        standing = await asyncio.to_thread(self._threads.shown, conversation)
        blocks = card_blocks(card, may_deploy=self._may_deploy)
        parts = {"card": (_headline(card), blocks), "options": (_count(options), self._option_blocks(card, options))}
        placed = {}
        for name, (text, shown) in parts.items():
            placed[name] = await self._placed(standing.get(name) if in_place else None, text, shown)
        if not in_place:
            await self._supersede(standing)
        now = {"revision": card.revision} | {name: ts for name, ts in placed.items() if ts is not None}
        await asyncio.to_thread(self._threads.put, conversation, now)

    def _option_blocks(self, card: Card, options: Options) -> list[Block]:
        return options_blocks(options, card.revision, [line for text in self._note for line in text.splitlines()])

    async def _placed(self, ts: str | None, text: str, blocks: list[Block]) -> str | None:
        if ts is not None and await self._wire.update(self._job.place, ts, text, blocks):
            return ts
        return await self._wire.post(self._job.place, text, blocks)

    async def _supersede(self, standing: dict[str, Any]) -> None:
        revision = standing.get("revision", 0)
        await self._fold(standing, "card", f"Specification, revision {revision}: a newer card stands below.")
        await self._fold(standing, "options", "These options were replaced by newer ones below.")

    async def _leave(self) -> None:
        """Nothing is waiting any more: the buttons go."""
        standing = await asyncio.to_thread(self._threads.shown, self._job.place.conversation)
        await self._fold(standing, "card", "This specification was left. Words in this thread take it up again.")
        await self._fold(standing, "options", "These options were left.")

    async def _fold(self, standing: dict[str, Any], name: str, text: str) -> None:
        if name in standing:
            await self._wire.update(self._job.place, standing[name], text, [context(text)])


async def _read(events: AsyncIterator[Event], told: asyncio.Queue[Event | None]) -> None:
    """Hand the events over, and None at their end."""
    try:
        async for event in events:
            told.put_nowait(event)
    finally:
        told.put_nowait(None)


def _shown(event: Event, job: Job) -> tuple[str, list[Block]]:
    match event:
        case Said(text=text):
            return text, said_blocks(event)
        case Asked(question=question):
            return question, asked_blocks(event)
        case Failed(message=message):
            return message, failed_blocks(event)
        case Comparison(title=title):
            return title, comparison_blocks(event)
        case Replied(text=text, finished=True):
            return text or event.note, replied_blocks(job.text, event)
        case _:
            return "", []


def _headline(card: Card) -> str:
    chosen = card.spec["chosen"]
    return f"Specification, revision {card.revision}" + (f": {headline(chosen)}" if chosen else "")


def _count(options: Options) -> str:
    return f"{len(options.options)} options" if options.options else "Nothing meets these needs"
