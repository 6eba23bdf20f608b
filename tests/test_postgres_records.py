"""Records on PostgreSQL keep what records on SQLite keep; what is wrong is said in one line without the password."""

import logging
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import psycopg
import pytest

from knowledge.errors import BadInput, Conflict, NotAllowed, NotFound, SextantError, StateUnusable, Unavailable
from knowledge.records import Measure, NewDeployment, Outcome, Records, Replica, SloOutcome
from knowledge.records.address import shown_address
from knowledge.records.conversation import Turn
from knowledge.records.database import open_database
from knowledge.records.receipt import Receipt
from knowledge.records.schema import MIGRATIONS
from knowledge.records.secret import shared_secret
from tools.deploy import read_specification, replicas
from tools.deploy.local import LocalTarget

NEW = NewDeployment("ann", "t", "h" * 64, "local", {"model_id": "m"}, "m", "g", 1, "vllm", 1.5, None, "s", "here")
OUTCOME = Outcome(
    "o1", "d-1", "http://h:1", "m", "g", 1, "bf16", "vllm", 1.0, "s", "2026-11-21T12:00:00Z", 60.0, 2.1, 500.0, None,
    118, 1, 200.1, "met",
    measures=(Measure("ttft_ms", "p90", 101.12345678, 99.0, 104.0, 9.5), Measure("e2e_ms", "p9", None, None, None, 1)),
    slos=(SloOutcome("ttft_p90_ms", 200.0, 101.5, "met"), SloOutcome("e2e_p90_ms", 1.0, None, "inconclusive")),
    report={"verdict": "met", "words": "100 % 'so' it :is?"},
)  # fmt: skip

LENGTHS = {"mean": 100, "p50": 90, "p90": 200, "p99": 400}
SPEC = read_specification(
    {
        "option_id": "o1",
        "kind": "rental",
        "model_id": "meta-llama/Llama-3.1-8B-Instruct",
        "gpu_type": "NVIDIA-L4-24GB",
        "quantization": "fp8",
        "gpu_count": 1,
        "traffic": {"request_rate_rps": 2.0, "isl": LENGTHS, "osl": LENGTHS},
    }
)


