"""Starts one program so that at most one runs per run file, whatever crashes when. A script of its own.

    launcher.py RUN_FILE GATE_FD OWNER ENDPOINT -- PROGRAM ARGUMENT…

The program holds an exclusive lock on RUN_FILE for as long as it lives: the kernel releases it at death, however it
died, and so the lock says whether it runs. The file says who holds it: process id, start time, endpoint. GATE_FD is
the caller's lock; it stays held by this process until the program runs, even when the caller is killed meanwhile.
OWNER is a process id with start time (`123:8042.5`): the program is stopped when that process is gone; `-` lets
it run on its own. Exit code 0: it runs; 75: another one holds the run file; 1: it did not start (reason on stderr).
"""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Sequence

import psutil

ALREADY_RUNNING = 75
_LOCK_ATTEMPTS = 40
_POLL_S = 0.25
_GRACE_S = 5.0
_START_TIME = 19  # of the fields behind the name in /proc/PID/stat, see proc(5)


def main(arguments: Sequence[str]) -> int:
    """Fork the program away from the caller and wait until it really runs."""
    run_file, gate, owner, endpoint, _, *command = arguments
    heard, said = os.pipe()
    if os.fork():
        os.close(said)
        with os.fdopen(heard) as pipe:
            answer = pipe.read()
        if answer:
            sys.stderr.write(answer.partition(" ")[2] + "\n")
        return int(answer.partition(" ")[0] or 0)
    os.close(heard)
    os.setsid()
    lock = os.open(run_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if _locked(lock):
        _sign(lock, endpoint)
        program = os.getpid()
        if owner != "-" and os.fork() == 0:
            for descriptor in (lock, int(gate), said):
                os.close(descriptor)
            _watch(program, owner)
        os.close(int(gate))
        os.set_inheritable(lock, True)
        os.write(said, _become(command).encode())
    else:
        os.write(said, f"{ALREADY_RUNNING} already running".encode())
    os._exit(1)


def _sign(lock: int, endpoint: str) -> None:
    """Write down who holds the run file."""
    identity = {"pid": os.getpid(), "started_at_s": started_at_s(os.getpid()), "endpoint": endpoint}
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps(identity).encode(), 0)
    os.fsync(lock)


def _become(command: list[str]) -> str:
    """Replace this process by the program, which closes the pipe unwritten; or say why not."""
    try:
        os.execv(command[0], command)  # noqa: S606 - the program is the caller's own, no shell is wanted
    except OSError as error:
        return f"1 {command[0]} cannot be started: {error.strerror}"


def _locked(descriptor: int) -> bool:
    """Whether the lock is ours; those who only look hold it for an instant, so ask more than once."""
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return True
    return False


def _watch(program: int, owner: str) -> None:
    """Stop the program when its owner is gone; go when the program is."""
    pid, _, started_at_s = owner.partition(":")
    while os.getppid() == program:
        if not _alive(int(pid), float(started_at_s)):
            os.kill(program, signal.SIGTERM)
            deadline = time.monotonic() + _GRACE_S
            while os.getppid() == program and time.monotonic() < deadline:
                time.sleep(0.05)
            if os.getppid() == program:
                os.kill(program, signal.SIGKILL)
            break
        time.sleep(_POLL_S)
    os._exit(0)


def _alive(pid: int, since_s: float) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE and abs(started_at_s(pid) - since_s) < 1
    except psutil.NoSuchProcess:
        return False


def started_at_s(pid: int) -> float:
    """When a process started, to tell it from a later one of the same id. Raises psutil.NoSuchProcess.

    On Linux in seconds after the machine did: the time of day may be set meanwhile, and psutil's counts from that.
    """
    if not sys.platform.startswith("linux"):
        return psutil.Process(pid).create_time()
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            behind_the_name = file.read().rpartition(b")")[2].split()
    except OSError:
        raise psutil.NoSuchProcess(pid) from None
    return int(behind_the_name[_START_TIME]) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
