"""The one door to conversations: `say`, `act`, `view`. Chat, Slack, HTTP and evals go through it and nothing else.

It owns every graph call: one turn at a time per thread (agent/turns.py), the owner, the pending pause and the card's
revision are checked before anything runs, so that a double click deploys once, a stale card is refused, and words on a
waiting card are an edit.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, StateSnapshot

from agent.backends.phrasing import phrased
from agent.backends.protocol import Backend
from agent.card import card, options
from agent.checkpoints import open_checkpoints
from agent.context import Context
from agent.events import Card, Event, Failed, Options, Replied, Said
from agent.graph import Graph, build_graph
from agent.inputs import with_input
from agent.journal import Journal
from agent.places import place_named
from agent.rating import rate, withdraw
from agent.slots import Bounds
from agent.specification import redone, undone
from agent.standing import standing
from agent.state import SCHEMA_VERSION, Action, Json, State, chosen_option, intent_of
from agent.trying import replies
from agent.turns import USUAL, Turns
from knowledge.errors import BadInput, Conflict, NotAllowed, NotFound, SextantError, StateUnusable
from knowledge.records import stamp
from tools.editing import edit

if TYPE_CHECKING:
    from agent.manifests import Preview

MAX_MESSAGE_CHARS = 50_000
ACTS = ("edit", "choose", "approve", "cancel", "rollback", "undo", "redo")
EFFECTS = ("approve", "rollback")
NEVER_SHOWN = -1


@dataclass(frozen=True, slots=True)
class View:
    """A conversation as it stands."""

    intent: Json
    plan: Json | None
    chosen_option: Json | None
    revision: int
    awaiting: str | None
    deployment: Json | None
    card: Card | None
    options: Options | None


class Sessions:
    """Conversations over one graph and one context."""

    def __init__(self, graph: Graph, context: Context, turns: Turns | None = None) -> None:
        self._graph = graph
        self.context = context
        self.turns = turns or Turns()

    def helped_by(self, backend: Backend) -> "Sessions":
        """The same conversations with a language model."""
        return Sessions(self._graph, replace(self.context, backend=backend), self.turns)

    async def say(
        self, thread: str, owner: str, text: str, attachments: tuple[Path, ...] = (), *, may_deploy: bool = True
    ) -> AsyncIterator[Event]:
        """A message; begins the conversation when `thread` is new. Raises BadInput and NotFound.

        Without `may_deploy` words that would deploy, load-test or roll back are refused; the rest is carried out.
        """
        if not text.strip() and not attachments:
            raise BadInput("the message is empty", "say what you need, for example: a support chatbot for 1,000 users")
        if len(text) > MAX_MESSAGE_CHARS:
            raise BadInput(
                f"the message has {len(text):,} characters; the limit is {MAX_MESSAGE_CHARS:,}",
                "send the part that counts",
            )
        async with self.turns.turn(thread, owner):
            state = await self._state(thread, owner, must_exist=False)
            shown = state.values.get("revision", 0)
            if _interrupted(state):
                async for event in self._run(self._journal(thread, owner, state), None, shown):
                    yield event
                state = await self._state(thread, owner, must_exist=True)
            action = Action(kind="say", text=text, values={"attachments": [str(path) for path in attachments]})
            kept = self._with_input(state, action)
            begin: State = {"schema_version": SCHEMA_VERSION, "thread": thread, "owner": owner, "action": action}
            given: State | Command[Any] = Command(resume=action, update=kept) if state.interrupts else begin | kept
            journal = self._journal(thread, owner, state, text)
            async for event in self._run(journal, given, shown, may_deploy=may_deploy):
                yield event

    async def act(
        self,
        thread: str,
        owner: str,
        kind: str,
        revision: int,
        values: Mapping[str, Any] | None = None,
        *,
        may_deploy: bool = True,
    ) -> AsyncIterator[Event]:
        """A click on the card of `revision`.

        Raises NotFound, Conflict (stale card, nothing waiting), BadInput, and NotAllowed for what needs `may_deploy`.
        """
        if kind not in ACTS:
            raise BadInput(f"unknown action {kind[:40]!r}", f"one of: {', '.join(ACTS)}", field="kind")
        if kind in EFFECTS and not may_deploy:
            raise NotAllowed(f"you may plan here, but not {kind}", "ask whoever may")
        async with self.turns.turn(thread, owner):
            state = await self._state(thread, owner, must_exist=True)
            shown = state.values.get("revision", 0)
            if _interrupted(state):
                async for event in self._run(self._journal(thread, owner, state), None, shown):
                    yield event
                state = await self._state(thread, owner, must_exist=True)
            if not state.interrupts:
                raise Conflict("nothing is waiting for an answer in this conversation", "say what you need")
            waiting = state.interrupts[0].value["revision"]
            if waiting != revision:
                raise Conflict(
                    f"this card is out of date (revision {revision}, now {waiting})", "look at the newest card"
                )
            checked = _checked(kind, dict(values or {}), state.values)
            if kind == "approve":
                place_named(str(checked.get("target", "")), self.context)
            action = Action(kind=kind, text="", values=checked)  # type: ignore[typeddict-item]  # checked above
            kept = self._with_input(state, action)
            journal = self._journal(thread, owner, state)
            async for event in self._run(journal, Command(resume=action, update=kept), shown, may_deploy=may_deploy):
                yield event

    async def stop(self, thread: str, owner: str) -> bool:
        """Ask the turn that runs to end: a deployment under way is undone, a load test reports what it has; False when
        none runs in this process. Raises NotFound.
        """
        await self._state(thread, owner, must_exist=True)
        return self.turns.stop(thread)

    async def resume(self, thread: str, owner: str) -> AsyncIterator[Event]:
        """Finish what a crash interrupted; nothing happens when nothing was."""
        async with self.turns.turn(thread, owner):
            state = await self._state(thread, owner, must_exist=True)
            if _interrupted(state):
                journal = self._journal(thread, owner, state)
                async for event in self._run(journal, None, NEVER_SHOWN):
                    yield event

    async def view(self, thread: str, owner: str) -> View:
        """The conversation as it stands. Raises NotFound."""
        state = await self._state(thread, owner, must_exist=True)
        values: State = state.values  # type: ignore[assignment]  # LangGraph types state values as Any
        waiting = bool(state.interrupts)
        return View(
            intent=intent_of(values).model_dump(mode="json"),
            plan=values.get("plan") or None,
            chosen_option=chosen_option(values),
            revision=values.get("revision", 0),
            awaiting="review" if waiting else None,
            deployment=values.get("deployment"),
            card=await self._card(values) if waiting else None,
            options=options(values) if waiting else None,
        )

    async def position(self, thread: str, owner: str) -> tuple[int, str | None]:
        """The revision of the card, and what it waits for. Raises NotFound."""
        state = await self._state(thread, owner, must_exist=True)
        return state.values.get("revision", 0), "review" if state.interrupts else None

    async def state(self, thread: str, owner: str) -> State:
        """Everything that the conversation remembers. Raises NotFound."""
        values: State = (await self._state(thread, owner, must_exist=True)).values  # type: ignore[assignment]
        return values

    async def preview(self, thread: str, owner: str, form: str = "") -> "Preview":
        """The manifests of the option on the card (see `agent.manifests`). Raises NotFound, Conflict and BadInput."""
        from agent.manifests import preview  # noqa: PLC0415  # the cluster's client loads with the first one

        return await asyncio.to_thread(preview, await self.state(thread, owner), self.context, form)

    async def ask(self, thread: str, owner: str, prompt: str) -> AsyncIterator[Replied]:
        """Try a prompt on what this conversation has deployed. Raises NotFound, BadInput, Conflict and Unavailable."""
        async for reply in replies(await self.state(thread, owner), self.context, prompt):
            yield reply

    async def rate(self, thread: str, owner: str, stars: int, comment: str = "") -> None:
        """Keep what somebody thinks of the recommendation with its outcome.

        Raises NotFound, BadInput, and Conflict before anything was tested.
        """
        await asyncio.to_thread(rate, await self.state(thread, owner), self.context, stars, comment)

    async def withdraw(self, thread: str, owner: str, stars: int) -> bool:
        """Take back a rating of so many stars, unless another was given since. Raises NotFound and Conflict."""
        return await asyncio.to_thread(withdraw, await self.state(thread, owner), self.context, stars)

    async def _card(self, values: State) -> Card:
        return card(values, await asyncio.to_thread(standing, values, self.context))

    def _with_input(self, state: StateSnapshot, action: Action) -> State:
        return with_input(state.values, action, stamp(self.context.clock()))  # type: ignore[arg-type]

    def _journal(self, thread: str, owner: str, state: StateSnapshot, said: str = "") -> Journal:
        return Journal(self.context, thread, owner, state.values, said)

    async def _state(self, thread: str, owner: str, *, must_exist: bool) -> StateSnapshot:
        state = await self._graph.aget_state(_config(thread))
        known = state.values.get("owner")
        if known is None and not must_exist:
            return state
        if known != owner:
            raise NotFound("conversation", thread)
        if state.values.get("schema_version", 0) > SCHEMA_VERSION:
            raise StateUnusable(f"conversation {thread} was written by a newer Sextant", "update Sextant")
        return state

    async def _worded(self, event: Event) -> Event:
        """What is said, in the model's words where there is a model and it keeps to the facts."""
        if self.context.backend is None or not isinstance(event, Said):
            return event
        return replace(event, text=await asyncio.to_thread(phrased, event.text, self.context.backend))

    async def _run(
        self, journal: Journal, given: State | Command[Any] | None, shown: int, *, may_deploy: bool = True
    ) -> AsyncIterator[Event]:
        """Run to the next pause, passing events on; a new card is shown when the revision moved."""
        config = _config(journal.thread)
        try:
            with self.turns.stoppable(journal.thread) as stopped:
                context = replace(self.context, may_deploy=may_deploy, stopped=stopped)
                async for event in self._graph.astream(
                    given, config, context=context, stream_mode="custom", durability="sync"
                ):
                    journal.saw(event)  # type: ignore[arg-type]  # nodes write events and nothing else
                    yield await self._worded(event)  # type: ignore[arg-type]  # nodes write events and nothing else
        except SextantError as error:
            yield Failed(error.message, error.cure)
        state = await self._graph.aget_state(config)
        await asyncio.to_thread(journal.note, state.values)
        if state.interrupts and state.values.get("revision") != shown:
            yield await self._card(state.values)  # type: ignore[arg-type]  # LangGraph types state values as Any
            yield options(state.values)  # type: ignore[arg-type]


