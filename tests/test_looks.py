"""Closer looks at a conversation: at the plan on its card, by its owner alone, and without changing anything."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.looks import Looks
from agent.sessions import Sessions
from knowledge.errors import BadInput, Conflict, NotFound
from ui.opening import opened
from ui.settings import Settings

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Sessions]:
    async with opened(time_factor=200, settings=Settings(home=tmp_path), tied=True) as sessions:
        async for _ in sessions.say("t", "ann", WORDS):
            pass
        yield sessions


async def test_the_plan_looked_at_is_the_plan_on_the_card(door: Sessions) -> None:
    looks, view = Looks(door), await door.view("t", "ann")
    shown = await looks.shown("t", "ann")
    assert view.plan is not None
    assert [option.id for option in shown.plan.options] == [option["id"] for option in view.plan["options"]]
    assert shown.chosen is not None
    assert shown.chosen.to_json() == view.chosen_option
    assert (await looks.shown("t", "ann")).plan is shown.plan


async def test_trying_a_value_shows_its_options_and_changes_nothing(door: Sessions) -> None:
    looks, before = Looks(door), await door.state("t", "ann")
    tried = await looks.what_if("t", "ann", before["revision"], {"total_users": 4000})
    assert await door.state("t", "ann") == before
    async for _ in door.act("t", "ann", "edit", before["revision"], {"total_users": 4000}):
        pass
    after = await door.state("t", "ann")
    assert [each["id"] for each in after["plan"]["options"]] == [each["id"] for each in tried.options]
    assert after["plan"]["lists"] == tried.lists
    assert after["chosen"] == tried.chosen


async def test_what_cannot_be_tried_is_refused_by_name(door: Sessions) -> None:
    looks = Looks(door)
    with pytest.raises(Conflict, match="out of date"):
        await looks.what_if("t", "ann", 7, {"total_users": 4000})
    with pytest.raises(BadInput, match="greater than 0"):
        await looks.what_if("t", "ann", 1, {"total_users": -5})
    with pytest.raises(BadInput, match="at least one field"):
        await looks.what_if("t", "ann", 1, {})
    with pytest.raises(NotFound, match="option"):
        await looks.refined("t", "ann", "nothing")


async def test_the_picks_and_the_chosen_option_are_simulated_one_by_one(door: Sessions) -> None:
    looks = Looks(door)
    ids = await looks.finalists("t", "ann")
    shown = await looks.shown("t", "ann")
    assert shown.chosen is not None
    assert shown.chosen.id in ids
    found = await asyncio.gather(*(looks.refined("t", "ann", each) for each in ids))
    assert [each.option_id for each in found if each is not None] == list(ids)
    waits = await looks.waits("t", "ann", ids[0], runs=99)
    assert waits is not None
    assert waits.runs == 4


async def test_nobody_looks_at_the_conversation_of_another(door: Sessions) -> None:
    looks = Looks(door)
    for look in (
        looks.shown("t", "bob"),
        looks.what_if("t", "bob", 1, {"total_users": 2}),
        looks.cost("t", "bob", "x"),
        looks.scenarios("t", "bob"),
        looks.shown("unknown", "ann"),
    ):
        with pytest.raises(NotFound):
            await look


async def test_where_nothing_is_planned_there_is_nothing_to_look_at(door: Sessions) -> None:
    async for _ in door.say("other", "ann", "hello"):
        pass
    with pytest.raises(Conflict, match="no plan"):
        await Looks(door).shown("other", "ann")


async def test_what_was_kept_is_listed_with_its_option(door: Sessions) -> None:
    async for _ in door.say("t", "ann", "save this as cheap plan"):
        pass
    (kept,) = await Looks(door).scenarios("t", "ann")
    assert kept.name == "cheap plan"
    assert kept.plan == (await door.view("t", "ann")).chosen_option
