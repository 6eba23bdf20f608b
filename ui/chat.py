"""The terminal chat: reads a line, passes it to the session door, prints what comes back. No logic of its own."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar

from agent.events import Card, Event, Options, Progress
from agent.sessions import Sessions
from knowledge.errors import BadInput, SextantError
from tools.editing import read_assignment
from ui.opening import opened
from ui.person import person
from ui.rendering.events import render
from ui.rendering.width import console_of_width
from ui.settings import Settings
from ui.start_notes import price_notes

WELCOME = """Sextant plans, prices, deploys and verifies LLM inference.
Say what you need, for example: a support chatbot for 1,000 users, fast, under $5k a month
? shows what can be said, Ctrl-D leaves.
"""

HELP = """Plain words work everywhere: "actually 2000 users", "what if traffic doubles", "why not the 70B?".
  /edit FIELD=VALUE …   change fields of the card, e.g. /edit total_users=2000 budget.max_monthly_cost_usd=null
  /choose N             take option N of the table
  /approve [TARGET]     deploy what the card shows and load-test it
  /manifests [FORM]     the Kubernetes manifests of it: kserve, vanilla, llmisvc
  /try WORDS            ask what was deployed
  /rate 1-5 [WORDS]     how good the recommendation was, kept with what was measured
  /rollback             undo the deployment
  /undo  /redo          step through changes
  /cancel               leave without deploying
  /show                 show the card and the options again
  ?                     this help
  Ctrl-D or /quit       leave; `sextant chat --thread NAME` comes back
"""


class TerminalChat:
    """One conversation on one console."""

    def __init__(self, sessions: Sessions, console: Console, *, thread: str, owner: str) -> None:
        self.sessions = sessions
        self.console = console
        self.thread = thread
        self.owner = owner
        self.option_ids: list[str] = []
        self.shown: dict[type, object] = {}

    async def turn(self, line: str) -> bool:
        """Handle one line; False when the person leaves."""
        line = line.strip()
        if line in ("/quit", "/exit"):
            return False
        if line in ("?", "/help"):
            self.console.print(HELP, highlight=False)
            return True
        try:
            if line == "/show":
                self.shown.clear()
                await self._show()
            elif line.startswith("/try "):
                await self.play(self._asked(line.removeprefix("/try ")))
            elif line.startswith("/rate "):
                await self._rate(*line.removeprefix("/rate ").strip().partition(" ")[::2])
            elif line.startswith("/manifests"):
                await self._manifests(line.removeprefix("/manifests").strip())
            elif line.startswith("/"):
                await self._command(line)
            else:
                await self.play(self.sessions.say(self.thread, self.owner, line))
        except SextantError as error:
            self.console.print(error.message, style="red", markup=False)
            if error.cure:
                self.console.print(error.cure, style="dim", markup=False)
        return True

    async def _command(self, line: str) -> None:
        name, _, rest = line[1:].partition(" ")
        values: dict[str, object] = {}
        if name == "edit":
            values = dict(read_assignment(part) for part in rest.split() if part)
        elif name == "choose":
            values = {"option": self._option(rest.strip())}
        elif name == "approve" and rest.strip():
            values = {"target": rest.strip()}
        view = await self.sessions.view(self.thread, self.owner)
        await self.play(self.sessions.act(self.thread, self.owner, name, view.revision, values))

    async def _asked(self, prompt: str) -> AsyncIterator[Event]:
        """The answer of what was deployed, shown when it is whole."""
        async for reply in self.sessions.ask(self.thread, self.owner, prompt):
            if reply.finished:
                yield reply

    async def _rate(self, stars: str, comment: str) -> None:
        if not stars.isdigit():
            raise BadInput(f"{stars[:20]!r} is no rating", "write /rate 4, or /rate 4 with words", field="stars")
        await self.sessions.rate(self.thread, self.owner, int(stars), comment)
        self.console.print("Kept with the outcome.", style="dim")

    async def _manifests(self, form: str) -> None:
        shown = await self.sessions.preview(self.thread, self.owner, form)
        self.console.print(shown.text(), markup=False, highlight=False, soft_wrap=True)
        for finding in shown.findings:
            self.console.print(str(finding), style="dim", markup=False)

    def _option(self, text: str) -> str:
        if text.isdigit() and 1 <= int(text) <= len(self.option_ids):
            return self.option_ids[int(text) - 1]
        return text

    async def _show(self) -> None:
        view = await self.sessions.view(self.thread, self.owner)
        for event in (view.card, view.options):
            if event is not None:
                self._print(event)

    async def play(self, events: AsyncIterator[Event]) -> None:
        """Print events as they come; progress as a bar that disappears when done."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
        )
        with ProgressBar(*columns, console=self.console, transient=True) as bar:
            tasks: dict[str, object] = {}
            async with aclosing(events) as stream:  # type: ignore[type-var]  # the door's iterators are generators
                async for event in stream:
                    if isinstance(event, Progress):
                        if event.step not in tasks:
                            tasks[event.step] = bar.add_task(event.step, total=1.0, note="")
                        bar.update(tasks[event.step], completed=event.fraction, note=event.note)  # type: ignore[arg-type]
                    else:
                        self._print(event)

    def _print(self, event: Event) -> None:
        """Print an event; a card or a table of options that was the last of its kind shown is not repeated."""
        content: object = None
        if isinstance(event, Options):
            self.option_ids = [option["id"] for option in event.options]
            content = (self.option_ids, event.chosen)
        elif isinstance(event, Card):
            content = event.spec["groups"]
        if content is None or self.shown.get(type(event)) != content:
            self.shown[type(event)] = content
            render(event, self.console)


async def run(
    thread: str,
    *,
    time_factor: float,
    approved_only: bool = False,
    settings: Settings | None = None,
    read: Callable[[str], str] = input,
) -> None:
    """Talk until the person leaves."""
    console = console_of_width()
    name = thread or f"chat-{uuid.uuid4().hex[:8]}"
    async with opened(time_factor=time_factor, settings=settings, approved_only=approved_only) as sessions:
        chat = TerminalChat(sessions, console, thread=name, owner=person())
        console.print(WELCOME, highlight=False)
        for note in price_notes(sessions.context.records.home, sessions.context.clock().date()):
            console.print(f"note: {note}", style="dim", markup=False)
        while True:
            try:
                line = await asyncio.to_thread(read, "you> ")
            except EOFError:
                break
            if line.strip() and not await chat.turn(line):
                break
        console.print(f"Come back with: sextant chat --thread {name}", style="dim", highlight=False)
