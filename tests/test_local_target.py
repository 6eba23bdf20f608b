"""The local target with real processes: once each, found again after any crash, and never one too many."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from knowledge.errors import BadInput, Conflict, NotFound, Unavailable
from knowledge.records import Records, Replica
from tools.deploy import DeploymentSpec, DeployProgress, process, read_specification, replicas
from tools.deploy.local import LocalTarget
from tools.deploy.process import Place
from tools.deploy.simulator_command import simulator_command

PEER = textwrap.dedent("""
    import sys
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Peer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    print("peer starts", flush=True)
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Peer).serve_forever()
""")
# Run as a program of its own so that a test can kill it: applies, and kills itself at the step it is told.
APPLIER = textwrap.dedent("""
    import json, os, signal, sys
    from pathlib import Path
    from tools.deploy import read_specification
    from tools.deploy.local import LocalTarget

    home, peer, spec, first_port, die_at, tied = sys.argv[1:]
    count = 0

    def step(progress):
        global count
        count += 1
        if str(count) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    target = LocalTarget(
        Path(home), command=lambda spec, port, *_: (sys.executable, peer, str(port)), first_port=int(first_port),
        tied=bool(tied),
    )
    print(target.apply(read_specification(json.loads(spec)), owner="ann", thread="t", on_progress=step).endpoint)
    if tied:
        print("ready", flush=True)
        sys.stdin.read()
""")


def specification(**changes: object) -> DeploymentSpec:
    lengths = {"mean": 100, "p50": 90, "p90": 200, "p99": 400}
    return read_specification(
        {
            "option_id": "o1",
            "kind": "rental",
            "model_id": "meta-llama/Llama-3.1-8B-Instruct",
            "gpu_type": "NVIDIA-L4-24GB",
            "quantization": "fp8",
            "gpu_count": 1,
            "traffic": {"request_rate_rps": 2.0, "isl": lengths, "osl": lengths},
            **changes,
        }
    )


@pytest.fixture
def peer(tmp_path: Path) -> Path:
    path = tmp_path / "peer.py"
    path.write_text(PEER)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A state directory whose processes are gone when the test ends, whatever it did."""
    place = tmp_path / "home"
    yield place
    for run_file in place.glob("deployments/*/*.run"):
        process.stop(Place(run_file, run_file.with_suffix(".log")))


@pytest.fixture
def first_port() -> int:
    """A stretch of ports that tests running beside this one do not begin at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return min(int(probe.getsockname()[1]), 60_000)


@pytest.fixture
def target(home: Path, peer: Path, first_port: int) -> LocalTarget:
    return LocalTarget(home, command=lambda _, port, *__: (sys.executable, str(peer), str(port)), first_port=first_port)


def running(peer: Path) -> list[psutil.Process]:
    """The processes that run this test's peer, dead ones that nobody has buried left out."""
    return [
        found
        for found in psutil.process_iter(["cmdline", "status"])
        if found.info["cmdline"] and found.info["cmdline"][1:2] == [str(peer)] and found.info["status"] != "zombie"
    ]


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def test_a_deployment_runs_until_it_is_rolled_back(target: LocalTarget, home: Path, peer: Path) -> None:
    steps: list[DeployProgress] = []
    deployment = target.apply(specification(), owner="ann", thread="t", time_factor=5, on_progress=steps.append)
    assert deployment.state == "applied"
    assert deployment.time_factor == 5
    assert [health.ready for health in target.health(deployment)] == [True]
    assert [found.pid for found in running(peer)] == [deployment.replicas[0].pid]
    assert [step.step for step in steps] == ["reserved", "starting", "waiting", "healthy", "applied"]
    assert [step.fraction for step in steps] == sorted(step.fraction for step in steps)

    rolled_back = target.rollback(deployment.deployment_id, who="ann")
    assert rolled_back.state == "rolled_back"
    assert target.rollback(deployment.deployment_id, who="ann") == rolled_back
    assert running(peer) == []
    assert Records(home).deployments.get(deployment.deployment_id).endpoint is None


def test_applying_twice_starts_once(target: LocalTarget, peer: Path) -> None:
    first = target.apply(specification(), owner="ann", thread="t")
    assert target.apply(specification(), owner="ann", thread="t") == first
    assert len(running(peer)) == 1


def test_as_many_replicas_as_planned_run_up_to_the_limit(target: LocalTarget, peer: Path) -> None:
    deployment = target.apply(specification(replicas=5, gpu_count=5), owner="ann", thread="t")
    assert len(set(deployment.endpoints)) == len(running(peer)) == 2


