"""Requests are counted the same in memory, in a file and in PostgreSQL; there by all processes together."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from knowledge.records import Clock, Records
from knowledge.records.tally import Tallies
from ui.api import rates
from ui.api.rates import InMemory, Tally

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def tally_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Clock], Tally]]:
    if request.param == "memory":
        yield InMemory
        return
    url = request.getfixturevalue("database_url") if request.param == "postgres" else None
    with closing(Records(tmp_path, url=url).database) as database:
        yield lambda clock: Tallies(database, clock)


def test_a_span_begins_with_the_first_request_and_the_next_one_anew(tally_of: Callable[[Clock], Tally]) -> None:
    watch = Watch()
    tally = tally_of(watch)
    assert tally.look("ann", 60) == (0, NOON + timedelta(seconds=60))
    assert tally.add("ann", 60) == (1, NOON + timedelta(seconds=60))
    watch.later(59)
    assert tally.add("ann", 60) == (2, NOON + timedelta(seconds=60))
    assert tally.look("ann", 60)[0] == 2
    assert tally.add("bob", 3600)[0] == 1
    watch.later(1)
    assert tally.look("ann", 60)[0] == 0
    assert tally.add("ann", 60) == (1, NOON + timedelta(seconds=120))
    assert tally.look("bob", 3600)[0] == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_nothing_is_lost_when_many_count_at_once(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = request.getfixturevalue("database_url") if kind == "postgres" else None
    with closing(Records(tmp_path, url=url).database) as one, closing(Records(tmp_path, url=url).database) as other:
        processes = [Tallies(database, Watch()) for database in (one, other)]
        with ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(lambda place: processes[place % 2].add("ann", 60)[0], range(60)))
    assert sorted(seen) == list(range(1, 61))


def test_what_is_over_is_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rates, "MOST_IN_MEMORY", 10)
    with closing(Records(tmp_path).database) as database:
        watch = Watch()
        memory, kept = InMemory(watch), Tallies(database, watch)
        for number in range(100):
            watch.later(1)
            memory.add(f"address {number}", 5)
            kept.add(f"address {number}", 5)
        assert len(memory._spans) <= 30
        with database.read() as connection:
            assert connection.execute("SELECT count(*) AS many FROM tallies").fetchone()["many"] <= 5
