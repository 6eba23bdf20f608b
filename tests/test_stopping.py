"""Stopping what takes long: a deployment under way leaves nothing behind, a load test reports what it has."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.events import Event, Failed, Progress, Report, Said
from agent.sessions import Sessions
from knowledge.errors import NotFound
from knowledge.records import Deployment
from tools.deploy.local import LocalTarget
from tools.deploy.specification import DeploymentSpec
from ui.opening import opened
from ui.settings import Settings

WORDS = "customer-support chatbot for 100 users, under $5000 a month, rented GPUs"
LONG_S = 6000.0


class Asking(LocalTarget):
    """The local target, with somebody who asks to stop as soon as it is told to deploy."""

    door: Sessions

    def apply(self, spec: DeploymentSpec, **how: Any) -> Deployment:
        assert self.door.turns.stop(how["thread"])
        return super().apply(spec, **how)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Sessions]:
    async with opened(time_factor=5, settings=Settings(home=tmp_path), tied=True) as sessions:
        sessions.context = replace(sessions.context, validation_seconds=LONG_S)
        async for _ in sessions.say("t", "ann", WORDS):
            pass
        yield sessions


async def approved(door: Sessions, stop_at: str = "") -> list[Event]:
    events = []
    async for event in door.act("t", "ann", "approve", (await door.view("t", "ann")).revision):
        events.append(event)
        if isinstance(event, Progress) and event.step == stop_at:
            await door.stop("t", "ann")
    return events


async def test_a_deployment_that_is_stopped_leaves_nothing_running(door: Sessions, tmp_path: Path) -> None:
    target = Asking(tmp_path, tied=True)
    target.door = door
    door.context = replace(door.context, target=target)
    events = await approved(door)
    assert any(isinstance(event, Failed) and "stopped as you asked" in event.message for event in events)
    view = await door.view("t", "ann")
    assert (view.awaiting, view.deployment) == ("review", None)
    (record,) = door.context.records.deployments.all(owner="ann")
    assert (record.state, record.replicas) == ("failed", ())


async def test_a_load_test_that_is_stopped_reports_what_it_has_and_the_card_waits(door: Sessions) -> None:
    events = await approved(door, stop_at="load test")
    (report,) = (event for event in events if isinstance(event, Report))
    assert report.report["verdict"] == "inconclusive"
    view = await door.view("t", "ann")
    assert view.awaiting == "review"
    assert view.deployment is not None
    assert (door.context.records.deployments.get(view.deployment["id"])).state == "applied"
    async for event in door.act("t", "ann", "rollback", view.revision):
        assert not isinstance(event, Failed)
    assert (await door.view("t", "ann")).deployment is None


async def test_who_stops_once_replicas_run_is_told_that_nothing_was_tested(door: Sessions, tmp_path: Path) -> None:
    revision = (await door.view("t", "ann")).revision
    ready = door.context.target.apply

    class Late(LocalTarget):
        def apply(self, spec: DeploymentSpec, **how: Any) -> Deployment:
            record = ready(spec, **how)
            assert door.turns.stop("t")
            return record

    door.context = replace(door.context, target=Late(tmp_path, tied=True))
    said = [event.text async for event in door.act("t", "ann", "approve", revision) if isinstance(event, Said)]
    assert any("was not load-tested" in text for text in said)
    assert (await door.view("t", "ann")).deployment is not None


async def test_only_who_owns_a_conversation_stops_it_and_only_while_it_works(door: Sessions) -> None:
    assert not await door.stop("t", "ann")
    with pytest.raises(NotFound):
        await door.stop("t", "bob")
