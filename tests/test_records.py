"""The operational records: one SQLite file, shared by processes, that says plainly when it cannot be used."""

import json
import sqlite3
import stat
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from knowledge.errors import BadInput, Conflict, NotFound, StateUnusable
from knowledge.records import Deployment, Measure, NewDeployment, Outcome, Records, Replica, SloOutcome
from knowledge.records.exchange import read_outcomes, write_outcomes
from knowledge.records.sqlite import FILE_NAME, unusable


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def new(thread: str = "t1", plan_hash: str = "a" * 64) -> NewDeployment:
    return NewDeployment(
        owner="ann",
        thread=thread,
        plan_hash=plan_hash,
        target="local",
        spec={"model_id": "m"},
        model_id="m",
        gpu_type="NVIDIA-L4-24GB",
        gpu_count=1,
        engine="vllm-simulator",
        time_factor=1.0,
        monthly_cost_usd=511.0,
        snapshot="s1",
    )


def outcome(identity: str = "o1") -> Outcome:
    return Outcome(
        outcome_id=identity,
        deployment_id="d-1",
        endpoint="http://127.0.0.1:8100",
        model_id="m",
        gpu_type="NVIDIA-L4-24GB",
        tensor_parallel=1,
        quantization="bf16",
        engine="vllm-simulator",
        time_factor=10.0,
        snapshot="s1",
        measured_at=f"2026-11-21T12:00:0{identity[-1]}Z",
        duration_s=60.0,
        request_rate_rps=2.0,
        isl_mean=500.0,
        osl_mean=100.0,
        requests=118,
        errors=1,
        output_tok_s=200.0,
        verdict="met",
        measures=(
            Measure("ttft_ms", "p90", 101.5, 99.0, 104.0, 95.0),
            Measure("tpot_ms", "p90", 20.0, None, None, None),
        ),
        slos=(SloOutcome("ttft_p90_ms", 200.0, 101.5, "met"),),
        report={"verdict": "met"},
    )


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "home", clock=Clock())


def test_the_same_plan_in_the_same_thread_is_one_deployment(records: Records) -> None:
    first = records.deployments.reserve(new())
    assert records.deployments.reserve(new()) == first
    assert first.state == "pending"
    assert records.deployments.reserve(new(thread="t2")).deployment_id != first.deployment_id
    assert records.deployments.find("t1", "a" * 64) == first
    assert len(records.deployments.all(thread="t1")) == 1


def test_a_deployment_moves_only_along_its_states_and_every_move_is_audited(records: Records) -> None:
    made = records.deployments.reserve(new())
    running = (Replica("http://127.0.0.1:8100", 42, 1700000000.25),)
    applied = records.deployments.move(made.deployment_id, "applied", who="ann", action="deploy", replicas=running)
    assert (applied.endpoint, applied.replicas, applied.revision) == ("http://127.0.0.1:8100", running, 1)
    records.deployments.move(made.deployment_id, "rolled_back", who="bob", action="rollback", replicas=())
    with pytest.raises(Conflict, match="rolled_back and cannot become verified"):
        records.deployments.move(made.deployment_id, "verified", who="ann", action="validate")
    again = records.deployments.move(made.deployment_id, "pending", who="ann", action="deploy")
    assert (again.revision, again.endpoint) == (2, None)
    log = [(entry.who, entry.action, entry.result) for entry in records.audit.entries(subject=made.deployment_id)]
    assert log == [
        ("ann", "deploy", "pending"),
        ("ann", "deploy", "applied"),
        ("bob", "rollback", "rolled_back"),
        ("ann", "deploy", "pending"),
    ]


def test_the_state_directory_is_nobody_elses_to_read(tmp_path: Path) -> None:
    Records(tmp_path / "home")
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


def test_a_deployment_is_found_by_the_beginning_of_its_id(records: Records) -> None:
    made = records.deployments.reserve(new())
    assert records.deployments.get(made.deployment_id[:5]) == made
    with pytest.raises(NotFound) as caught:
        records.deployments.get("d-nothing")
    assert made.deployment_id in caught.value.cure
    json.dumps(made.to_json(), allow_nan=False)


