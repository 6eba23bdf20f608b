"""One turn in the web chat: the events of the session door become messages and cards."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import chainlit as cl

from agent.events import Asked, Card, Comparison, Event, Failed, Options, Progress, Report, Said
from ui.rendering.plan import PICKS
from ui.web import deployment, facts, props
from ui.web.closer import closer_props
from ui.web.sliders import sliders

SHOW_AFTER_S = 1.5
SHOW_EVERY_S = 0.25
SPECIFICATION, OPTIONS, CLOSER, DEPLOYMENT = "SpecCard", "OptionsCard", "CloserCard", "DeployCard"
STANDING = (SPECIFICATION, OPTIONS, CLOSER, DEPLOYMENT)
OTHER_PICKS = tuple(f"{title.capitalize()}: " for name, title in PICKS.items() if name != "balanced")
NO_FILE = "about:blank"
"""Where a card's file is. Chainlit would write one before every change, which nobody reads."""


@dataclass
class Work:
    """Progress of a turn that takes its time: drawn on the standing cards, or as a line of its own."""

    card: cl.CustomElement | None = None
    deploying: cl.CustomElement | None = None
    began: float = field(default_factory=time.monotonic)
    shown: float = 0.0
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    element: cl.CustomElement | None = None
    deployed: deployment.Work = field(default_factory=deployment.Work)

    async def show(self, event: Progress) -> None:
        """Show where the work is, not more often than one can read."""
        if self.deploying is not None and event.step in deployment.STEPS:
            await self._show_deploying(self.deploying, event)
            return
        entered = event.step not in self.steps
        self.steps[event.step] = {"step": event.step, "fraction": event.fraction, "note": event.note}
        now = time.monotonic()
        if now - self.began < SHOW_AFTER_S or not (entered or now - self.shown >= SHOW_EVERY_S):
            return
        self.shown = now
        await self._draw(done=False)

    async def finish(self) -> None:
        """Fold the line when there is one."""
        if self.element is not None:
            await self._draw(done=True)
        if self.card is not None and self.card.props.pop("work", None):
            await self.card.update()
        if self.deploying is not None and self.deploying.props.pop("work", None):
            await self.deploying.update()

    async def _show_deploying(self, card: cl.CustomElement, event: Progress) -> None:
        entered, now = self.deployed.take(event), time.monotonic()
        if entered or now - self.shown >= SHOW_EVERY_S:
            self.shown = now
            card.props["work"] = self.deployed.shown()
            await card.update()

    async def _draw(self, *, done: bool) -> None:
        if self.card is not None:
            self.card.props["work"] = list(self.steps.values())
            await self.card.update()
            return
        shown = {
            "steps": list(self.steps.values()), "done": done, "seconds": round(time.monotonic() - self.began),
        }  # fmt: skip
        if self.element is None:
            self.element = drawn("ProgressCard", shown)
            await cl.Message(content="", elements=[self.element]).send()
        else:
            self.element.props = shown
            await self.element.update()


