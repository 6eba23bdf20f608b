"""`sextant serve` as a process: says where it is, ends cleanly, and refuses what it must not do in one line."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

SEXTANT = [sys.executable, "-c", "from ui.cli import main; main()"]
EVERYWHERE = "0.0.0.0"  # noqa: S104  # what is tested is that this needs passwords


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "SEXTANT_HOME": str(home)}


@contextmanager
def serving(home: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [*SEXTANT, "serve", "--port", "0", *arguments]
    with subprocess.Popen(
        command, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Sextant at http://"), process.stderr.read() if process.stderr else ""
            yield process, line.split()[-1]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_answers_and_stops_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    with serving(tmp_path) as (process, url):
        assert httpx.get(f"{url}/healthz", timeout=30).json() == {"status": "ok"}
        assert httpx.post(f"{url}/v1/extract", json={"text": "chatbot for 50 users"}, timeout=60).status_code == 200
        foreign = {"host": "evil.example", "upgrade": "websocket", "connection": "upgrade",
                   "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-version": "13"}  # fmt: skip
        assert httpx.get(f"{url}/ui/ws/socket.io/", headers=foreign, timeout=30).status_code == 403
        process.send_signal(number)
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = refused(tmp_path, "serve", "--port", port)
    assert f"port {port} on 127.0.0.1 is in use" in done.splitlines()[0]


def test_an_address_that_others_reach_needs_people(tmp_path: Path) -> None:
    assert f"{EVERYWHERE} can be reached from other machines" in refused(tmp_path, "serve", "--host", EVERYWHERE)
    people = tmp_path / "people"
    add = [*SEXTANT, "people", "add", "ann", "--file", str(people)]
    subprocess.run(add, input="correct horse battery\n", text=True, check=True, capture_output=True)
    assert "correct" not in people.read_text()
    assert people.stat().st_mode & 0o077 == 0
    with serving(tmp_path, "--host", EVERYWHERE, "--people", str(people)) as (_, url):
        here = url.replace(EVERYWHERE, "127.0.0.1")
        assert httpx.post(f"{here}/v1/sessions", timeout=30).status_code == 401
        ann = ("ann", "correct horse battery")
        assert httpx.post(f"{here}/v1/sessions", auth=ann, timeout=30).status_code == 201


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    add = [*SEXTANT, "people", "add", "ann", "--file", str(tmp_path / "people")]
    done = subprocess.run(add, input="short\n", text=True, check=False, capture_output=True)
    assert done.returncode == 2
    assert "fewer than 12 characters" in done.stderr


def refused(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*SEXTANT, *arguments], env=environment(home), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    return done.stderr