def test_the_audit_can_only_grow(records: Records) -> None:
    records.audit.add(who="ann", action="validate", subject="d-1", result="met")
    with (
        sqlite3.connect(records.database.name) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute("DELETE FROM audit")
    connection.close()
    assert len(records.audit.entries()) == 1


def test_outcomes_come_out_as_they_went_in_and_import_once(records: Records) -> None:
    assert records.outcomes.add(outcome("o1"))
    assert records.outcomes.add(outcome("o2"))
    assert not records.outcomes.add(outcome("o1"))
    assert records.outcomes.all(model_id="m", engine="vllm-simulator") == (outcome("o1"), outcome("o2"))
    assert records.outcomes.latest("d-1") == outcome("o2")
    assert records.outcomes.all(engine="vllm") == ()
    assert Outcome.from_json(json.loads(json.dumps(outcome().to_json()))) == outcome()


def test_outcomes_travel_in_files(tmp_path: Path) -> None:
    assert write_outcomes([outcome("o1"), outcome("o2")], tmp_path / "outcomes.jsonl") == 2
    assert read_outcomes(tmp_path / "outcomes.jsonl") == (outcome("o1"), outcome("o2"))
    with pytest.raises(BadInput, match="cannot be written"):
        write_outcomes([], tmp_path / "nowhere" / "outcomes.jsonl")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "line 1: not JSON"),
        ('{"requests": NaN}', "NaN is not a number"),
        ("[]", "not an outcome of Sextant"),
        (json.dumps({**outcome().to_json(), "requests": "many"}), "requests"),
        (json.dumps({**outcome().to_json(), "measures": [{"metric": "ttft_ms"}]}), "measures.0"),
    ],
)
def test_a_file_that_holds_no_outcome_is_refused_by_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "outcomes.jsonl").write_text(line + "\n")
    with pytest.raises(BadInput, match="line 1") as caught:
        read_outcomes(tmp_path / "outcomes.jsonl")
    assert said in caught.value.message


def test_a_scenario_is_replaced_under_its_name(records: Records) -> None:
    first = records.scenarios.put("t1", "h100", overrides={"gpu_types": ["H100"]})
    second = records.scenarios.put("t1", "h100", parent="base", overrides={}, plan={"options": []})
    assert second.created_at == first.created_at
    assert records.scenarios.all("t1") == (second,)
    with pytest.raises(NotFound):
        records.scenarios.get("t2", "h100")


def test_two_processes_reserve_one_deployment(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from knowledge.records import NewDeployment, Records
        sys.stdin.readline()
        new = NewDeployment("ann", "t", "h", "local", {}, "m", "g", 1, "vllm-simulator", 1.0, None, "s")
        for _ in range(20):
            print(Records(Path(sys.argv[1])).deployments.reserve(new).deployment_id)
    """)
    command = [sys.executable, "-c", script, str(tmp_path)]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [racer.communicate("go\n")[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert len({line for answer in answers for line in answer.splitlines()}) == 1
    found = Records(tmp_path)
    assert len(found.deployments.all()) == len(found.audit.entries()) == 1


def test_a_state_directory_that_is_a_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("x")
    with pytest.raises(StateUnusable, match=str(tmp_path / "home")) as caught:
        Records(tmp_path / "home")
    assert "SEXTANT_HOME" in caught.value.cure


def test_a_read_only_file_system_is_named_with_the_way_out() -> None:
    with pytest.raises(StateUnusable, match="/proc/sextant") as caught:
        Records(Path("/proc/sextant"))
    assert "SEXTANT_HOME" in caught.value.cure


def test_a_read_only_database_is_named_with_the_way_out(tmp_path: Path) -> None:
    Records(tmp_path)
    path = tmp_path / FILE_NAME
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as refused:
        connection.execute("DELETE FROM deployments")
    connection.close()
    error = unusable(path, refused.value)
    assert isinstance(error, StateUnusable)
    assert f"{path} cannot be written" in error.message
    assert "SEXTANT_HOME" in error.cure


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is no database" * 100)
    with pytest.raises(StateUnusable, match="is damaged") as caught:
        Records(tmp_path)
    assert "aside" in caught.value.cure


def test_a_database_from_a_newer_version_is_left_untouched(tmp_path: Path) -> None:
    records = Records(tmp_path)
    with sqlite3.connect(records.database.name) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateUnusable, match="newer Sextant") as caught:
        Records(tmp_path)
    assert "upgrade" in caught.value.cure


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    kept = Records(tmp_path).deployments.reserve(new())
    script = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from knowledge.errors import StateUnusable
        from knowledge.records import Records
        records = Records(Path(sys.argv[1]))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            records.scenarios.put("t", "big", overrides={"text": "x" * 1_000_000})
        except StateUnusable as error:
            print(error.message, "|", error.cure)
    """)
    result = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "could not be written" in result.stdout
    assert "free some space" in result.stdout
    again = Records(tmp_path)
    assert again.deployments.all() == (kept,)
    assert again.scenarios.all("t") == ()


def test_frozen_records_stay_as_they_are(records: Records) -> None:
    made: Deployment = records.deployments.reserve(new())
    with pytest.raises(AttributeError):
        made.state = "applied"  # type: ignore[misc]
