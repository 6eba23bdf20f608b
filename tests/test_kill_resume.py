"""`kill -9` in every node, before and after its work: a new process goes on, nothing is lost or done twice."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from agent.events import Card, Event, Progress, Report
from knowledge.records import Records
from ui.opening import opened
from ui.settings import Settings

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
THREAD, OWNER = "t", "ann"

CHILD = """
import asyncio, inspect, json, os, signal, sys
from pathlib import Path
import agent.graph

home, doomed, when, steps = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
genuine = agent.graph.NODES[doomed]


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def killed(state, runtime):
    if when == "before":
        die()
    genuine(state, runtime)
    die()


async def killed_later(state, runtime):
    if when == "before":
        die()
    await genuine(state, runtime)
    die()


agent.graph.NODES[doomed] = killed_later if inspect.iscoroutinefunction(genuine) else killed
from ui.opening import opened
from ui.settings import Settings


async def main():
    async with opened(time_factor=50, settings=Settings(home=home)) as sessions:
        for step in steps:
            if step["kind"] == "say":
                events = sessions.say("t", "ann", step["text"])
            else:
                view = await sessions.view("t", "ann")
                events = sessions.act("t", "ann", step["kind"], view.revision, step.get("values"))
            async for _ in events:
                pass


asyncio.run(main())
"""


def die_in(node: str, when: str, steps: list[dict[str, object]], home: Path) -> None:
    """Run the steps in a process of its own that kills itself in `node`."""
    command = [sys.executable, "-c", CHILD, str(home), node, when, json.dumps(steps)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr


async def told(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("node", ["understand", "profile", "choose_models", "plan_capacity"])
async def test_planning_goes_on_where_it_was_killed(node: str, when: str, tmp_path: Path) -> None:
    await asyncio.to_thread(die_in, node, when, [{"kind": "say", "text": WORDS}], tmp_path)
    async with opened(time_factor=50, settings=Settings(home=tmp_path)) as sessions:
        await told(sessions.resume(THREAD, OWNER))
        view = await sessions.view(THREAD, OWNER)
    assert view.awaiting == "review"
    assert view.revision == 1
    assert view.intent["total_users"] == 1000
    assert view.chosen_option is not None


async def test_an_edit_killed_on_its_way_is_not_lost(tmp_path: Path) -> None:
    steps: list[dict[str, object]] = [
        {"kind": "say", "text": WORDS},
        {"kind": "edit", "values": {"total_users": 1500}},
    ]
    await asyncio.to_thread(die_in, "review", "after", steps, tmp_path)
    async with opened(time_factor=50, settings=Settings(home=tmp_path)) as sessions:
        view = await sessions.view(THREAD, OWNER)
        if view.awaiting is None:
            await told(sessions.resume(THREAD, OWNER))
            view = await sessions.view(THREAD, OWNER)
    assert view.awaiting == "review"
    assert view.intent["total_users"] in (1000, 1500)
    assert view.plan is not None


@pytest.mark.parametrize(
    ("node", "when"), [("deploy", "before"), ("deploy", "after"), ("validate", "before"), ("validate", "after")]
)
async def test_a_deployment_killed_on_its_way_runs_once_and_is_verified(node: str, when: str, tmp_path: Path) -> None:
    await asyncio.to_thread(die_in, node, when, [{"kind": "say", "text": WORDS}, {"kind": "approve"}], tmp_path)
    async with opened(time_factor=50, settings=Settings(home=tmp_path)) as sessions:
        events = await told(sessions.resume(THREAD, OWNER))
        view = await sessions.view(THREAD, OWNER)
        records = Records(tmp_path).deployments.all()
        assert len(records) == 1
        assert any(isinstance(event, Report) for event in events)
        assert view.awaiting == "review"
        pids = [replica.pid for replica in records[0].replicas]
        assert simulators_of(tmp_path) == sorted(pid for pid in pids if pid)
        await told(sessions.act(THREAD, OWNER, "rollback", view.revision))
    assert simulators_of(tmp_path) == []


def simulators_of(home: Path) -> list[int]:
    """Processes that this state directory has started and that live."""
    found = []
    for entry in psutil.process_iter(["cmdline", "status"]):
        command = entry.info["cmdline"] or []
        if "simulator" in " ".join(command) and entry.info["status"] != psutil.STATUS_ZOMBIE:
            known = {replica.pid for record in Records(home).deployments.all() for replica in record.replicas}
            if entry.pid in known or str(home) in " ".join(command):
                found.append(entry.pid)
    return sorted(found)


async def test_a_load_test_that_is_cut_off_leaves_a_conversation_that_goes_on(tmp_path: Path) -> None:
    async with opened(time_factor=50, settings=Settings(home=tmp_path), tied=True) as sessions:
        await told(sessions.say(THREAD, OWNER, WORDS))
        view = await sessions.view(THREAD, OWNER)
        testing = asyncio.Event()

        async def approve() -> None:
            async for event in sessions.act(THREAD, OWNER, "approve", view.revision):
                if isinstance(event, Progress) and event.step == "load test":
                    testing.set()

        turn = asyncio.create_task(approve())
        await asyncio.wait_for(testing.wait(), 120)
        turn.cancel()
        await asyncio.wait({turn})

        events = await told(sessions.resume(THREAD, OWNER))
        after = await sessions.view(THREAD, OWNER)
        assert (after.awaiting, after.deployment is not None) == ("review", True)
        assert any(isinstance(event, Card) for event in events)
        await told(sessions.act(THREAD, OWNER, "rollback", after.revision))
        assert (await sessions.view(THREAD, OWNER)).deployment is None
