"""One turn in the web chat: the events of the session door become messages and cards."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import chainlit as cl

from agent.events import Asked, Card, Comparison, Event, Failed, Options, Progress, Report, Said
from ui.web import props

SHOW_AFTER_S = 1.5
SHOW_EVERY_S = 0.25
SPECIFICATION, OPTIONS = "SpecCard", "OptionsCard"


@dataclass
class Work:
    """Progress of a turn that takes its time: drawn on the standing card, or as a line of its own."""

    card: cl.CustomElement | None = None
    began: float = field(default_factory=time.monotonic)
    shown: float = 0.0
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    element: cl.CustomElement | None = None

    async def show(self, event: Progress) -> None:
        """Show where the work is, not more often than one can read."""
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

    async def _draw(self, *, done: bool) -> None:
        if self.card is not None:
            self.card.props["work"] = list(self.steps.values())
            await self.card.update()
            return
        shown = {
            "steps": list(self.steps.values()), "done": done, "seconds": round(time.monotonic() - self.began),
        }  # fmt: skip
        if self.element is None:
            self.element = cl.CustomElement(name="ProgressCard", props=shown)
            await cl.Message(content="", elements=[self.element]).send()
        else:
            self.element.props = shown
            await self.element.update()


class Screen:
    """What stands in one chat: the newest card and the newest options, which clicks change in place."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.elements: dict[str, cl.CustomElement] = {}

    async def play(self, events: AsyncIterator[Event], *, in_place: bool) -> None:
        """Show a turn. `in_place` redraws the standing cards, as a click on them expects."""
        work, cards, said = Work(self.elements.get(SPECIFICATION) if in_place else None), _Cards(self.target), []
        try:
            async for event in events:
                match event:
                    case Progress():
                        await work.show(event)
                    case Card() | Options():
                        cards.take(event)
                    case Said(text=text) if in_place:
                        said += text.splitlines()
                    case _:
                        await tell(event)
        finally:
            await work.finish()
        await self._put(cards.shown(said), in_place=in_place)
        if said and cards.card is None:
            await tell(Said("\n".join(said)))

    async def _put(self, shown: dict[str, dict[str, Any]], *, in_place: bool) -> None:
        if not shown:
            return
        if in_place and self.elements:
            for name, values in shown.items():
                self.elements[name].props = values
                await self.elements[name].update()
            return
        for old in self.elements.values():
            old.props = {**old.props, "superseded": True}
            await old.update()
        self.elements = {name: cl.CustomElement(name=name, props=values) for name, values in shown.items()}
        for element in self.elements.values():
            await cl.Message(content="", elements=[element]).send()

    def restore(self, elements: list[dict[str, Any]], card: Card | None, options: Options | None) -> None:
        """Take the cards of a resumed chat over again, filled from the conversation; `elements` are what is shown."""
        cards = _Cards(self.target)
        for event in (card, options):
            if event is not None:
                cards.take(event)
        now = cards.shown()
        for name in (SPECIFICATION, OPTIONS):
            standing = [element for element in elements if element["name"] == name]
            if not standing or name not in now:
                continue
            standing[-1]["props"] = now[name]
            self.elements[name] = cl.CustomElement(
                id=standing[-1]["id"],
                for_id=standing[-1]["forId"],
                thread_id=standing[-1]["threadId"],
                name=name,
                props=now[name],
            )


class _Cards:
    """The card and the options of a turn; options are drawn for the revision of their card."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.card: Card | None = None
        self.options: Options | None = None

    def take(self, event: Card | Options) -> None:
        if isinstance(event, Card):
            self.card = event
        else:
            self.options = event

    def shown(self, said: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
        if self.card is None or self.options is None:
            return {}
        return {
            SPECIFICATION: props.card_props(self.card, self.target),
            OPTIONS: props.options_props(self.options, self.card.revision, said),
        }


async def tell(event: Event) -> None:
    """Show an event that stands for itself."""
    match event:
        case Said(text=text):
            await cl.Message(content=text.replace("\n", "\n\n")).send()
        case Asked():
            await _element("QuestionCard", props.question_props(event))
        case Comparison():
            await _element("ComparisonCard", props.comparison_props(event))
        case Report():
            await _element("ReportCard", props.report_props(event))
        case Failed(message=message, what_to_do=cure):
            await cl.ErrorMessage(content=f"{message}\n\n{cure}" if cure else message).send()
        case _:
            raise TypeError(f"no face for {type(event).__name__}")


async def _element(name: str, values: dict[str, Any]) -> None:
    await cl.Message(content="", elements=[cl.CustomElement(name=name, props=values)]).send()