class Screen:
    """What stands in one chat: the newest specification, options and deployment, which clicks change in place."""

    def __init__(self, thread: str) -> None:
        self.thread = thread
        self.elements: dict[str, cl.CustomElement] = {}
        self.drawn = 0  # times that turns put their cards

    async def play(self, events: AsyncIterator[Event], *, in_place: bool) -> None:
        """Show a turn. `in_place` redraws the standing cards, as a click on them expects."""
        work = Work(self.elements.get(SPECIFICATION) if in_place else None, self.elements.get(DEPLOYMENT))
        cards, said, failed = _Cards(self.thread), [], []
        try:
            async for event in events:
                match event:
                    case Progress():
                        await work.show(event)
                    case Card() | Options():
                        cards.take(event)
                    case Said(text=text, kind="") if in_place:
                        said += text.splitlines()
                    case Said(kind="deployed", facts=known) if in_place:
                        said += deployment.remarks(known)
                    case Failed() if in_place and work.deployed.steps:
                        failed.append(event)
                    case _:
                        await tell(event, self.thread)
        finally:
            await work.finish()
        shown = cards.shown(said, deployed=bool(work.deployed.steps))
        if failed and DEPLOYMENT in shown:  # said where the person looks: on the card that they clicked
            shown[DEPLOYMENT]["failed"] = [deployment.failure_props(event) for event in failed]
            failed = []
        await self._put(shown, in_place=in_place)
        if said and cards.card is None:
            await tell(Said("\n".join(said)), self.thread)
        for event in failed:
            await tell(event, self.thread)

    async def tried(self, reply: dict[str, Any]) -> None:
        """Show a prompt and its answer on the deployment card."""
        await self._with(tried=reply)

    async def rated(self, rating: dict[str, Any]) -> None:
        """Show what somebody thinks of the recommendation."""
        card = self.elements.get(DEPLOYMENT)
        if card is not None and card.props.get("running"):
            await self._with(running={**card.props["running"], "rating": rating})

    async def _with(self, **values: Any) -> None:
        card = self.elements.get(DEPLOYMENT)
        if card is not None:
            card.props = {**card.props, **values}
            await card.update()

    async def _put(self, shown: dict[str, dict[str, Any]], *, in_place: bool) -> None:
        if not shown:
            return
        self.drawn += 1
        for name, old in self.elements.items():
            if not in_place or name not in shown:  # with no plan there is nothing to deploy
                old.props = {**old.props, "superseded": True}
                await old.update()
        standing = self.elements if in_place else {}
        self.elements = {**standing, **{name: drawn(name, {}) for name in shown if name not in standing}}
        for name, values in shown.items():
            card = self.elements[name]
            card.props = {**deployment.tried_before(card.props, values), **values}
            await (card.update() if name in standing else cl.Message(content="", elements=[card]).send())

    def restore(self, elements: list[dict[str, Any]], card: Card | None, options: Options | None) -> None:
        """Take the cards of a resumed chat over again, filled from the conversation; `elements` are what is shown."""
        cards = _Cards(self.thread)
        for event in (card, options):
            if event is not None:
                cards.take(event)
        now = cards.shown()
        for name in STANDING:
            standing = [element for element in elements if element["name"] == name]
            if not standing or name not in now:
                continue
            kept = standing[-1].get("props") or {}
            now[name] |= deployment.tried_before(kept, now[name])
            now[name] |= {"failed": kept["failed"]} if kept.get("failed") else {}
            standing[-1]["props"] = now[name]
            again = self.elements[name] = drawn(name, now[name])
            again.id, again.for_id, again.thread_id = (standing[-1][key] for key in ("id", "forId", "threadId"))


class _Cards:
    """The card and the options of a turn; options are drawn for the revision of their card."""

    def __init__(self, thread: str) -> None:
        self.thread = thread
        self.card: Card | None = None
        self.options: Options | None = None

    def take(self, event: Card | Options) -> None:
        if isinstance(event, Card):
            self.card = event
        else:
            self.options = event

    def shown(self, said: Sequence[str] = (), *, deployed: bool = False) -> dict[str, dict[str, Any]]:
        if self.card is None or self.options is None:
            return {}
        options = props.options_props(self.options, self.card.revision, () if deployed else said)
        shown = {
            SPECIFICATION: props.card_props(self.card),
            OPTIONS: options | {"sliders": sliders(self.card.spec, self.options.options)},
            CLOSER: closer_props(self.options, self.card.revision, self.thread),
        }
        beside = deployment.deployment_props(self.card, self.thread)
        return shown if beside is None else {**shown, DEPLOYMENT: {**beside, "said": list(said) if deployed else []}}


async def tell(event: Event, thread: str) -> None:
    """Show an event that stands for itself."""
    match event:
        case Said() if (card := facts.drawn(event, thread)) is not None:
            await _element(*card)
        case Said(text=text):
            await cl.Message(content="\n\n".join(_unrepeated(text.splitlines()))).send()
        case Asked():
            await _element("QuestionCard", props.question_props(event))
        case Comparison():
            await _element("ComparisonCard", props.comparison_props(event))
        case Report():
            await _element("ReportCard", {**props.report_props(event), "downloads": f"/ui/files/{thread}"})
        case Failed(message=message, what_to_do=cure):
            await cl.ErrorMessage(content=f"{message}\n\n{cure}" if cure else message).send()
        case _:
            raise TypeError(f"no face for {type(event).__name__}")


def _unrepeated(lines: Sequence[str]) -> list[str]:
    """Without the picks after the first, when that is not all there is: the lists of the options show them."""
    return [line for line in lines if not line.startswith(OTHER_PICKS)] or list(lines)


async def _element(name: str, values: dict[str, Any]) -> None:
    await cl.Message(content="", elements=[drawn(name, values)]).send()


def drawn(name: str, values: dict[str, Any]) -> cl.CustomElement:
    """A card with these values."""
    return cl.CustomElement(name=name, props=values, url=NO_FILE)
