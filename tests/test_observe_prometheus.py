"""A deployment from plan to learned prediction, watched by a real Prometheus; and what is left after a kill.

Debian's `prometheus` package holds prometheus and promtool. Without them these tests are skipped, in CI they fail.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from knowledge.errors import Conflict, Unavailable
from knowledge.records import Deployment, Records
from knowledge.snapshot import Snapshot, load
from tools.deploy import DeploymentSpec, process, read_specification
from tools.deploy.local import LocalTarget
from tools.deploy.option import specification_from_plan
from tools.deploy.process import Place
from tools.deploy.simulator_command import simulator_command
from tools.deploy.verification import verify
from tools.intent import Intent
from tools.learning import corrections
from tools.observe import Observation, Prometheus, findings, observe
from tools.observe.alerts import late_share
from tools.observe.monitoring import monitoring, write_files
from tools.observe.outcome import outcome
from tools.performance.experience import experience
from tools.planner import Option, plan

MODEL, GPU = "meta-llama/Llama-3.1-8B-Instruct", "NVIDIA-H100-80GB-SXM"
INTENT = Intent.model_validate(
    {
        "task_type": "chatbot",
        "peak_qps": 5.0,
        "expected_qps": 4.0,
        "prompt_length_avg": 200,
        "generation_length_avg": 60,
        "preferred_models": [MODEL],
        "gpu_types": [GPU],
        "quantization": ["fp8"],
        "tensor_parallel": 1,
        "deployment_model": "cloud_rental",
    }
)
SLOWER = 2.5
"""How much slower the served model is than the latency model believes."""
WINDOW_S = 10.0
DCGM = """# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0"} 30
# TYPE DCGM_FI_DEV_FB_USED gauge
DCGM_FI_DEV_FB_USED{gpu="0"} 40960
"""


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        reason = f"{name} is not installed (Debian: apt-get install prometheus)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def until(happened: Callable[[], object], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A private Prometheus."""

    url: str
    process: "subprocess.Popen[bytes]"

    def value(self, expression: str) -> float | None:
        try:
            samples = Prometheus(self.url).query(expression)
        except Unavailable:
            return None
        return samples[0].value if samples else None


@contextmanager
def prometheus(folder: Path, *, also: str = "") -> Iterator[Server]:
    """Serves the configuration in `folder`, with further scrape configurations `also`."""
    port, config = free_port(), folder / "prometheus.yml"
    config.write_text(config.read_text() + also)
    with (folder / "prometheus.log").open("wb") as log:
        running = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    server = Server(f"http://127.0.0.1:{port}", running)
    try:
        until(lambda: server.value("vector(1)"))
        yield server
    finally:
        running.kill()
        running.wait()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[LocalTarget]:
    """A local target whose simulated model is slower than the planner believes."""

    def slower(spec: DeploymentSpec, port: int, time_factor: float, number: int) -> tuple[str, ...]:
        command = simulator_command(spec, port, time_factor, number)
        times = (f"--{name}-ms={SLOWER * spec.predicted[f'{name}_mean_ms']:g}" for name in ("ttft", "tpot"))
        return (*command, *times) if "slow" in spec.option_id else command

    local = LocalTarget(tmp_path, command=slower, first_port=min(free_port(), 60_000))
    yield local
    for run_file in tmp_path.glob("deployments/*/*.run"):
        process.stop(Place(run_file, run_file.with_suffix(".log")))


def chosen(facts: Snapshot, *, learned_from: Records | None = None) -> tuple[Option, DeploymentSpec]:
    """The best rented option and its specification, planned with what the outcomes of a rehearsal taught."""
    outcomes = learned_from.outcomes.all() if learned_from else ()
    found = plan(INTENT, facts, experience=experience(outcomes, rehearsal=True))
    best = found.best("balanced")
    assert best is not None
    assert best.predicted is not None
    return best, specification_from_plan(found.to_json(), best.id, snapshot=found.snapshot)


