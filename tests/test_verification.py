"""From an option of a plan to a verdict, with the real simulator; and what is left when something is killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import BadInput, Conflict, NotFound
from knowledge.records import Deployment, Records
from tools.deploy import DeploymentSpec, read_specification
from tools.deploy.local import LocalTarget
from tools.deploy.option import specification_from_plan
from tools.deploy.pace import MAX_TOKENS_PER_S, OVERHEAD_MS, OVERHEAD_SHARE, pace
from tools.deploy.verification import load_plan, verify
from tools.loadtest import LoadProgress

MODEL, GPU = "meta-llama/Llama-3.1-8B-Instruct", "NVIDIA-H100-80GB-SXM"
LENGTHS = {"mean": 40.0, "p50": 40.0, "p90": 40.0, "p99": 40.0}
PLAN = {
    "snapshot": "abc",
    "traffic": {
        "qps": 3.0,
        "peak_qps": 20.0,
        "isl": LENGTHS,
        "osl": {**LENGTHS, "mean": 10.0, "p50": 10.0, "p90": 10.0, "p99": 10.0},
        "interarrival_cv": 1.0,
        "prefix_reuse_share": 0.0,
        "context_tokens": 4096,
    },
    "slo": {"percentile": 90, "ttft_ms": 60_000.0, "tpot_ms": 60_000.0, "e2e_ms": 60_000.0, "e2e_basis": "perceived"},
    "options": [
        {"id": "api-1", "kind": "api", "model_id": "x", "cost": {"monthly_usd": 10.0}, "predicted": None},
        {
            "id": "rent-1",
            "kind": "rental",
            "model_id": MODEL,
            "gpu_type": GPU,
            "tensor_parallel": 1,
            "pipeline_parallel": 1,
            "replicas": 1,
            "gpu_count": 1,
            "quantization": "fp8",
            "predicted": {
                "ttft_ms": {"mean": 20.0, "p50": 19.0, "p90": 25.0},
                "tpot_ms": {"p90": 5.0},
                "utilization": 0.4,
            },
            "cost": {"monthly_usd": 1800.0},
        },
    ],
}
VERIFIER = textwrap.dedent("""
    import asyncio, os, signal, sys
    from pathlib import Path
    from knowledge.records import Records
    from tools.deploy.verification import verify

    def die(progress):
        if progress.completed >= 5:
            os.kill(os.getpid(), signal.SIGKILL)

    records = Records(Path(sys.argv[1]))
    asyncio.run(verify(records.deployments.all()[0], records, who="ann", on_progress=die))
