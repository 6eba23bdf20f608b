"""What is noted of every turn: who spoke where, what was planned, edited, approved and proved, and how long it took."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from agent.events import Event
from agent.sessions import Sessions
from knowledge.records import Records
from knowledge.records.conversation import Conversations, Turn
from knowledge.records.database import open_database
from ui.api.measures import Measures

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"


def turn(thread: str, second: int, **what: bool) -> Turn:
    at = f"2026-11-21T12:00:{second:02d}.000000Z"
    facts = {name: what.get(name, False) for name in ("planned", "edited", "approved", "verified")}
    return Turn(thread=thread, owner="ann", at=at, ended_at=at, said="words" if second == 0 else "", **facts)


@pytest.fixture
def kept(tmp_path: Path) -> Conversations:
    return Conversations(open_database(tmp_path))


def test_edits_count_from_the_first_plan_to_the_approval(kept: Conversations) -> None:
    steps: list[dict[str, bool]] = [
        {"edited": True, "planned": True},  # the first words: a specification, not an edit of one
        {"edited": True, "planned": True},
        {"edited": False},
        {"edited": True, "planned": True},
        {"approved": True},
        {"edited": True, "planned": True},  # after the approval another specification begins
    ]
    for second, step in enumerate(steps):
        kept.note(turn("t", second, **step))
    ((only,), total) = kept.page(limit=10)
    assert (only.title, only.turns, only.plans, only.edits, total) == ("words", 6, 4, 2, 1)
    assert kept.figures().edits == {2: 1}


def test_figures_are_over_all_conversations_and_the_first_verdict_counts(kept: Conversations) -> None:
    for thread in ("proved", "planned", "talk"):
        kept.note(turn(thread, 0, planned=thread != "talk"))
    kept.note(turn("proved", 20, approved=True, verified=True))
    kept.note(turn("proved", 50, verified=True))
    figures = kept.figures()
    assert (figures.conversations, figures.planned, figures.approved) == (3, 2, 1)
    assert figures.seconds_to_verified == (20.0,)


def test_an_owner_s_conversations_come_a_page_at_a_time_newest_first(kept: Conversations) -> None:
    for number in range(5):
        kept.note(turn(f"t{number}", number))
    rows, total = kept.page(owner="ann", limit=2, offset=1)
    assert ([row.thread for row in rows], total) == (["t3", "t2"], 5)
    assert kept.page(owner="bob", limit=2) == ((), 0)
    assert (kept.owner_of("t1"), kept.owner_of("nothing")) == ("ann", None)


async def told(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


async def test_a_conversation_is_noted_as_it_goes(sessions: Sessions) -> None:
    await told(sessions.say("t", "ann", WORDS))
    revision = (await sessions.view("t", "ann")).revision
    await told(sessions.act("t", "ann", "edit", revision, {"total_users": 1100}))
    revision = (await sessions.view("t", "ann")).revision
    await told(sessions.act("t", "ann", "approve", revision))
    ((noted,), _) = sessions.context.records.conversations.page(limit=10)
    assert (noted.owner, noted.title, noted.turns, noted.plans, noted.edits) == ("ann", WORDS, 3, 2, 1)
    assert noted.approved_at is not None
    met = (await sessions.state("t", "ann")).get("report") or {}
    assert (noted.verified_at is not None) == (met.get("verdict") == "met")


def test_a_monitor_is_told_the_figures_over_all_conversations(tmp_path: Path) -> None:
    records = Records(tmp_path)
    before = generate_latest(Measures(records).registry).decode()
    assert "\nsextant_acceptance_ratio " not in before  # no share of nothing
    for thread, edits in (("proved", 1), ("planned", 0), ("talk", 0)):
        records.conversations.note(turn(thread, 0, planned=thread != "talk"))
        for second in range(edits):
            records.conversations.note(turn(thread, second + 1, edited=True, planned=True))
    records.conversations.note(turn("proved", 45, approved=True, verified=True))
    told = generate_latest(Measures(records).registry).decode().splitlines()
    for line in (
        'sextant_conversations{stage="begun"} 3.0',
        'sextant_conversations{stage="planned"} 2.0',
        "sextant_acceptance_ratio 0.5",
        'sextant_edits_per_specification_bucket{le="0"} 1.0',
        'sextant_edits_per_specification_bucket{le="1"} 2.0',
        "sextant_edits_per_specification_sum 1.0",
        'sextant_first_word_to_verified_seconds_bucket{le="30"} 0.0',
        'sextant_first_word_to_verified_seconds_bucket{le="60"} 1.0',
        "sextant_first_word_to_verified_seconds_sum 45.0",
    ):
        assert line in told, line
