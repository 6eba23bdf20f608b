"""What Slack sent, kept in SQLite and in PostgreSQL: once, for one process at a time, no longer than needed."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from knowledge.records import Records
from knowledge.records.database import Database
from ui.slack.desk import Desk
from ui.slack.inbox import HOLD_S, KEEP_DAYS, MOST_ATTEMPTS, Inbox
from ui.slack.jobs import Job, Place
from ui.slack.threads import Threads

JOB = Job("say", Place("T1", "C1", "1.1"), "U1", text="a chatbot for my secret plans")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = request.getfixturevalue("database_url") if request.param == "PostgreSQL" else None
    records = Records(tmp_path, url=url)
    yield records.database
    records.database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(database: Database, clock: Clock) -> Inbox:
    return Inbox(database, clock)


def test_of_many_processes_one_has_an_event(inbox: Inbox) -> None:
    with ThreadPoolExecutor(8) as processes:
        took = list(processes.map(lambda number: inbox.take("Ev1", JOB.to_json(), f"process {number}"), range(8)))
    assert sorted(took) == [False] * 7 + [True]


def test_what_is_held_is_left_alone_and_what_a_dead_process_had_is_taken_over_once(inbox: Inbox, clock: Clock) -> None:
    inbox.take("Ev1", JOB.to_json(), "first")
    clock.later(HOLD_S / 2)
    inbox.hold("first")
    clock.later(HOLD_S / 2 + 1)
    assert inbox.take_over("second") == ()
    clock.later(HOLD_S)
    (left,) = inbox.take_over("second")
    assert (left.event_id, left.job) == ("Ev1", JOB.to_json() | {"files": []})
    assert inbox.take_over("third") == ()


def test_what_a_stopping_process_lets_go_is_taken_over_at_once(inbox: Inbox) -> None:
    inbox.take("Ev1", JOB.to_json(), "first")
    inbox.release("first")
    assert [left.event_id for left in inbox.take_over("second")] == ["Ev1"]


def test_what_kills_every_process_is_given_up(inbox: Inbox, clock: Clock) -> None:
    inbox.take("Ev1", JOB.to_json(), "process 0")
    for number in range(1, MOST_ATTEMPTS):
        clock.later(HOLD_S + 1)
        assert inbox.take_over(f"process {number}")
    clock.later(HOLD_S + 1)
    assert inbox.take_over("the next") == ()
    assert not inbox.take("Ev1", JOB.to_json(), "the next")


def test_the_words_go_when_the_job_is_done_and_the_id_when_slack_no_longer_repeats_it(
    inbox: Inbox, database: Database, clock: Clock
) -> None:
    inbox.take("Ev1", JOB.to_json(), "first")
    inbox.finish("Ev1")
    with database.read() as connection:
        (row,) = connection.execute("SELECT * FROM slack_inbox").fetchall()
    assert (row["job"], row["done"]) == ("{}", 1)
    assert not inbox.take("Ev1", JOB.to_json(), "second")
    clock.later(KEEP_DAYS * 86_400 + 1)
    inbox.take("Ev2", JOB.to_json(), "second")
    inbox.finish("Ev2")
    assert inbox.take("Ev1", JOB.to_json(), "second")


def test_a_thread_is_of_whoever_began_it_and_remembers_its_messages(database: Database) -> None:
    threads = Threads(database)
    assert threads.user("slack-1") is None
    assert threads.shown("slack-1") == {}
    assert threads.begin("slack-1", "U1") == "U1"
    assert threads.begin("slack-1", "U2") == "U1"
    threads.put("slack-1", {"card": "1.2", "revision": 3})
    assert threads.shown("slack-1") == {"card": "1.2", "revision": 3}
    assert Threads(database).user("slack-1") == "U1"


async def test_a_desk_finishes_what_runs_and_leaves_what_takes_too_long(inbox: Inbox) -> None:
    may_end, began = asyncio.Event(), asyncio.Queue[str]()

    async def run(event_id: str, job: Job, begun: str | None) -> None:  # noqa: ARG001  # every runner is called so
        await began.put(event_id)
        if event_id == "Ev2":
            await may_end.wait()

    desk = Desk(inbox, run)
    async with desk.opened(finish_within_s=0.0), asyncio.timeout(60):
        for event_id in ("Ev1", "Ev1", "Ev2"):
            await desk.take(event_id, JOB)
        assert {await began.get(), await began.get()} == {"Ev1", "Ev2"}
        while not _done(inbox, "Ev1"):  # noqa: ASYNC110  # another thread writes it
            await asyncio.sleep(0.01)
    may_end.set()
    second = Desk(inbox, run)
    async with second.opened(finish_within_s=60.0), asyncio.timeout(60):
        assert await began.get() == "Ev2"
    assert _done(inbox, "Ev2")
    assert began.empty()


async def test_to_stop_something_goes_to_the_process_that_works_on_it(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.slack.desk.LOOK_EVERY_S", 0.05)
    began, done, stop = asyncio.Event(), asyncio.Event(), replace(JOB, kind="stop")

    async def working(_: str, job: Job, __: str | None) -> None:
        began.set()
        if job.kind == "stop":
            done.set()
        await done.wait()

    async def elsewhere(*_: object) -> None:
        raise AssertionError("nothing runs here")

    first, second = Desk(inbox, working), Desk(inbox, elsewhere)
    async with first.opened(finish_within_s=60), second.opened(finish_within_s=60), asyncio.timeout(60):
        await first.take("Ev1", JOB)
        await began.wait()
        await second.take("click 1", stop)
        await done.wait()
        await first.idle()
        await second.idle()
    assert _done(inbox, "Ev1")
    assert _done(inbox, "click 1")
    assert inbox.worker_on(stop.to_json()["place"]) is None


async def test_a_job_that_another_version_kept_is_given_up_and_the_rest_goes_on(
    inbox: Inbox, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.slack.desk.LOOK_EVERY_S", 0.05)
    ran = asyncio.Queue[str]()

    async def run(event_id: str, *_: object) -> None:
        await ran.put(event_id)

    strange = ({**JOB.to_json(), "mood": "fine"}, {"kind": "say"}, {**JOB.to_json(), "place": None})
    for number, job in enumerate(strange):
        inbox.take(f"strange {number}", job, "gone")
    clock.later(HOLD_S + 1)
    desk = Desk(inbox, run)
    async with desk.opened(finish_within_s=60.0), asyncio.timeout(60):
        while not all(_done(inbox, f"strange {number}") for number in range(len(strange))):  # noqa: ASYNC110  # see above
            await asyncio.sleep(0.01)
        inbox.take("Ev1", JOB.to_json(), "gone")
        clock.later(HOLD_S + 1)
        assert await ran.get() == "Ev1"
    assert caplog.text.count("another version") == len(strange)


async def test_a_job_that_fails_is_not_tried_again(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    async def run(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    desk = Desk(inbox, run)
    async with desk.opened(finish_within_s=60.0), asyncio.timeout(60):
        await desk.take("Ev1", JOB)
        await desk.idle()
    assert _done(inbox, "Ev1")
    assert "a job from Slack failed" in caplog.text


def _done(inbox: Inbox, event_id: str) -> bool:
    with inbox.database.read() as connection:
        row = connection.execute("SELECT done FROM slack_inbox WHERE event_id = ?", (event_id,)).fetchone()
    return bool(row and row["done"])
