"""Closer looks at the plan of a conversation: what if, simulated, in pictures, as kept. None changes anything."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.card import card
from agent.context import Context
from agent.events import Card, Options
from agent.planning import plan_of
from agent.sessions import Sessions
from agent.state import Json, State, intent_of
from knowledge.errors import BadInput, Conflict, NotFound
from knowledge.records import Scenario
from tools.editing import edit
from tools.planner import Plan
from tools.planner.cost_course import CostCourse, cost_course
from tools.planner.day_course import DayCourse, day_course
from tools.planner.load_curve import LoadCurve, load_curve
from tools.planner.option import Option
from tools.planner.refinement import Refined, finalists, refine_option
from tools.planner.waiting import RUNS, Waiting, waiting

PLANS_KEPT = 64
SIMULATIONS = 1
"""At a time and process: planning, which people wait for, goes on beside them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The plan on the card of a revision, with the option that is chosen there."""

    plan: Plan
    chosen: Option | None
    card: Card


class Looks:
    """Looks through one session door. The newest plans are kept, so that looking twice plans once."""

    def __init__(self, door: Sessions) -> None:
        self._door = door
        self.context = door.context
        self._simulating = asyncio.Semaphore(SIMULATIONS)
        self._plans: OrderedDict[tuple[str, str, int], Plan] = OrderedDict()

    async def shown(self, thread: str, owner: str) -> Shown:
        """The plan as it stands. Raises NotFound, and Conflict where there is none."""
        state = await self._state(thread, owner)
        made = await self._plan(state)
        return Shown(made, made.option(str(state.get("chosen"))), card(state))

    async def what_if(self, thread: str, owner: str, revision: int, values: Mapping[str, Any]) -> Options:
        """The options with other values in place of those on the card of `revision`.

        Raises NotFound, Conflict (the card is out of date) and BadInput.
        """
        state = await self._state(thread, owner)
        if state.get("revision") != revision:
            raise Conflict(
                f"this card is out of date (revision {revision}, now {state.get('revision')})",
                "look at the newest card",
            )
        if not values:
            raise BadInput("a what-if needs at least one field", 'send values, for example {"total_users": 2000}')
        made = await asyncio.to_thread(_planned_with, state, self.context, dict(values))
        found = made.to_json()
        best = made.best("balanced")
        return Options(found["options"], found["lists"], found["rejected"], best.id if best else None)

    async def finalists(self, thread: str, owner: str) -> tuple[str, ...]:
        """Ids of the options worth simulating: the first self-hosted of each list, and the chosen one."""
        shown = await self.shown(thread, owner)
        ids = [each.id for each in finalists(shown.plan)]
        own = shown.chosen is not None and shown.chosen.configuration is not None
        return tuple(dict.fromkeys([*ids, *([shown.chosen.id] if shown.chosen and own else [])]))

    async def refined(self, thread: str, owner: str, option: str) -> Refined | None:
        """An option simulated at the peak; None for APIs. Raises NotFound and Conflict."""
        made, each = await self._option(thread, owner, option)
        async with self._simulating:
            return await asyncio.to_thread(refine_option, each, made.traffic, made.experience)

    async def load(self, thread: str, owner: str, option: str) -> LoadCurve | None:
        """Latency by load; None for APIs. Raises NotFound and Conflict."""
        made, each = await self._option(thread, owner, option)
        return await asyncio.to_thread(load_curve, each, made.traffic, made.experience)

    async def cost(self, thread: str, owner: str, option: str) -> CostCourse:
        """Cost over the years by the way the option's model is run. Raises NotFound and Conflict."""
        made, each = await self._option(thread, owner, option)
        return await asyncio.to_thread(cost_course, made, each, self.context.snapshot, self.context.market)

    async def day(self, thread: str, owner: str, option: str) -> DayCourse | None:
        """A day of the option; None where it has none. Raises NotFound and Conflict."""
        made, each = await self._option(thread, owner, option)
        return day_course(each, made.traffic)

    async def waits(self, thread: str, owner: str, option: str, runs: int = RUNS) -> Waiting | None:
        """Waits as simulated `runs` times; None for APIs. Raises NotFound and Conflict."""
        made, each = await self._option(thread, owner, option)
        number = min(max(runs, 1), RUNS)
        async with self._simulating:
            return await asyncio.to_thread(waiting, each, made.traffic, made.experience, runs=number)

    async def scenarios(self, thread: str, owner: str) -> tuple[Scenario, ...]:
        """What was kept of this conversation under a name. Raises NotFound."""
        await self._door.state(thread, owner)
        return await asyncio.to_thread(self.context.records.scenarios.all, thread)

    async def _state(self, thread: str, owner: str) -> State:
        state = await self._door.state(thread, owner)
        if not state.get("plan"):
            raise Conflict("there is no plan in this conversation yet", "say what you need first")
        return state

    async def _plan(self, state: State) -> Plan:
        key = (state["owner"], state["thread"], state["revision"])
        if key not in self._plans:
            self._plans[key] = await asyncio.to_thread(plan_of, state, self.context)
            while len(self._plans) > PLANS_KEPT:
                self._plans.popitem(last=False)
        return self._plans[key]

    async def _option(self, thread: str, owner: str, option: str) -> tuple[Plan, Option]:
        state = await self._state(thread, owner)
        made = await self._plan(state)
        found = made.option(option)
        if found is not None:
            return made, found
        if any(each["id"] == option for each in state["plan"]["options"]):
            raise Conflict("prices or facts have changed since this plan was made", "change something or ask again")
        raise NotFound("option", option, tuple(each.id for each in made.options[:3]), field="option")


def _planned_with(state: State, context: Context, values: Json) -> Plan:
    return plan_of(state, context, edit(intent_of(state), values))
