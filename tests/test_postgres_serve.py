"""Several `sextant serve` on one PostgreSQL: what one begins another goes on with, and nothing is done twice."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from knowledge.records import Records
from tools.deploy.local import LocalTarget

SEXTANT = [sys.executable, "-c", "from ui.cli import main; main()"]
WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
PATIENCE_S = 120


@dataclass(frozen=True)
class Server:
    """A running process: its address, state directory and what it wrote to standard error."""

    process: "subprocess.Popen[str]"
    url: str
    home: Path
    log: Path

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=PATIENCE_S)

    def say(self, session: str, text: str) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/sessions/{session}/say", json={"text": text}, timeout=PATIENCE_S)

    def act(self, session: str, kind: str, revision: int, values: dict[str, Any] | None = None) -> httpx.Response:
        body = {"kind": kind, "revision": revision, "values": values or {}}
        return httpx.post(f"{self.url}/v1/sessions/{session}/act", json=body, timeout=PATIENCE_S)


@contextmanager
def serving(home: Path, database: str, *, time_factor: int = 50) -> Iterator[Server]:
    home.mkdir()
    known = {"SEXTANT_HOME": str(home), "SEXTANT_DATABASE_URL": database, "SEXTANT_LIMITS": "person=5000/day"}
    environment = {**os.environ, **known}
    command = [*SEXTANT, "serve", "--port", "0", "--time-factor", str(time_factor)]
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("Sextant at http://"), (home / "log").read_text()
            yield Server(process, line.split()[-1], home, home / "log")
        finally:
            process.kill()
            process.wait()
            stop_what_it_started(home, database)


def stop_what_it_started(home: Path, database: str) -> None:
    """A deployment outlives the server on purpose; what the test deployed must not outlive the test."""
    records = Records(home, url=database)
    target = LocalTarget(home, records=records)
    for entry in records.deployments.all():
        if entry.replicas:
            target.rollback(entry.deployment_id, who="test")
    target.reconcile()
    records.database.close()


@pytest.fixture(scope="module")
def database(postgres: str) -> str:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE replicas")
    return postgres.rpartition("/")[0] + "/replicas"


@pytest.fixture(scope="module")
def pair(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    folder = tmp_path_factory.mktemp("replicas")
    with serving(folder / "a", database) as a, serving(folder / "b", database) as b:
        yield a, b


def test_a_session_begun_on_one_goes_on_with_the_other(pair: tuple[Server, Server]) -> None:
    a, b = pair
    first = a.say("moving", WORDS).json()
    assert first["awaiting"] == "review"
    assert b.get("/v1/sessions/moving").json()["revision"] == first["revision"]
    edited = b.act("moving", "edit", first["revision"], {"total_users": 4000}).json()
    assert edited["revision"] > first["revision"]
    assert a.get("/v1/sessions/moving").json()["intent"]["total_users"] == 4000
    assert a.act("moving", "edit", first["revision"], {"total_users": 1}).status_code == 409
    assert a.say("moving", "actually 2000 users").json()["awaiting"] == "review"
    assert b.get("/v1/sessions/moving").json()["intent"]["total_users"] == 2000


def test_requests_to_either_count_together(pair: tuple[Server, Server]) -> None:
    left = [server.get("/v1/sessions").headers["RateLimit"].partition(";t=")[0] for server in (*pair, *pair)]
    first = int(left[0].removeprefix('"person";r='))
    assert left == [f'"person";r={first - place}' for place in range(4)]


def test_approvals_on_both_at_once_deploy_once(pair: tuple[Server, Server], database: str) -> None:
    a, b = pair
    revision = a.say("twice", WORDS).json()["revision"]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda server: server.act("twice", "approve", revision), pair))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (done,) = (answer.json() for answer in answers if answer.status_code == 200)
    assert [event["type"] for event in done["events"]].count("report") == 1
    records = Records(a.home, url=database)
    (made,) = records.deployments.all(thread="twice")
    records.database.close()
    shown = [server.get("/v1/deployments").json()["deployments"] for server in pair]
    assert shown[0] == shown[1]
    (host,) = (server for server in pair if made.host.endswith(str(server.home.resolve())))
    (other,) = (server for server in pair if server is not host)
    assert list((host.home / "deployments" / made.deployment_id).glob("replica-*.run"))
    assert not list((other.home / "deployments").glob("*/replica-*.run"))
    undone = other.act("twice", "rollback", done["revision"])
    assert undone.status_code == 200
    assert [entry["state"] for entry in b.get("/v1/deployments").json()["deployments"]] == ["rolled_back"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_process_leaves_behind_another_finishes(
    number: signal.Signals, pair: tuple[Server, Server], database: str, tmp_path: Path
) -> None:
    other, session = pair[1], f"left-{number.name}"
    with serving(tmp_path / "c", database, time_factor=5) as doomed, ThreadPoolExecutor(1) as pool:
        revision = doomed.say(session, WORDS).json()["revision"]
        approving = pool.submit(doomed.act, session, "approve", revision)
        wait_until(lambda: state_of(session, database) == "applied")
        doomed.process.send_signal(number)
        code = doomed.process.wait(PATIENCE_S)
        assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        if number == signal.SIGTERM:
            assert "Traceback" not in doomed.log.read_text()
        approving.exception()  # answered, or cut off with the process
        answer = other.say(session, "what would 100 more users change?").json()
        assert answer["awaiting"] == "review"
        assert audited(session, database)["validate"] >= 1
        assert other.get(f"/v1/sessions/{session}").json()["deployments"]


def test_an_outage_is_one_clear_line_and_passes(
    start_postgres: Callable[[], AbstractContextManager[tuple[str, Callable[[str], None]]]], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        url, tell = stack.enter_context(start_postgres())
        server = stack.enter_context(serving(tmp_path / "home", url))
        assert server.get("/readyz").status_code == 200
        server.say("s", WORDS)
        tell("stop")
        for answer in (server.get("/readyz"), server.say("s", "2000 users"), server.get("/readyz")):
            assert answer.status_code == 503
            assert "postgresql://tests@127.0.0.1" in answer.json()["title"]
            assert "word" not in answer.text
        assert server.get("/healthz").status_code == 200
        tell("start")
        wait_until(lambda: server.get("/readyz").status_code == 200)
        assert server.say("s", "2000 users").status_code == 200
        assert server.get("/v1/sessions/s").json()["awaiting"] == "review"
        told = server.log.read_text()
        assert told.count("does not answer") == 1
        assert told.count("answers again") == 1
        assert "Traceback" not in told
        assert "word" not in told


def test_a_database_that_is_not_there_ends_a_command_with_one_line(tmp_path: Path) -> None:
    environment = {
        **os.environ, "SEXTANT_HOME": str(tmp_path), "SEXTANT_DATABASE_URL": "postgresql://ann:s3cret@127.0.0.1:1/x"
    }  # fmt: skip
    done = subprocess.run([*SEXTANT, "audit"], env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "postgresql://ann@127.0.0.1:1/x does not answer" in done.stderr.splitlines()[0]
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr


def state_of(session: str, database: str) -> str:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT state FROM deployments WHERE thread = %s", (session,)).fetchone()
    return str(row[0]) if row else ""


def audited(session: str, database: str) -> Counter[str]:
    """How often each action on the deployment of a session stands in the audit log."""
    query = "SELECT action FROM audit JOIN deployments ON deployment_id = subject WHERE thread = %s"
    with psycopg.connect(database) as connection:
        return Counter(row[0] for row in connection.execute(query, (session,)).fetchall())


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