@pytest.fixture(params=["sqlite", "postgres"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Records:
    url = request.getfixturevalue("database_url") if request.param == "postgres" else None
    return Records(tmp_path, url=url)


def test_both_databases_keep_the_same(records: Records) -> None:
    made = records.deployments.reserve(NEW)
    assert records.deployments.reserve(NEW) == made
    assert (made.host, made.time_factor, made.monthly_cost_usd) == ("here", 1.5, None)
    running = (Replica("http://127.0.0.1:8100", 42, 1700000000.25),)
    applied = records.deployments.move(made.deployment_id, "applied", who="ann", action="deploy", replicas=running)
    assert applied.replicas == running
    with pytest.raises(Conflict, match="applied and cannot become applied"):
        records.deployments.move(made.deployment_id, "applied", who="ann", action="deploy")
    with pytest.raises(NotFound):
        records.deployments.move("d-none", "applied", who="ann", action="deploy")
    assert records.deployments.all(owner="ann", thread="t") == (applied,)
    assert records.deployments.all(owner="bob") == ()
    assert records.deployments.find("t", "h" * 64) == applied
    assert records.outcomes.add(OUTCOME)
    assert not records.outcomes.add(OUTCOME)
    assert records.outcomes.all(model_id="m") == (OUTCOME,)
    assert records.ratings.put("o1", who="ann", stars=4, comment="50 % off").stars == 4
    assert records.outcomes.latest("d-1") is not None
    assert [rating.comment for rating in records.ratings.of("o1")] == ["50 % off"]
    scenario = records.scenarios.put("t", "what if", overrides={"total_users": 2})
    assert records.scenarios.get("t", "what if") == scenario
    paper = records.papers.put(owner="ann", thread="t", name="bill.csv", media_type="text/csv", text="a;b")
    assert records.papers.get(paper.paper_id, owner="ann") == paper
    assert records.papers.forget("t") == 1
    log = [(entry.who, entry.action, entry.result) for entry in records.audit.entries(subject=made.deployment_id)]
    assert log == [("ann", "deploy", "pending"), ("ann", "deploy", "applied")]
    with pytest.raises(Exception, match="append-only"), records.database.write() as connection:
        connection.execute("DELETE FROM audit")
    assert len(records.audit.entries()) == 2


def test_a_transaction_that_raises_leaves_nothing(records: Records) -> None:
    def half_way() -> None:
        with records.database.write() as connection:
            connection.execute("INSERT INTO chat_people VALUES ('ann', 'now')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_way()
    with records.database.read() as connection:
        assert connection.execute("SELECT count(*) AS n FROM chat_people").fetchone()["n"] == 0


def test_processes_that_start_together_make_one_schema_and_one_deployment(database_url: str, tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from knowledge.records import NewDeployment, Records
        sys.stdin.readline()
        new = NewDeployment("ann", "t", "h", "local", {}, "m", "g", 1, "vllm-simulator", 1.0, None, "s")
        records = Records(Path(sys.argv[1]), url=sys.argv[2])
        for _ in range(5):
            records.deployments.reserve(new)
        moves = 0
        try:
            records.deployments.move(new.deployment_id, "applied", who="ann", action="deploy")
            moves = 1
        except Exception:
            pass
        print(moves)
    """)
    command = [sys.executable, "-c", script, str(tmp_path), database_url]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [racer.communicate("go\n")[0] for racer in racers]
    assert sorted(answers) == ["0\n", "0\n", "1\n"]
    found = Records(tmp_path, url=database_url)
    assert len(found.deployments.all()) == 1
    assert [entry.result for entry in found.audit.entries()] == ["pending", "applied"]
    with found.database.read() as connection:
        versions = [row["version"] for row in connection.execute("SELECT version FROM schema_version").fetchall()]
    assert sorted(versions) == list(range(1, len(MIGRATIONS) + 1))


def test_a_database_from_a_newer_version_is_left_untouched(database_url: str, tmp_path: Path) -> None:
    Records(tmp_path, url=database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99)")
    with pytest.raises(StateUnusable, match="newer Sextant"):
        Records(tmp_path, url=database_url)


@pytest.mark.parametrize(
    "address", ["mysql://u:s3cret@h/d", "postgresql://u:s3cret@h:port/d", "s3cret", "postgresql://["]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(address: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="SEXTANT_DATABASE_URL") as caught:
        open_database(tmp_path, address)
    assert "s3cret" not in f"{caught.value} {caught.value.cure} {caught.value.__cause__}"


def test_an_address_is_shown_without_its_password() -> None:
    assert shown_address("postgresql://ann:p%40ss@db:6432/own") == "postgresql://ann@db:6432/own"
    assert shown_address("postgresql://db/own?user=ann&password=pass") == "postgresql://ann@db/own"


@pytest.mark.parametrize("wrong", ["password", "port", "name"])
def test_a_database_that_cannot_be_used_is_named_without_its_password(wrong: str, database_url: str) -> None:
    changed = {
        "password": database_url.replace("pass%2Fword", "an%2Fother"),
        "port": database_url.rpartition(":")[0] + ":1/none",
        "name": database_url + "_none",
    }[wrong]
    with pytest.raises((StateUnusable, Unavailable)) as caught:
        open_database(Path(), changed)
    told = f"{caught.value.message} {caught.value.cure}"
    assert told.count("\n") == 0
    assert "postgresql://tests@127.0.0.1" in told
    for secret in ("pass/word", "pass%2Fword", "an/other", "an%2Fother"):
        assert secret not in told


def test_an_outage_is_told_once_and_passes(
    start_postgres: Callable[[], AbstractContextManager[tuple[str, Callable[[str], None]]]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with start_postgres() as (url, tell), caplog.at_level(logging.WARNING, logger="sextant.database"):
        records = Records(tmp_path, url=url)
        records.audit.add(who="ann", action="look", subject="d", result="seen")
        tell("stop")
        for _ in range(2):
            with pytest.raises(SextantError, match="does not answer"):
                records.database.check()
        tell("start")
        for _ in range(20):  # each waits some seconds for a connection
            with suppress(Unavailable):
                records.database.check()
                break
        assert [entry.who for entry in records.audit.entries()] == ["ann"]
        assert [line.message.split(" ", 1)[1].split(":")[0] for line in caplog.records] == [
            "does not answer",
            "answers again",
        ]
        records.database.close()


def test_every_process_signs_with_the_same_key(database_url: str, tmp_path: Path) -> None:
    one, other = Records(tmp_path, url=database_url).database, Records(tmp_path, url=database_url).database
    assert shared_secret(one, "key", lambda: "first") == "first"
    assert shared_secret(other, "key", lambda: "second") == "first"


def test_a_name_is_held_by_one_at_a_time(database_url: str, tmp_path: Path) -> None:
    one, other = Records(tmp_path, url=database_url).database, Records(tmp_path, url=database_url).database
    with one.hold("d-1", wait_s=0), other.hold("d-2", wait_s=0), pytest.raises(Conflict, match="another process"):
        other.hold("d-1", wait_s=0).__enter__()
    with other.hold("d-1", wait_s=0):
        pass


def test_another_host_shows_takes_over_and_hands_back(database_url: str, tmp_path: Path) -> None:
    """Two machines on one database: what runs on the other is shown, rolled back, and taken over when that is gone."""
    records = Records(tmp_path, url=database_url)
    here = LocalTarget(tmp_path / "a", records=records, machine="here")
    there = LocalTarget(tmp_path / "b", records=records, machine="there")
    made = here.apply(SPEC, owner="ann", thread="t", time_factor=50)
    try:
        assert made.host.startswith("here:")
        assert [replica.ready for replica in here.health(made)] == [True]
        assert "belongs to here:" in there.health(made)[0].detail
        assert there.reconcile() == ()
        there.rollback(made.deployment_id, who="bob")
        here.reconcile()
        assert not replicas.running(tmp_path / "a" / "deployments" / made.deployment_id)
        here.apply(SPEC, owner="ann", thread="t", time_factor=50)
        taken = there.apply(SPEC, owner="ann", thread="t", time_factor=50)
        assert taken.host.startswith("there:")
        here.reconcile()
        assert not replicas.running(tmp_path / "a" / "deployments" / made.deployment_id)
        assert [replica.ready for replica in there.health(taken)] == [True]
    finally:
        there.rollback(made.deployment_id, who="test")
        here.reconcile()


def test_both_keep_keys_receipts_and_conversations(records: Records) -> None:
    token, key = records.keys.create("50 % 'ci'", owner="ann", scopes=["plan", "deploy"], who="ann")
    assert records.keys.find(token).scopes == {"plan", "deploy"}
    assert records.keys.all()[0].last_used_at is not None
    assert records.keys.revoke("50 % 'ci'", who="ann").revoked_at is not None
    with pytest.raises(NotAllowed, match=f"the key {key.key_id} is revoked"):
        records.keys.find(token)
    assert [records.receipts.begin("ann", "k") for _ in range(2)] == ["begun", "running"]
    kept = Receipt("print", 201, '{"content-type": "x"}', b"\x00\xff body")
    records.receipts.touch("ann", "k")
    records.receipts.keep("ann", "k", kept)
    assert records.receipts.begin("ann", "k") == kept
    assert records.receipts.begin("ann", "other") == "begun"
    records.receipts.drop("ann", "other")
    assert records.receipts.begin("ann", "other") == "begun"
    times = [f"2026-11-21T12:00:{second:02d}.000000Z" for second in (0, 30)]
    first = Turn(
        "t", "ann", times[0], times[0], "a  chatbot", planned=True, edited=True, approved=False, verified=False
    )
    last = Turn("t", "ann", times[1], times[1], "", planned=False, edited=True, approved=True, verified=True)
    for turn in (first, last):
        records.conversations.note(turn)
    ((only,), total) = records.conversations.page(owner="ann", limit=5)
    assert (only.title, only.turns, only.edits, only.approved_at, total) == ("a chatbot", 2, 1, times[1], 1)
    assert records.conversations.page(limit=5)[1] == 1
    assert records.conversations.owner_of("t") == "ann"
    assert records.conversations.figures().seconds_to_verified == (30.0,)
