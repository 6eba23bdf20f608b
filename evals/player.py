"""Plays a scenario through the one door and keeps what happened."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from agent.events import Asked, Event
from agent.sessions import Sessions, View
from evals.checks import SlotCounts, faults, slot_counts
from evals.scenario import Scenario, Turn
from knowledge.errors import NotFound, SextantError

OWNER = "eval"


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One played turn."""

    events: tuple[Event, ...]
    failure: str | None
    faults: tuple[str, ...]
    slots: SlotCounts
    cpu_ms: float
    began: bool
    """Whether anything of the need is known after the turn; starting over forgets what was asked too."""


@dataclass(frozen=True, slots=True)
class Played:
    """One played scenario."""

    scenario: Scenario
    turns: tuple[TurnRecord, ...]
    goal_faults: tuple[str, ...]
    redundant_questions: int
    slots: SlotCounts = field(default_factory=SlotCounts)

    @property
    def passed(self) -> bool:
        """Whether every expectation of every turn and the goals hold."""
        return not self.goal_faults and not any(turn.faults for turn in self.turns)

    @property
    def goal_reached(self) -> bool:
        """Whether the goals hold at the end."""
        return not self.goal_faults


Show = Callable[[AsyncIterator[Event]], Awaitable[None]]


async def play(
    scenario: Scenario, sessions: Sessions, *, watch: Callable[[Turn], None] | None = None, show: Show | None = None
) -> Played:
    """Play all turns in a thread named after the scenario; `watch` sees each turn, `show` its events as they come."""
    records: list[TurnRecord] = []
    asked: list[str] = []
    redundant = 0
    for turn in scenario.turns:
        if watch:
            watch(turn)
        record = await _play_turn(scenario.id, turn, sessions, show)
        records.append(record)
        fields = [event.field for event in record.events if isinstance(event, Asked)]
        redundant += sum(name in asked for name in fields)
        asked = asked + fields if record.began else fields
    goal_faults = faults(scenario.goals, (), None, await _view(scenario.id, sessions))
    if scenario.max_turns is not None and len(scenario.turns) > scenario.max_turns:
        goal_faults.append(f"{len(scenario.turns)} turns, at most {scenario.max_turns}")
    slots = sum((record.slots for record in records), SlotCounts())
    return Played(scenario, tuple(records), tuple(goal_faults), redundant, slots)


async def _play_turn(thread: str, turn: Turn, sessions: Sessions, show: Show | None) -> TurnRecord:
    events: list[Event] = []

    async def kept() -> AsyncIterator[Event]:
        async for event in _events(thread, turn, sessions):
            events.append(event)
            yield event

    failure = None
    started = time.process_time()
    try:
        if show is None:
            async for _ in kept():
                pass
        else:
            await show(kept())
    except SextantError as error:
        failure = error.message
    cpu_ms = (time.process_time() - started) * 1000
    view = await _view(thread, sessions)
    found = faults(turn.expect, events, failure, view)
    counted = slot_counts(turn.expect, view.intent if view else {})
    began = view is not None and any(value not in (None, []) for value in view.intent.values())
    return TurnRecord(tuple(events), failure, tuple(found), counted, cpu_ms, began)


async def _events(thread: str, turn: Turn, sessions: Sessions) -> AsyncIterator[Event]:
    if turn.user is not None:
        async for event in sessions.say(thread, OWNER, turn.user):
            yield event
        return
    view = await sessions.view(thread, OWNER)
    kind = turn.action or "edit"
    values = turn.edit if turn.edit is not None else turn.values
    if kind == "choose" and view.plan and str(values.get("option")) in view.plan["lists"]:
        values = {"option": view.plan["lists"][values["option"]][0]}
    revision = view.revision if turn.revision is None else turn.revision
    async for event in sessions.act(thread, OWNER, kind, revision, values):
        yield event


async def _view(thread: str, sessions: Sessions) -> View | None:
    try:
        return await sessions.view(thread, OWNER)
    except NotFound:
        return None
