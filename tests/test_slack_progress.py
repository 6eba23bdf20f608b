"""Progress in Slack: one message that changes, not too often, and that never holds the turn up."""

import asyncio
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import pytest

from agent.events import Progress
from ui.slack.jobs import Place
from ui.slack.wire import Wire, web_client
from ui.slack.work import INTERRUPTED, SHOW_AFTER_S, SHOW_EVERY_S, Work

PLACE = Place("T1", "C1", "1.1")


class Line:
    """The work of a turn whose clock is set by hand."""

    def __init__(self, wire: Wire) -> None:
        self.now = 0.0
        self.work = Work(wire, PLACE, clock=lambda: self.now)

    async def at(self, seconds: float, fraction: float) -> None:
        self.now = seconds
        self.work.show(Progress("load test", fraction, f"at {seconds:g}"))
        if self.work.sending is not None:
            await self.work.sending


@pytest.fixture
async def slack(slack_double: ModuleType) -> AsyncIterator[Any]:
    async with slack_double.slack() as double:
        yield double


@pytest.fixture
def line(slack: Any, slack_double: ModuleType) -> Line:
    return Line(Wire(web_client(slack_double.TOKEN, f"{slack.url}/api")))


def texts(slack: Any) -> list[str]:
    return [message["text"] for message in slack.messages.values()]


async def test_what_is_soon_done_shows_nothing(slack: Any, line: Line) -> None:
    await line.at(SHOW_AFTER_S / 2, 0.9)
    await line.work.finish()
    assert slack.calls == []


async def test_one_message_changes_not_more_often_than_it_may(slack: Any, line: Line) -> None:
    seconds = [SHOW_AFTER_S + step * SHOW_EVERY_S / 10 for step in range(31)]
    for number, second in enumerate(seconds):
        await line.at(second, number / 31)
    assert slack.count("chat.postMessage") == 1
    assert slack.count("chat.update") == 3
    assert texts(slack)[0].startswith("▰▰▰▰▰▰▰▰▰▰ load test: at")
    await line.work.finish()
    assert texts(slack) == ["Done in 8 s (load test)"]


async def test_the_turn_does_not_wait_for_slack(slack: Any, line: Line) -> None:
    slack.hold.clear()
    line.now = SHOW_AFTER_S
    for step in range(5):
        line.work.show(Progress("deploy", step / 5, ""))
        line.now += SHOW_EVERY_S
        await asyncio.sleep(0)
    assert slack.count("chat.postMessage") <= 1  # what is on its way is not overtaken
    slack.hold.set()
    await line.work.finish()
    assert slack.count("chat.postMessage") == 1
    assert texts(slack) == ["Done in 12 s (deploy)"]


async def test_a_turn_that_is_cut_off_says_that_it_goes_on(slack: Any, line: Line) -> None:
    await line.at(SHOW_AFTER_S, 0.5)
    await line.work.interrupted()
    assert texts(slack) == [INTERRUPTED]
