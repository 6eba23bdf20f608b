"""The processes of one deployment: bring them up, see which is gone, stop them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from knowledge.errors import Unavailable
from knowledge.records import Replica
from tools.deploy import ports, process
from tools.deploy.process import Place
from tools.deploy.target import DeployProgress, OnProgress, ReplicaHealth

_START_ATTEMPTS = 5
_POLL_S = 0.05


def places(directory: Path, count: int) -> list[Place]:
    """Where the first `count` replicas of a deployment leave their traces."""
    return [Place(directory / f"replica-{n}.run", directory / f"replica-{n}.log") for n in range(count)]


@dataclass(slots=True)
class Launch:
    """One attempt to bring up all replicas. `command` makes the program of a replica from port and number."""

    directory: Path
    count: int
    command: Callable[[int, int], Sequence[str]]
    gate_fd: int
    owner: str
    first_port: int
    health_deadline_s: float
    taken: set[int] = field(default_factory=set)

    def up(self, on_progress: OnProgress) -> list[Replica]:
        """Start all, then wait for each; those that survived a crash are taken over. Unavailable says what failed."""
        for number, place in enumerate(places(self.directory, self.count)):
            on_progress(DeployProgress("starting", 0.1 + 0.3 * number / self.count, self._note("starting", number)))
            self._started(place, number)
        healthy = []
        for number, place in enumerate(places(self.directory, self.count)):
            on_progress(DeployProgress("waiting", 0.4 + 0.5 * number / self.count, self._note("waiting for", number)))
            healthy.append(self._healthy(place, number))
        return healthy

    def _note(self, verb: str, number: int) -> str:
        return f"{verb} replica {number + 1} of {self.count}"

    def _started(self, place: Place, number: int) -> Replica:
        replica = process.find(place)
        if replica is None:
            port = ports.free_port(self.first_port, self.taken)
            replica = process.start(
                self.command(port, number),
                place,
                f"http://{ports.HOST}:{port}",
                gate_fd=self.gate_fd,
                owner=self.owner,
            )
        self.taken.add(port_of(replica))
        return replica

    def _healthy(self, place: Place, number: int) -> Replica:
        """The replica once it answers. One whose port was snatched in between is started again on another."""
        deadline = time.monotonic() + self.health_deadline_s
        for _ in range(_START_ATTEMPTS):
            replica = self._started(place, number)
            while process.find(place) == replica:
                if ports.answers(replica.endpoint) and process.listens(replica):
                    return replica
                if time.monotonic() >= deadline:
                    late = f"{replica.endpoint} was not healthy within {self.health_deadline_s:g} s"
                    raise Unavailable(f"{late}; its log ends with: {place.last_log_line()}", f"see {place.log_file}")
                time.sleep(_POLL_S)
            if ports.is_free(port_of(replica)):
                break
        raise Unavailable(f"the replica died before it was healthy; {_last_words(place)}", f"see {place.log_file}")


def gone(directory: Path, recorded: Sequence[Replica]) -> str:
    """Which recorded replica no longer runs, and its last words; empty while all do."""
    for place, replica in zip(places(directory, len(recorded)), recorded, strict=True):
        if process.find(place) != replica:
            return f"the process of {replica.endpoint} is gone; {_last_words(place)}"
    return ""


def health(directory: Path, recorded: Sequence[Replica]) -> tuple[ReplicaHealth, ...]:
    """What each recorded replica says now."""
    states = []
    for place, replica in zip(places(directory, len(recorded)), recorded, strict=True):
        if process.find(place) != replica:
            states.append(ReplicaHealth(replica.endpoint, False, f"its process is gone; {_last_words(place)}"))
            continue
        ready = ports.answers(replica.endpoint)
        states.append(ReplicaHealth(replica.endpoint, ready, "ready" if ready else "it runs but does not answer"))
    return tuple(states)


def asked(recorded: Sequence[Replica]) -> tuple[ReplicaHealth, ...]:
    """What replicas say that another state directory of this machine looks after."""
    states = [(replica.endpoint, ports.answers(replica.endpoint)) for replica in recorded]
    return tuple(ReplicaHealth(each, ready, "ready" if ready else "it does not answer") for each, ready in states)


def running(directory: Path) -> bool:
    """Whether anything runs for a deployment, recorded or not."""
    return any(process.find(place) for place in _left(directory))


def stop(directory: Path) -> int:
    """Stop whatever runs for a deployment, recorded or not; how many there were."""
    return sum(process.stop(place) for place in _left(directory))


def _left(directory: Path) -> list[Place]:
    return [Place(path, path.with_suffix(".log")) for path in sorted(directory.glob("replica-*.run"))]


def port_of(replica: Replica) -> int:
    """The port of a replica's endpoint."""
    return int(replica.endpoint.rsplit(":", 1)[1])


def _last_words(place: Place) -> str:
    """What a process that is no more said; those that are killed, also for want of memory, get no chance to."""
    line = place.last_log_line()
    announced = line.rpartition(" ")[2].startswith("http")
    return f"its last words: {line}" if line and not announced else "it said nothing, as if killed from outside"
