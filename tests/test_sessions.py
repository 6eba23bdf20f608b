"""The session door and its guards."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.backends.protocol import JsonSchema, Message
from agent.events import Asked, Card, Comparison, Event, Failed, Options, Report, Said, to_json
from agent.sessions import Sessions
from knowledge.errors import BadInput, Conflict, NotFound, StateUnusable
from knowledge.records import Records
from ui.opening import opened
from ui.settings import Settings

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month"


async def told(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


def kinds(events: list[Event]) -> set[type]:
    return {type(event) for event in events}


async def test_words_lead_to_a_card_with_priced_options(sessions: Sessions) -> None:
    events = await told(sessions.say("t", "ann", WORDS))
    assert {Said, Card, Options} <= kinds(events)
    view = await sessions.view("t", "ann")
    assert view.awaiting == "review"
    assert view.intent["total_users"] == 1000
    assert view.chosen_option is not None
    assert view.chosen_option["cost"]["monthly_usd"] <= 5000


async def test_every_field_of_the_card_says_where_it_is_from(sessions: Sessions) -> None:
    events = await told(sessions.say("t", "ann", WORDS))
    (card,) = (event for event in events if isinstance(event, Card))
    fields = [field for group in card.spec["groups"] for field in group["fields"]]
    assert {field["source"] for field in fields} <= {"said", "edited", "template", "derived"}
    said = {field["key"]: field for field in fields if field["source"] == "said"}
    assert {"task_type", "total_users", "priority", "budget.max_monthly_cost_usd"} <= set(said)


async def test_an_edit_plans_anew_and_an_undo_goes_back(sessions: Sessions) -> None:
    await told(sessions.say("t", "ann", WORDS))
    first = await sessions.view("t", "ann")
    await told(sessions.act("t", "ann", "edit", first.revision, {"total_users": 4000}))
    second = await sessions.view("t", "ann")
    assert second.intent["total_users"] == 4000
    assert second.revision > first.revision
    await told(sessions.act("t", "ann", "undo", second.revision))
    third = await sessions.view("t", "ann")
    assert third.intent == first.intent
    assert third.plan == first.plan
    await told(sessions.act("t", "ann", "redo", third.revision))
    assert (await sessions.view("t", "ann")).intent["total_users"] == 4000


async def test_the_card_says_whether_there_is_a_step_back_and_forward(sessions: Sessions) -> None:
    steps = []

    async def shown(events: AsyncIterator[Event]) -> int:
        (card,) = (event for event in await told(events) if isinstance(event, Card))
        steps.append((card.spec["undo"], card.spec["redo"]))
        return card.revision

    revision = await shown(sessions.say("t", "ann", WORDS))
    revision = await shown(sessions.act("t", "ann", "edit", revision, {"total_users": 4000}))
    revision = await shown(sessions.act("t", "ann", "undo", revision))
    await shown(sessions.act("t", "ann", "redo", revision))
    assert steps == [(False, False), (True, False), (False, True), (True, False)]


async def test_words_that_undo_the_first_specification_leave_it(sessions: Sessions) -> None:
    await told(sessions.say("t", "ann", WORDS))
    before = await sessions.view("t", "ann")
    events = await told(sessions.say("t", "ann", "undo that"))
    assert kinds(events) == {Said}
    assert await sessions.view("t", "ann") == before


async def test_a_message_during_review_is_an_edit_and_not_a_restart(sessions: Sessions) -> None:
    await told(sessions.say("t", "ann", WORDS))
    await told(sessions.say("t", "ann", "actually 2000 users"))
    view = await sessions.view("t", "ann")
    assert view.intent["total_users"] == 2000
    assert view.intent["budget"]["max_monthly_cost_usd"] == 5000
    assert view.awaiting == "review"


async def test_a_stale_card_is_refused_and_changes_nothing(sessions: Sessions) -> None:
    await told(sessions.say("t", "ann", WORDS))
    old = (await sessions.view("t", "ann")).revision
    await told(sessions.act("t", "ann", "edit", old, {"total_users": 1500}))
    now = await sessions.view("t", "ann")
    with pytest.raises(Conflict, match="out of date"):
        await told(sessions.act("t", "ann", "approve", old))
    assert await sessions.view("t", "ann") == now


async def test_a_double_approval_deploys_once(sessions: Sessions, tmp_path: Path) -> None:
    await told(sessions.say("t", "ann", WORDS + ", rented GPUs"))
    revision = (await sessions.view("t", "ann")).revision
    results = await asyncio.gather(
        told(sessions.act("t", "ann", "approve", revision)),
        told(sessions.act("t", "ann", "approve", revision)),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, Conflict)]
    (events,) = (result for result in results if isinstance(result, list))
    assert len(refused) == 1
    assert Report in kinds(events)
    assert len(Records(tmp_path).deployments.all()) == 1
    view = await sessions.view("t", "ann")
    assert view.deployment is not None
    await told(sessions.act("t", "ann", "rollback", view.revision))
    assert [entry.state for entry in Records(tmp_path).deployments.all()] == ["rolled_back"]


async def test_approval_of_an_api_option_says_that_there_is_nothing_to_deploy(sessions: Sessions) -> None:
    await told(sessions.say("t", "ann", "summaries through an API, 1000 requests a day"))
    events = await told(sessions.act("t", "ann", "approve", (await sessions.view("t", "ann")).revision))
    (failed,) = (event for event in events if isinstance(event, Failed))
    assert "API" in failed.message
    assert (await sessions.view("t", "ann")).awaiting == "review"


async def test_an_unknown_thread_and_another_persons_thread_are_the_same_error(sessions: Sessions) -> None:
    await told(sessions.say("t", "ann", WORDS))
    for thread, owner in (("nobody", "ann"), ("t", "bob")):
        with pytest.raises(NotFound, match="unknown conversation"):
            await told(sessions.act(thread, owner, "approve", 1))
        with pytest.raises(NotFound, match="unknown conversation"):
            await sessions.view(thread, owner)
    with pytest.raises(NotFound, match="unknown conversation"):
        await told(sessions.say("t", "bob", "deploy it"))


@pytest.mark.parametrize(
    ("kind", "values", "named"),
    [
        ("edit", {"total_users": -1}, "total_users"),
        ("edit", {"expected_qps": float("nan")}, "expected_qps"),
        ("edit", {"no_such_field": 1}, "no_such_field"),
        ("edit", {}, "at least one field"),
        ("choose", {"option": "nothing"}, "nothing"),
        ("explode", {}, "explode"),
        ("rollback", {}, "nothing is deployed"),
        ("undo", {}, "nothing to undo"),
        ("redo", {}, "nothing to redo"),
    ],
)
async def test_a_bad_act_names_what_was_wrong_and_leaves_everything(
    sessions: Sessions, kind: str, values: dict[str, Any], named: str
) -> None:
    await told(sessions.say("t", "ann", WORDS))
    before = await sessions.view("t", "ann")
    with pytest.raises((BadInput, Conflict), match=named):
        await told(sessions.act("t", "ann", kind, before.revision, values))
    assert await sessions.view("t", "ann") == before


async def test_an_edit_to_an_accelerator_nobody_knows_is_taken_back(sessions: Sessions) -> None:
    await told(sessions.say("t", "ann", WORDS))
    before = await sessions.view("t", "ann")
    events = await told(sessions.act("t", "ann", "edit", before.revision, {"gpu_types": ["Z9000"]}))
    (failed,) = (event for event in events if isinstance(event, Failed))
    assert "Z9000" in failed.message
    after = await sessions.view("t", "ann")
    assert after.intent == before.intent
    assert after.awaiting == "review"
    await told(sessions.act("t", "ann", "edit", after.revision, {"total_users": 10}))
    assert (await sessions.view("t", "ann")).intent["total_users"] == 10


@pytest.mark.parametrize("text", ["", "   \n"])
async def test_an_empty_message_is_refused(sessions: Sessions, text: str) -> None:
    with pytest.raises(BadInput, match="empty"):
        await told(sessions.say("t", "ann", text))


async def test_a_message_of_100_kb_is_refused_in_one_line(sessions: Sessions) -> None:
    with pytest.raises(BadInput, match="characters") as error:
        await told(sessions.say("t", "ann", "chatbot " * 12_500))
    assert "\n" not in error.value.message


async def test_a_need_that_cannot_be_met_is_an_answer(sessions: Sessions) -> None:
    events = await told(sessions.say("t", "ann", "chatbot, 500 requests per second, under $20 a month"))
    assert not any(isinstance(event, Failed) for event in events)
    view = await sessions.view("t", "ann")
    assert view.awaiting == "review"
    assert view.plan is not None
    assert view.plan["feasible"] is False
    assert view.plan["rejected"]["nearest"]
    with pytest.raises(Conflict, match="no option to deploy"):
        await told(sessions.act("t", "ann", "approve", view.revision))


async def test_nothing_said_yet_is_met_with_a_question(sessions: Sessions) -> None:
    events = await told(sessions.say("t", "ann", "hello"))
    assert any(isinstance(event, Asked) for event in events)
    assert (await sessions.view("t", "ann")).awaiting is None


async def test_a_what_if_compares_and_changes_nothing(sessions: Sessions) -> None:
    await told(sessions.say("t", "ann", "chatbot, 10 requests per second"))
    before = await sessions.view("t", "ann")
    events = await told(sessions.say("t", "ann", "what if traffic doubles?"))
    (comparison,) = (event for event in events if isinstance(event, Comparison))
    changed = {row["field"]: row for row in comparison.rows}
    assert changed["traffic.qps"]["after"] == 2 * changed["traffic.qps"]["before"]
    assert (await sessions.view("t", "ann")).intent == before.intent


class Rewording:
    """A language model that reads nothing and puts the same figures in other words."""

    name = "test:rewording"

    def answer(self, messages: Sequence[Message], schema: JsonSchema | None) -> str:
        return '{"fields": []}' if schema else f"In other words: {messages[-1].content}"


@pytest.mark.usefixtures("priced_home")
async def test_words_of_a_model_stand_with_the_facts_that_they_were_made_from(sessions: Sessions) -> None:
    (plain,) = (
        each for each in await told(sessions.say("t", "ann", "what does an H100 cost?")) if isinstance(each, Said)
    )
    helped = sessions.helped_by(Rewording())
    (said,) = (each for each in await told(helped.say("u", "ann", "what does an H100 cost?")) if isinstance(each, Said))
    assert said.text == f"In other words: {plain.text}"
    assert (said.kind, said.facts) == (plain.kind, plain.facts)
    assert said.kind == "prices"


async def test_conversations_outlive_the_process(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    async with opened(time_factor=50, settings=settings) as first:
        await told(first.say("t", "ann", WORDS))
        before = await first.view("t", "ann")
    async with opened(time_factor=50, settings=settings) as second:
        assert await second.view("t", "ann") == before
        await told(second.act("t", "ann", "edit", before.revision, {"total_users": 9}))


async def test_state_and_events_are_plain_json(sessions: Sessions) -> None:
    for event in await told(sessions.say("t", "ann", WORDS)):
        told_again = json.loads(json.dumps(to_json(event), allow_nan=False))
        assert told_again["type"] == type(event).__name__.lower()


async def test_the_same_words_give_the_same_plan_in_another_conversation(sessions: Sessions) -> None:
    await told(sessions.say("one", "ann", WORDS))
    await told(sessions.say("two", "ann", WORDS))
    assert (await sessions.view("one", "ann")).plan == (await sessions.view("two", "ann")).plan


async def test_a_state_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    with pytest.raises(StateUnusable, match=str(blocked)):
        async with opened(time_factor=1, settings=Settings(home=blocked)):
            pass
