"""Supervised processes: start, find, stop. The lock on the run file is the truth about what runs (see launcher)."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psutil

from knowledge.errors import Conflict, StateUnusable, Unavailable
from knowledge.records import Replica
from tools.deploy import launcher

LAUNCH_TIMEOUT_S = 30.0
STOP_GRACE_S = 5.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Place:
    """Where one supervised process leaves its traces."""

    run_file: Path
    log_file: Path

    def last_log_line(self) -> str:
        """The last line that it wrote, cut to a readable length; empty when it wrote nothing."""
        try:
            text = self.log_file.read_bytes()[-4000:].decode(errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""


@contextmanager
def gate(path: Path, *, wait_s: float) -> Iterator[int]:
    """Hold the lock that lets one process at a time change a deployment; Conflict when it stays taken.

    Yields the descriptor: a child that inherits it keeps the gate closed even if this process is killed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateUnusable(
            f"{path} cannot be written: {error.strerror}", "set SEXTANT_HOME to a directory you can write to"
        ) from error
    try:
        deadline = time.monotonic() + wait_s
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                raise Conflict(f"another process is changing {path.parent.name}", "wait for it, or stop it")
            time.sleep(_POLL_S)
        yield descriptor
    finally:
        os.close(descriptor)


def start(command: Sequence[str], place: Place, endpoint: str, *, gate_fd: int, owner: str) -> Replica:
    """Start a program, or find the one that holds the place already; its first moments are not awaited."""
    arguments = [str(place.run_file), str(gate_fd), owner, endpoint, "--", *command]
    with _opened(place.log_file) as log:
        result = subprocess.run(  # noqa: S603 - our own script and our own arguments, no shell
            [sys.executable, "-P", launcher.__file__, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[gate_fd],
            start_new_session=True,
            timeout=LAUNCH_TIMEOUT_S,
            check=False,
        )
    replica = find(place)
    if replica is None and result.returncode not in (0, launcher.ALREADY_RUNNING):
        raise Unavailable(f"{command[0]} did not start: {place.last_log_line()}", f"see {place.log_file}")
    if replica is None:
        raise Unavailable(f"{endpoint} died at once: {place.last_log_line()}", f"see {place.log_file}")
    return replica


def _opened(log_file: Path) -> BinaryIO:
    try:
        return log_file.open("ab")
    except OSError as error:
        raise StateUnusable(
            f"{log_file} cannot be written: {error.strerror}", "set SEXTANT_HOME to a directory you can write to"
        ) from error


def find(place: Place) -> Replica | None:
    """The process that holds this place, or None when none does."""
    try:
        descriptor = os.open(place.run_file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if _try_lock(descriptor, fcntl.LOCK_SH):
            return None
        identity = json.loads(os.pread(descriptor, 4096, 0) or b"{}")
    except ValueError:
        return None
    finally:
        os.close(descriptor)
    if not identity:
        return None
    replica = Replica(identity["endpoint"], identity["pid"], identity["started_at_s"])
    return replica if _is_same(replica) else None


def stop(place: Place) -> bool:
    """End the process that holds this place, politely first; True when there was one. A reused pid is never touched."""
    replica = find(place)
    if replica is None or replica.pid is None:
        return False
    for number, patience_s in ((signal.SIGTERM, STOP_GRACE_S), (signal.SIGKILL, STOP_GRACE_S)):
        try:
            os.kill(replica.pid, number)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if find(place) != replica:
                return True
            time.sleep(_POLL_S)
    raise Unavailable(f"process {replica.pid} does not end", f"look at it with `ps -p {replica.pid}`")


def listens(replica: Replica) -> bool:
    """Whether this very process, and no stranger, listens on the port of its endpoint."""
    try:
        connections = psutil.Process(replica.pid).net_connections(kind="tcp")
    except psutil.Error:
        return False
    port = int(replica.endpoint.rsplit(":", 1)[1])
    return any(entry.status == psutil.CONN_LISTEN and entry.laddr.port == port for entry in connections)


def myself() -> str:
    """This process as the owner of others: `pid:start time`."""
    return f"{os.getpid()}:{launcher.started_at_s(os.getpid())}"


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same(replica: Replica) -> bool:
    try:
        return replica.pid is not None and abs(launcher.started_at_s(replica.pid) - (replica.started_at_s or 0)) < 1
    except psutil.Error:
        return False
