"""Closer looks in the web chat: a card asks, and the answer comes back to it. Nothing is changed or kept by them."""

from collections.abc import Mapping
from typing import Any

import chainlit as cl

from agent.looks import Looks
from knowledge.errors import BadInput, SextantError
from templates.reports import chart
from tools.planner.plots import (
    cost_by_way,
    cost_words,
    day_words,
    latency_by_load,
    replicas_by_hour,
    waiting_words,
    waits,
)
from ui.rendering.option_words import simulated_words
from ui.web.here import owner_here, thread_here
from ui.web.props import options_props
from ui.web.scenarios import scenario_props
from ui.web.wording import refusal

Json = dict[str, Any]


class LookHandlers:
    """Answers to what the cards ask, for one server."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self._kinds = {
            "what_if": self._what_if,
            "refined": self._refined,
            "finalists": self._finalists,
            "load": self._load,
            "cost": self._cost,
            "day": self._day,
            "waits": self._waits,
            "scenarios": self._scenarios,
        }

    def install(self) -> None:
        """Register with Chainlit."""
        cl.action_callback("look")(self.looked)

    async def looked(self, action: cl.Action) -> Json:
        """What was asked for, or `{"errors": {field: text}}`."""
        asked = action.payload
        answer = self._kinds.get(str(asked.get("kind")))
        try:
            if answer is None:
                raise BadInput(f"unknown look {str(asked.get('kind'))[:40]!r}", f"one of: {', '.join(self._kinds)}")
            return {"errors": {}, **await answer(asked)}
        except SextantError as error:
            return refusal(error)

    async def _what_if(self, asked: Mapping[str, Any]) -> Json:
        revision = asked.get("revision")
        number = revision if isinstance(revision, int) else -1
        found = await self._looks.what_if(thread_here(), owner_here(), number, asked.get("values") or {})
        return {"options": options_props(found, number)}

    async def _finalists(self, asked: Mapping[str, Any]) -> Json:  # noqa: ARG002  # every look has this signature
        return {"ids": list(await self._looks.finalists(thread_here(), owner_here()))}

    async def _refined(self, asked: Mapping[str, Any]) -> Json:
        shown = await self._looks.shown(thread_here(), owner_here())
        found = await self._looks.refined(thread_here(), owner_here(), str(asked.get("option")))
        return {
            "refined": None if found is None else simulated_words(found.to_json(), shown.plan.traffic.targets.e2e_basis)
        }

    async def _load(self, asked: Mapping[str, Any]) -> Json:
        found = await self._looks.load(thread_here(), owner_here(), str(asked.get("option")))
        if found is None:
            return _nothing("Sellers of APIs publish no latency by load.")
        drawing = latency_by_load(found)
        return {"svg": chart(drawing), "words": [drawing.words]}

    async def _cost(self, asked: Mapping[str, Any]) -> Json:
        found = await self._looks.cost(thread_here(), owner_here(), str(asked.get("option")))
        drawing = cost_by_way(found)
        if drawing is None:
            return _nothing("No way to run this model has a known price.")
        words = [cost_words(way) + ("" if way.allowed else " (not what you asked for)") for way in found.ways]
        return {"svg": chart(drawing), "words": words}

    async def _day(self, asked: Mapping[str, Any]) -> Json:
        found = await self._looks.day(thread_here(), owner_here(), str(asked.get("option")))
        if found is None:
            return _nothing("This has no day to follow: it is paid per token, or works in a window of the day.")
        drawing = replicas_by_hour(found)
        return {"svg": chart(drawing), "words": [drawing.words, day_words(found)]}

    async def _waits(self, asked: Mapping[str, Any]) -> Json:
        runs = asked.get("runs")
        number = runs if isinstance(runs, int) else 1
        found = await self._looks.waits(thread_here(), owner_here(), str(asked.get("option")), number)
        if found is None:
            return _nothing("An API cannot be simulated: nothing is known of what it runs on.")
        return {"svg": chart(waits(found)), "words": [waiting_words(found)]}

    async def _scenarios(self, asked: Mapping[str, Any]) -> Json:  # noqa: ARG002  # every look has this signature
        return {"scenarios": scenario_props(await self._looks.scenarios(thread_here(), owner_here()))}


def _nothing(words: str) -> Json:
    return {"svg": "", "words": [words]}