def _interrupted(state: StateSnapshot) -> bool:
    """Whether a crash or a cut left work to finish: a node to run, or the result of one to take up."""
    return bool(state.next or state.tasks) and not state.interrupts


def _config(thread: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread}}


def _checked(kind: str, values: Json, state: Mapping[str, Any]) -> Json:
    """The values of an action, refused before the graph moves when they cannot be used."""
    known: State = state  # type: ignore[assignment]  # LangGraph types state values as Any
    if kind == "edit":
        if not values:
            cure = 'send values, for example {"total_users": 2000}'
            raise BadInput("an edit needs at least one field", cure, field="values")
        edit(intent_of(known), values)  # raises when a value cannot be used
    if kind == "choose":
        ids = [option["id"] for option in state["plan"]["options"]]
        if values.get("option") not in ids:
            raise NotFound("option", str(values.get("option")), tuple(ids[:3]), field="option")
    if kind == "approve" and not state.get("chosen"):
        raise Conflict(
            "there is no option to deploy: no plan meets these needs", "relax what the card names, then approve"
        )
    if kind == "rollback" and not state.get("deployment"):
        raise Conflict("nothing is deployed in this conversation", "approve a plan first")
    if kind == "undo" and undone(known) is None:
        raise Conflict("there is nothing to undo", "change something first")
    if kind == "redo" and redone(known) is None:
        raise Conflict("there is nothing to redo", "undo a change first")
    return values


@asynccontextmanager
async def open_sessions(
    database: Path, context: Context, *, url: str | None = None, bounds: Bounds = USUAL
) -> AsyncIterator[Sessions]:
    """Sessions kept in a SQLite file, or with `url` in a PostgreSQL database that other processes use too.

    Raises StateUnusable when it cannot be written, and Unavailable when the database does not answer.
    """
    async with open_checkpoints(database, url, bounds.process) as (saver, locks):
        yield Sessions(build_graph(saver), context, Turns(bounds, locks))