""")


@pytest.fixture
def first_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return min(int(probe.getsockname()[1]), 60_000)


@pytest.fixture
def target(tmp_path: Path, first_port: int) -> Iterator[LocalTarget]:
    local = LocalTarget(tmp_path, first_port=first_port)
    yield local
    for entry in Records(tmp_path).deployments.all():
        local.rollback(entry.deployment_id, who="test")


def deployed(target: LocalTarget, spec: DeploymentSpec | None = None) -> Deployment:
    return target.apply(spec or specification_from_plan(PLAN), owner="ann", thread="t", time_factor=5.0)


async def test_a_planned_option_is_deployed_verified_and_remembered(target: LocalTarget, tmp_path: Path) -> None:
    records, deployment = Records(tmp_path), deployed(target)
    report = await verify(deployment, records, who="ann", duration_s=5.0)
    assert report.verdict == "met", report.reason
    assert [slo.name for slo in report.slos] == [
        "ttft_p90_ms",
        "tpot_p90_ms",
        "e2e_perceived_p90_ms",
        "error_rate_percent",
    ]
    assert report.slos[0].predicted == 25.0
    assert report.osl_mean == 10
    assert records.deployments.get(deployment.deployment_id).state == "verified"
    kept = records.outcomes.latest(deployment.deployment_id)
    assert kept is not None
    assert (kept.engine, kept.gpu_type, kept.verdict, kept.snapshot) == ("vllm-simulator", GPU, "met", "abc")
    measure = next(entry for entry in kept.measures if (entry.metric, entry.statistic) == ("ttft_ms", "p90"))
    assert (measure.predicted, measure.measured) == (25.0, report.slos[0].measured)
    assert kept.report["verdict"] == "met"
    assert records.audit.entries(subject=deployment.deployment_id)[-1].action == "validate"


async def test_a_missed_objective_fails_the_deployment_which_goes_on_running(
    target: LocalTarget, tmp_path: Path
) -> None:
    strict = {**PLAN, "slo": {"percentile": 90, "tpot_ms": 0.001}}
    records, deployment = Records(tmp_path), deployed(target, specification_from_plan(strict))
    report = await verify(deployment, records, who="ann", duration_s=5.0)
    assert report.verdict == "not_met"
    failed = records.deployments.get(deployment.deployment_id)
    assert failed.state == "failed"
    assert "tpot_p90_ms" in failed.reason
    assert [health.ready for health in target.health(failed)] == [True]


async def test_a_simulator_killed_in_the_middle_leaves_a_report_and_no_orphan(
    target: LocalTarget, tmp_path: Path
) -> None:
    records, deployment = Records(tmp_path), deployed(target)

    def kill(progress: LoadProgress) -> None:
        if progress.completed >= 5 and target.health(deployment)[0].ready:
            os.kill(deployment.replicas[0].pid or 0, signal.SIGKILL)

    report = await verify(deployment, records, who="ann", duration_s=60.0, on_progress=kill)
    assert report.verdict == "not_met"
    assert {error.kind for error in report.errors} <= {"refused", "cut", "incomplete"}
    assert records.deployments.get(deployment.deployment_id).state == "failed"
    (gone,) = target.reconcile()
    assert "is gone" in gone.reason
    with pytest.raises(Conflict, match="does not run"):
        await verify(gone, records, who="ann")


def test_a_validator_killed_in_the_middle_leaves_the_records_as_they_were(target: LocalTarget, tmp_path: Path) -> None:
    deployment = deployed(target)
    killed = subprocess.run([sys.executable, "-c", VERIFIER, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    records = Records(tmp_path)
    assert records.deployments.get(deployment.deployment_id) == deployment
    assert records.outcomes.all() == ()
    assert target.reconcile() == ()


def test_an_option_becomes_a_specification() -> None:
    spec = specification_from_plan(PLAN)
    assert (spec.option_id, spec.model_id, spec.gpu_count, spec.monthly_cost_usd) == ("rent-1", MODEL, 1, 1800.0)
    assert spec.predicted == {"ttft_mean_ms": 20.0, "ttft_p50_ms": 19.0, "ttft_p90_ms": 25.0, "tpot_p90_ms": 5.0}
    assert spec.engine.max_model_len == 4096
    assert spec.traffic.request_rate_rps == 20.0
    assert specification_from_plan(json.loads(json.dumps(PLAN)), "rent-1").plan_hash == spec.plan_hash


def test_an_option_that_cannot_be_deployed_says_why() -> None:
    with pytest.raises(BadInput, match="per-token API: there is nothing to deploy"):
        specification_from_plan(PLAN, "api-1")
    with pytest.raises(NotFound) as caught:
        specification_from_plan(PLAN, "rent-9")
    assert "rent-1" in caught.value.cure
    with pytest.raises(BadInput, match="no option to deploy"):
        specification_from_plan({**PLAN, "options": []})


def test_each_replica_gets_its_share_of_the_planned_peak() -> None:
    spec = specification_from_plan({**PLAN, "options": [{**PLAN["options"][1], "replicas": 4, "gpu_count": 4}]})  # type: ignore[index]
    plan = load_plan(spec, replicas_driven=2, time_factor=1.0, duration_s=60.0)
    assert (plan.request_rate_rps, plan.replicas_planned, plan.replicas_driven) == (10.0, 4, 2)


@given(st.floats(0.01, 500), st.floats(1, 5000), st.integers(1, 50), st.floats(1, 100), st.floats(20, 5000))
def test_the_pace_is_one_that_this_machine_can_measure(
    rate: float, osl: float, replicas: int, wanted: float, ttft_ms: float
) -> None:
    plan = {**PLAN, "slo": {"percentile": 90, "ttft_ms": ttft_ms}}
    plain = specification_from_plan(plan)
    lengths = {"mean": osl, "p50": osl, "p90": osl, "p99": osl}
    spec = read_specification(
        {
            **plain.to_json(),
            "replicas": replicas,
            "traffic": {**plain.to_json()["traffic"], "request_rate_rps": rate, "osl": lengths},
        }
    )
    found = pace(spec, wanted_factor=wanted, max_replicas=2)
    assert 1 <= found.replicas <= min(replicas, 2)
    assert 0 < found.time_factor <= wanted * 1.05
    streamed_per_s = rate / replicas * found.replicas * osl * found.time_factor
    assert streamed_per_s <= MAX_TOKENS_PER_S * 1.06
    assert found.time_factor <= max(1.0, OVERHEAD_SHARE * ttft_ms / OVERHEAD_MS) * 1.06
    assert bool(found.note) == (found.time_factor != wanted)
