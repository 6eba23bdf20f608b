"""Needs that cannot be had together are named in numbers, and a number or words take a way out."""

import re

import pytest

from agent.contradiction import contradiction, taken
from agent.events import Asked, Event, Failed, Said
from agent.planner import Facts
from agent.sessions import Sessions
from agent.understanding import understand
from knowledge.snapshot import load
from tools.editing import edit
from tools.market import Market
from tools.planner import plan

CLASH = "$1,000 a month, chatbot, first token within 200 ms at 100 rps"
CHOICES = [
    {"text": "raise the budget to $2,220 a month", "values": {"budget.max_monthly_cost_usd": 2220.0}},
    {"text": "allow spot machines", "values": {"billing": ["spot"]}},
    {"text": "accept standard quality", "values": {"quality_threshold": "standard"}},
]


async def say(sessions: Sessions, text: str) -> list[Event]:
    return [event async for event in sessions.say("t", "ann", text)]


async def test_the_clash_is_told_with_numbers_and_priced_ways_out(sessions: Sessions) -> None:
    events = await say(sessions, CLASH)
    assert not any(isinstance(event, Failed) for event in events)
    (said,) = (event for event in events if isinstance(event, Said))
    assert "$1,000 a month cannot hold 200 ms to the first token with 100 requests per second" in said.text
    (asked,) = (event for event in events if isinstance(event, Asked))
    assert asked.suggestions
    for place, suggestion in enumerate(asked.suggestions, 1):
        assert re.search(rf"^{place}\. {re.escape(suggestion)}: \$[\d,.]+ a month", said.text, re.MULTILINE)


def test_every_way_out_leads_to_a_plan_at_its_price() -> None:
    snapshot, market = load(), Market.bundled(load())
    intent = understand(CLASH, snapshot).intent
    found = contradiction(Facts(snapshot, market), plan(intent, snapshot, market, limit=1))
    assert found.choices
    for choice in found.choices:
        after = plan(edit(intent, choice.values), snapshot, market, limit=1)
        cheapest = after.best("lowest_cost")
        assert cheapest is not None
        assert cheapest.cost.monthly_usd == pytest.approx(choice.monthly_usd, rel=0.01)


@pytest.mark.parametrize("words", ["1", "take number 1", "the first one"])
async def test_a_number_takes_a_way_out(sessions: Sessions, words: str) -> None:
    await say(sessions, "chatbot, 500 requests per second, under $20 a month")
    await say(sessions, words)
    view = await sessions.view("t", "ann")
    assert view.chosen_option is not None
    assert view.intent["expected_qps"] == 500


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("2", 1), ("take 3", 2), ("option 1", 0), ("the second one", 1), ("raise the budget", 0), ("Allow spot", 1),
        ("accept standard quality", 2), ("ok, the budget then", 0), ("4", None), ("drop the budget", None),
        ("200 users", None), ("the", None), ("", None), ("2000", None),
    ],
)  # fmt: skip
def test_words_take_the_one_way_out_that_they_fit(words: str, place: int | None) -> None:
    assert taken(words, CHOICES) == (None if place is None else CHOICES[place])


def test_without_choices_a_number_takes_nothing() -> None:
    assert taken("1", []) is None
