"""Who plans: this process, one plan after the other, or several processes beside it, so that every core plans."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from os import _exit
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from knowledge.errors import Unavailable

if TYPE_CHECKING:
    from knowledge.snapshot import Snapshot
    from tools.market import Market
    from tools.performance.residual import Residual

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, eq=False, slots=True)
class Facts:
    """What planning reads: facts, prices, and measurements that somebody added (None: the shipped ones).

    The same by the digests of facts and prices.
    """

    snapshot: "Snapshot"
    market: "Market"
    measured: "Residual | None" = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Facts) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, str, int]:
        return self.snapshot.version, self.market.digest, id(self.measured)


class Planner(Protocol):
    """Runs a pure function of facts, somewhere, and waits for what it returns or raises."""

    def __call__(
        self, work: Callable[Concatenate[Facts, P], T], facts: Facts, /, *args: P.args, **kwargs: P.kwargs
    ) -> T: ...


class Here:
    """Plans in this process, one after the other: sooner done than several at once under Python's one lock."""

    def __init__(self) -> None:
        self._one = Lock()

    def __call__(
        self, work: Callable[Concatenate[Facts, P], T], facts: Facts, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Wait for the plans before, then run it."""
        with self._one:
            return work(facts, *args, **kwargs)


class Processes:
    """Plans in up to `most` processes with facts of their own: the first begins at once, others when they are needed.

    They end with this process however it ends. One that dies (out of memory, killed) is replaced and its work done
    again, once.
    """

    def __init__(self, facts: Facts, most: int) -> None:
        self._facts = facts
        self._most = most
        self._replacing = Lock()
        self._pool = self._started()

    def __call__(
        self, work: Callable[Concatenate[Facts, P], T], facts: Facts, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run it in the next free process. Raises what it raises, and Unavailable when processes keep dying."""
        if facts != self._facts:
            raise ValueError("these processes plan with other facts")
        for _ in range(2):
            pool = self._pool
            try:
                running: Future[T] = pool.submit(_run, work, args, kwargs)
                return running.result()
            except BrokenProcessPool:
                self._replace(pool)
        raise Unavailable("the processes that plan keep ending", "give them more memory, or try again in a moment")

    def close(self) -> None:
        """End the processes; what they work on is lost."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        facts = (self._facts.snapshot, self._facts.market, self._facts.measured)
        pool = ProcessPoolExecutor(self._most, get_context("spawn"), initializer=_begin, initargs=facts)
        pool.submit(_run, _nothing, (), {})
        return pool

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self._replacing:
            if self._pool is broken:
                self._pool = self._started()


@contextmanager
def planning(facts: Facts, processes: int) -> Iterator[Planner]:
    """A planner of up to that many processes, or of this one when there are none."""
    if not processes:
        yield Here()
        return
    planner = Processes(facts, processes)
    try:
        yield planner
    finally:
        planner.close()


_facts: list[Facts] = []
"""In a process that plans: its facts."""


def _begin(snapshot: "Snapshot", market: "Market", measured: "Residual | None") -> None:
    """Get ready to plan: load what the first plan needs, and end with whoever asks for plans."""
    from tools.intent import Intent  # noqa: PLC0415  # only processes that plan need it
    from tools.planner import plan  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the one who asks decides
    Thread(target=_end_with_parent, daemon=True).start()
    _facts.append(Facts(snapshot, market, measured))
    plan(Intent(total_users=1000), snapshot, market, limit=1)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        _exit(1)


def _run(work: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    return work(_facts[0], *args, **kwargs)


def _nothing(facts: Facts) -> None:
    """Work that only makes a process begin."""