def test_a_plan_that_was_rolled_back_can_be_applied_again(target: LocalTarget, peer: Path) -> None:
    first = target.apply(specification(), owner="ann", thread="t")
    target.rollback(first.deployment_id, who="ann")
    again = target.apply(specification(), owner="ann", thread="t")
    assert (again.deployment_id, again.state, again.revision) == (first.deployment_id, "applied", 2)
    assert len(running(peer)) == 1


def test_a_busy_port_is_passed_over(target: LocalTarget, first_port: int) -> None:
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", first_port))
        squatter.listen()
        deployment = target.apply(specification(), owner="ann", thread="t")
    assert deployment.endpoint is not None
    assert int(deployment.endpoint.rsplit(":", 1)[1]) > first_port


@pytest.mark.parametrize("die_at", range(1, 8))
def test_killed_at_any_step_and_applied_again_exactly_one_runs(
    die_at: int, target: LocalTarget, home: Path, peer: Path, first_port: int
) -> None:
    spec = specification(replicas=2, gpu_count=2)
    arguments = [str(home), str(peer), spec.model_dump_json(), str(first_port), str(die_at), ""]
    killed = subprocess.run([sys.executable, "-c", APPLIER, *arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    resumed = target.apply(spec, owner="ann", thread="t")
    assert resumed.state == "applied"
    assert sorted(found.pid for found in running(peer)) == sorted(replica.pid or 0 for replica in resumed.replicas)
    assert len(resumed.replicas) == 2
    assert len(Records(home).deployments.all()) == 1
    target.rollback(resumed.deployment_id, who="ann")
    assert running(peer) == []


def test_killed_while_the_launcher_is_under_way_exactly_one_runs(
    target: LocalTarget, home: Path, peer: Path, first_port: int
) -> None:
    spec = specification()
    arguments = [str(home), str(peer), spec.model_dump_json(), str(first_port), "", ""]
    with subprocess.Popen([sys.executable, "-c", APPLIER, *arguments], stdout=subprocess.DEVNULL) as applier:
        until(lambda: any(home.glob("deployments/*/replica-0.log")))
        applier.kill()
    resumed = target.apply(spec, owner="ann", thread="t")
    assert [found.pid for found in running(peer)] == [resumed.replicas[0].pid]


@pytest.mark.parametrize("resume", [True, False])
def test_reconcile_finishes_or_cleans_up_what_was_interrupted(
    resume: bool, target: LocalTarget, home: Path, peer: Path, first_port: int
) -> None:
    arguments = [str(home), str(peer), specification().model_dump_json(), str(first_port), "3", ""]
    subprocess.run([sys.executable, "-c", APPLIER, *arguments], check=False)
    (changed,) = target.reconcile(resume=resume)
    assert changed.state == ("applied" if resume else "failed")
    assert len(running(peer)) == resume
    assert target.reconcile(resume=resume) == ()


def test_a_rollback_that_was_interrupted_is_finished(target: LocalTarget, home: Path, peer: Path) -> None:
    deployment = target.apply(specification(), owner="ann", thread="t")
    Records(home).deployments.move(deployment.deployment_id, "rolled_back", who="ann", action="rollback", replicas=())
    assert len(running(peer)) == 1
    assert target.reconcile() == ()
    assert running(peer) == []


def test_two_processes_applying_at_once_start_one(home: Path, peer: Path, first_port: int) -> None:
    arguments = [str(home), str(peer), specification().model_dump_json(), str(first_port), "", ""]
    command = [sys.executable, "-c", APPLIER, *arguments]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {racer.communicate()[0] for racer in racers}
    assert len(answers) == len(running(peer)) == 1


def test_a_process_that_died_is_reported_with_its_last_words(target: LocalTarget, peer: Path) -> None:
    deployment = target.apply(specification(replicas=2, gpu_count=2), owner="ann", thread="t")
    os.kill(deployment.replicas[0].pid or 0, signal.SIGKILL)
    until(lambda: len(running(peer)) == 1)
    assert [health.ready for health in target.health(deployment)] == [False, True]
    (failed,) = target.reconcile()
    assert failed.state == "failed"
    assert deployment.endpoints[0] in failed.reason
    assert "its last words: peer starts" in failed.reason
    assert running(peer) == []


def test_what_lives_with_its_owner_ends_when_the_owner_is_killed(home: Path, peer: Path, first_port: int) -> None:
    arguments = [str(home), str(peer), specification().model_dump_json(), str(first_port), "", "tied"]
    with subprocess.Popen(
        [sys.executable, "-c", APPLIER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert [owner.stdout.readline(), owner.stdout.readline()][1] == "ready\n"
        assert len(running(peer)) == 1
        owner.kill()
    until(lambda: running(peer) == [])


def test_what_does_not_become_healthy_is_cleaned_up_and_says_why(home: Path, first_port: int) -> None:
    broken = ("-c", "print('the model is too large'); raise SystemExit(1)")
    target = LocalTarget(home, command=lambda *_: (sys.executable, *broken), first_port=first_port)
    with pytest.raises(Unavailable, match="the model is too large"):
        target.apply(specification(), owner="ann", thread="t")
    (failed,) = Records(home).deployments.all()
    assert failed.state == "failed"
    assert "the model is too large" in failed.reason


def test_a_replica_that_never_answers_is_given_up(home: Path, tmp_path: Path, first_port: int) -> None:
    mute = tmp_path / "mute.py"
    mute.write_text("import time\nprint('loading weights', flush=True)\ntime.sleep(600)\n")
    target = LocalTarget(
        home,
        command=lambda *_: (sys.executable, str(mute)),
        first_port=first_port,
        health_deadline_s=1.0,
    )
    with pytest.raises(Unavailable, match=r"not healthy within 1 s; its log ends with: loading weights"):
        target.apply(specification(), owner="ann", thread="t")
    assert running(mute) == []


def test_a_program_that_is_missing_is_named(home: Path, first_port: int) -> None:
    target = LocalTarget(home, command=lambda *_: ("/nowhere/sextant",), first_port=first_port)
    with pytest.raises(Unavailable, match=r"/nowhere/sextant cannot be started"):
        target.apply(specification(), owner="ann", thread="t")


def test_a_recycled_process_id_is_never_touched(tmp_path: Path) -> None:
    place = Place(tmp_path / "replica-0.run", tmp_path / "replica-0.log")
    mine = psutil.Process()
    place.run_file.write_text(f'{{"pid": {mine.pid}, "started_at_s": 1.0, "endpoint": "http://127.0.0.1:1"}}')
    with process.gate(place.run_file, wait_s=0):
        assert process.find(place) is None
        assert not process.stop(place)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a start time is what the system says")
def test_a_process_is_known_again_whatever_the_time_of_day_is_set_to(
    target: LocalTarget, peer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = target.apply(specification(), owner="ann", thread="t")
    started = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: started(process) + 3600)
    assert target.reconcile() == ()
    assert [health.ready for health in target.health(deployment)] == [True]
    target.rollback(deployment.deployment_id, who="ann")
    until(lambda: running(peer) == [])


def test_a_replica_that_was_killed_is_not_said_to_have_spoken(tmp_path: Path) -> None:
    (tmp_path / "replica-0.log").write_text("simulating m at http://127.0.0.1:8100\n")
    reason = replicas.gone(tmp_path, (Replica("http://127.0.0.1:8100", 1, 1.0),))
    assert reason == "the process of http://127.0.0.1:8100 is gone; it said nothing, as if killed from outside"


def test_a_deployment_that_another_process_changes_is_left_to_it(target: LocalTarget, home: Path) -> None:
    deployment = target.apply(specification(), owner="ann", thread="t")
    gate = home / "deployments" / deployment.deployment_id / "gate.lock"
    with process.gate(gate, wait_s=0):
        assert target.reconcile() == ()
        with pytest.raises(Conflict, match="another process"), process.gate(gate, wait_s=0):
            pass


def test_an_unknown_deployment_cannot_be_rolled_back(target: LocalTarget) -> None:
    with pytest.raises(NotFound):
        target.rollback("d-nothing", who="ann")


def test_equal_specifications_have_equal_hashes() -> None:
    assert specification().plan_hash == read_specification(specification().to_json()).plan_hash
    assert specification().plan_hash != specification(replicas=2).plan_hash


def test_a_specification_that_does_not_fit_is_refused_by_field() -> None:
    with pytest.raises(BadInput, match=r"replicas") as caught:
        specification(replicas=-1)
    assert caught.value.field == "replicas"
    with pytest.raises(BadInput, match="kind"):
        specification(kind="api")


def test_the_simulator_is_told_what_the_plan_says() -> None:
    spec = specification(engine={"max_model_len": 8192})
    command = " ".join(simulator_command(spec, 8123, 10.0, 1))
    assert "simulator --port 8123 --model meta-llama/Llama-3.1-8B-Instruct --gpu NVIDIA-L4-24GB" in command
    assert "--max-model-len 8192" in command
    assert "--max-num-seqs" not in command


def test_pipeline_stages_are_simulated_as_planned() -> None:
    command = " ".join(simulator_command(specification(pipeline_parallel=2, gpu_count=2), 8123, 10.0, 1))
    assert "--tensor-parallel 1 --pipeline-parallel 2" in command
