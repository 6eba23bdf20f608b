"""Who may plan here and who may also deploy: the session door's own rule, whatever the face."""

from collections.abc import AsyncIterator

import pytest

from agent.events import Event, Failed
from agent.sessions import Sessions
from knowledge.errors import NotAllowed

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"


async def told(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


async def test_whoever_may_not_deploy_still_plans_and_edits(sessions: Sessions) -> None:
    await told(sessions.say("t", "ann", WORDS, may_deploy=False))
    before = await sessions.view("t", "ann")
    await told(sessions.act("t", "ann", "edit", before.revision, {"total_users": 2000}, may_deploy=False))
    assert (await sessions.view("t", "ann")).intent["total_users"] == 2000


async def test_a_click_or_words_that_would_deploy_are_refused_and_change_nothing(sessions: Sessions) -> None:
    await told(sessions.say("t", "ann", WORDS))
    before = await sessions.view("t", "ann")
    for kind in ("approve", "rollback"):
        with pytest.raises(NotAllowed):
            await told(sessions.act("t", "ann", kind, before.revision, may_deploy=False))
    assert await sessions.view("t", "ann") == before
    for words in ("deploy it", "yes, go ahead and deploy", "roll it back", "test it again"):
        events = await told(sessions.say("t", "ann", words, may_deploy=False))
        assert any(isinstance(event, Failed) and "not deploy" in event.message for event in events), (words, events)
    assert sessions.context.records.deployments.all() == ()
    assert (await sessions.view("t", "ann")).awaiting == "review"
