"""Plays a scenario through the one door and keeps what happened."""

import hashlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.events import Asked, Event, to_json
from agent.sessions import Sessions, View
from evals.checks import SlotCounts, faults, slot_counts
from evals.recorded import readings
from evals.regret import regret_percent
from evals.scenario import Scenario, Turn
from knowledge.errors import NotFound, SextantError

OWNER = "eval"

Crash = Callable[[str, str, str], Awaitable[None]]
"""Plays words in a thread, in a process of its own that is killed when a step begins: (thread, words, step)."""


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
    planned: bool
    """Whether a card waits after the turn."""
    deployed: bool
    """Whether something is deployed after the turn."""
    corrects: bool
    """Whether a slot that was expected before is now expected with another value."""


@dataclass(frozen=True, slots=True)
class Played:
    """One played scenario."""

    scenario: Scenario
    turns: tuple[TurnRecord, ...]
    goal_faults: tuple[str, ...]
    redundant_questions: int
    slots: SlotCounts = field(default_factory=SlotCounts)
    regret_percent: float | None = None

    @property
    def digest(self) -> str:
        """Digest of every event, the same when the same script meets the same facts."""
        lines = (json.dumps(to_json(event), sort_keys=True) for turn in self.turns for event in turn.events)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @property
    def turns_to_plan(self) -> int | None:
        """After how many turns the first card waited."""
        return next((number for number, turn in enumerate(self.turns, 1) if turn.planned), None)

    @property
    def turns_to_approval(self) -> int | None:
        """After how many turns something was deployed."""
        return next((number for number, turn in enumerate(self.turns, 1) if turn.deployed), None)

    @property
    def corrections(self) -> tuple[bool, ...]:
        """For each turn that corrects something, whether it was taken up at once."""
        return tuple(not turn.faults for turn in self.turns if turn.corrects)

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
    scenario: Scenario,
    sessions: Sessions,
    *,
    thread: str | None = None,
    watch: Callable[[Turn], None] | None = None,
    show: Show | None = None,
    crash: Crash | None = None,
) -> Played:
    """Play all turns in a thread, named after the scenario unless said otherwise.

    `watch` sees each turn, `show` its events as they come; `crash` carries out the turns that are to be killed.
    """
    if scenario.recording is not None:
        sessions = sessions.helped_by(readings(scenario.recording))
    stage = _Stage(sessions, thread or scenario.id, show, crash)
    records: list[TurnRecord] = []
    asked: list[str] = []
    said: dict[str, Any] = {}
    redundant = 0
    for turn in scenario.turns:
        if watch:
            watch(turn)
        record = await _play_turn(turn, stage, said)
        records.append(record)
        said |= turn.expect.slots
        fields = [event.field for event in record.events if isinstance(event, Asked)]
        redundant += sum(name in asked for name in fields)
        asked = asked + fields if record.began else fields
    view = await stage.view()
    goal_faults = faults(scenario.goals, (), None, view)
    if scenario.max_turns is not None and len(scenario.turns) > scenario.max_turns:
        goal_faults.append(f"{len(scenario.turns)} turns, at most {scenario.max_turns}")
    return Played(
        scenario,
        tuple(records),
        tuple(goal_faults),
        redundant,
        sum((record.slots for record in records), SlotCounts()),
        regret_percent(scenario, view, sessions.context),
    )


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where a scenario is played."""

    sessions: Sessions
    thread: str
    show: Show | None
    crash: Crash | None

    async def view(self) -> View | None:
        try:
            return await self.sessions.view(self.thread, OWNER)
        except NotFound:
            return None


async def _play_turn(turn: Turn, stage: _Stage, said: Mapping[str, Any]) -> TurnRecord:
    events: list[Event] = []

    async def kept() -> AsyncIterator[Event]:
        async for event in _events(turn, stage):
            events.append(event)
            yield event

    failure = None
    started = time.process_time()
    try:
        if stage.show is None:
            async for _ in kept():
                pass
        else:
            await stage.show(kept())
    except SextantError as error:
        failure = error.message
    cpu_ms = (time.process_time() - started) * 1000
    view = await stage.view()
    return TurnRecord(
        events=tuple(events),
        failure=failure,
        faults=tuple(faults(turn.expect, events, failure, view)),
        slots=slot_counts(turn.expect, view.intent if view else {}),
        cpu_ms=cpu_ms,
        began=view is not None and any(value not in (None, []) for value in view.intent.values()),
        planned=view is not None and view.awaiting == "review",
        deployed=view is not None and view.deployment is not None,
        corrects=any(path in said and said[path] != value for path, value in turn.expect.slots.items()),
    )


async def _events(turn: Turn, stage: _Stage) -> AsyncIterator[Event]:
    sessions, thread = stage.sessions, stage.thread
    if turn.crash is not None and stage.crash is not None:
        await stage.crash(thread, turn.user or "", turn.crash)
        async for event in sessions.resume(thread, OWNER):
            yield event
        return
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