@contextmanager
def gpu_exporter() -> Iterator[str]:
    """Stands for NVIDIA's DCGM exporter, which needs a card."""

    class Exporter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(DCGM.encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


async def test_from_plan_to_a_prediction_that_learned(target: LocalTarget, tmp_path: Path) -> None:
    facts, records, folder = load(), Records(tmp_path), tmp_path / "monitoring"
    before, spec = chosen(facts)
    assert before.predicted is not None
    spec = read_specification({**spec.to_json(), "option_id": "slow"})
    deployment = target.apply(spec, owner="ann", thread="t", time_factor=3.0)
    write_files(monitoring(deployment, scrape_interval="500ms", rate="5s"), folder)
    with gpu_exporter() as exporter:
        also = f"""
  - job_name: gpus
    static_configs:
      - targets: ["{exporter}"]
        labels: {{"deployment": "{deployment.deployment_id}"}}
"""
        with prometheus(folder, also=also) as server:
            until(lambda: server.value("sum(up)") == len(deployment.endpoints) + 1)
            moments: list[float] = []
            report = await verify(
                deployment, records, who="ann", duration_s=40.0, on_progress=lambda _: moments.append(time.time())
            )
            reader = Prometheus(server.url, at_s=moments[-1])
            seen = observe(deployment, reader, window_s=WINDOW_S, source=server.url)
            queries_answer(folder, reader)
            alerts_agree(seen, spec, reader)

    # The load test notices that the latency model is off …
    assert any("latency model is off here" in warning for warning in report.warnings)
    # … and so does the monitoring, from the server's own histograms.
    found = {each.kind: each for each in findings(seen, spec)}
    assert "prediction_off" in found
    agrees_with(seen, report.metrics["tpot"].mean.value, report.request_rate_rps, report.osl_mean)
    assert seen.engine.gpu_utilization == pytest.approx(0.3)
    assert seen.engine.gpu_memory_gib == pytest.approx(40.0)

    # What monitoring saw is kept as an outcome beside that of the load test, and both agree on the correction.
    records.outcomes.add(outcome(seen, deployment, spec))
    learned = {subject.metric: each for subject, each in corrections(records.outcomes.all()).items()}
    assert learned["tpot_ms"].outcomes == 2
    assert learned["tpot_ms"].raw_factor == pytest.approx(SLOWER, rel=0.25)
    assert learned["tpot_ms"].biased

    # A real engine learns nothing from that; asked to rehearse, the next plan predicts what was measured.
    plain = plan(INTENT, facts, experience=experience(records.outcomes.all())).option(before.id)
    assert plain is not None
    assert plain.predicted == before.predicted
    after, again = chosen(facts, learned_from=records)
    assert after.predicted is not None
    assert after.predicted.evidence["own"]["tpot_ms"]["outcomes"] == 2
    measured = report.metrics["tpot"].mean.value or 0.0
    wrong, right = before.predicted.tpot_ms.mean, after.predicted.tpot_ms.mean
    assert abs(right - measured) < 0.35 * abs(wrong - measured)
    assert again.predicted["tpot_correction"] == learned["tpot_ms"].factor


def agrees_with(seen: Observation, tpot_ms: float | None, rate_rps: float, osl: float | None) -> None:
    """The server's histograms and the client's stop watch measured the same run."""
    assert tpot_ms is not None
    assert seen.times["tpot"].mean == pytest.approx(tpot_ms, rel=0.25)
    assert seen.traffic.request_rate_rps == pytest.approx(rate_rps, rel=0.4)
    assert seen.traffic.osl_mean == pytest.approx(osl, rel=0.25)
    assert seen.traffic.error_share == 0
    assert seen.engine.up_share == 1
    assert seen.costs.usd_per_1k_tokens is not None
    spent_s, tokens_s = seen.costs.usd_per_hour, (seen.traffic.prompt_tok_s or 0) + (seen.traffic.output_tok_s or 0)
    assert spent_s is not None
    assert seen.costs.usd_per_1k_tokens == pytest.approx(spent_s / 3600 / tokens_s * 1000)


def queries_answer(folder: Path, reader: Prometheus) -> None:
    """Every query of dashboard and alerts is understood, and every panel has data from the real series."""
    dashboard = json.loads((folder / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for each in panel["targets"]:
            assert reader.query(each["expr"]) or "prefix" in each["expr"], each["expr"]
    rules = httpx.get(f"{reader.url}/api/v1/rules").json()["data"]["groups"][0]["rules"]
    assert len(rules) >= 10
    assert [rule["lastError"] for rule in rules if rule["health"] != "ok"] == []


def alerts_agree(seen: Observation, spec: DeploymentSpec, reader: Prometheus) -> None:
    """The share of late answers that alerts burn on is the one that the compliance shows."""
    within = {each.slo: each.share_within for each in seen.slos}
    for each in spec.objectives:
        share = within[f"{each.metric}_p{each.percentile}_ms"]
        if share is not None:
            late = late_share(
                each.metric, each.bound_ms, f'deployment="{seen.deployment_id}"', f"{WINDOW_S:g}s", seen.time_factor
            )
            (sample,) = reader.query(late)
            assert sample.value == pytest.approx(1 - share, abs=1e-3)


def test_killed_simulator_and_killed_prometheus_leave_readable_records(target: LocalTarget, tmp_path: Path) -> None:
    records, folder = Records(tmp_path), tmp_path / "monitoring"
    _, spec = chosen(load())
    deployment = target.apply(spec, owner="ann", thread="t", time_factor=5.0)
    write_files(monitoring(deployment, scrape_interval="200ms"), folder)
    replicas = len(deployment.replicas)
    with prometheus(folder) as server:
        until(lambda: server.value("sum(increase(vllm:request_success_total[5s]))") is not None)
        until(lambda: server.value("sum(up)") == replicas)
        before = observe(deployment, Prometheus(server.url), window_s=5.0)
        assert "unused" in {each.kind for each in findings(before, spec)}
        assert before.costs.usd_per_1k_tokens is None
        assert before.engine.gpu_utilization is None
        with pytest.raises(Conflict, match="too few to learn from"):
            outcome(before, deployment, spec)

        os.kill(deployment.replicas[0].pid or 0, signal.SIGKILL)
        until(lambda: server.value("sum(up)") == replicas - 1)
        after = observe(deployment, Prometheus(server.url), window_s=60.0)
        assert (after.engine.answering, after.engine.replicas) == (replicas - 1, replicas)
        assert findings(after, spec)[0].kind == "replica_down"

        with pytest.raises(Unavailable, match="no vLLM series with deployment="):
            observe(replace(deployment, deployment_id="d-other"), Prometheus(server.url), window_s=10.0)
        server.process.kill()
        server.process.wait()
        with pytest.raises(Unavailable, match="no Prometheus answers"):
            observe(deployment, Prometheus(server.url), window_s=10.0)
        assert told(tmp_path, deployment, server.url).startswith("no Prometheus answers at http://127.0.0.1")
    (gone,) = target.reconcile()
    assert (gone.state, gone.replicas) == ("failed", ())
    assert records.deployments.get(deployment.deployment_id) == gone
    assert records.outcomes.all() == ()
    run_files = list(tmp_path.glob("deployments/*/*.run"))
    assert len(run_files) == replicas
    assert [path for path in run_files if process.find(Place(path, path.with_suffix(".log")))] == []


def told(home: Path, deployment: Deployment, url: str) -> str:
    """What the command says on stderr, of which there is only that."""
    sextant = Path(sys.executable).with_name("sextant")
    done = subprocess.run(
        [str(sextant), "observe", deployment.deployment_id, "--prometheus", url, "--json"],
        env={**os.environ, "SEXTANT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr
