"""Verifying a deployment: load it as planned, keep the outcome, and let its state follow the verdict."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from knowledge.errors import Conflict
from knowledge.facts import Lengths
from knowledge.records import Clock, Deployment, Measure, Outcome, Records, SloOutcome, utc_now
from tools.deploy.specification import DeploymentSpec, TokenLengths, read_specification
from tools.loadtest import LoadPlan, LoadProgress, LoadReport, Slo, validate
from tools.loadtest.plan import MAX_TOKENS
from tools.loadtest.runner import OnProgress

WARMUP_SHARE = 0.1
ENOUGH_REQUESTS = 120
_STATISTICS = ("mean", "p50", "p90", "p95", "p99")


def load_plan(
    spec: DeploymentSpec, *, replicas_driven: int, time_factor: float, duration_s: float, seed: int = 0
) -> LoadPlan:
    """The planned peak on the replicas that run, for `duration_s` of model time or longer at low rates.

    Each running replica gets the share of the peak that it has in the plan.
    """
    traffic = spec.traffic
    rate_rps = traffic.request_rate_rps * replicas_driven / spec.replicas
    length_s = max(duration_s, ENOUGH_REQUESTS / rate_rps)
    return LoadPlan(
        model=spec.model_id,
        request_rate_rps=rate_rps,
        duration_s=length_s,
        warmup_s=WARMUP_SHARE * length_s,
        isl=_lengths(traffic.isl),
        osl=_lengths(traffic.osl),
        pattern="bursty" if traffic.interarrival_cv > 1 else "poisson",
        cv=traffic.interarrival_cv,
        prefix_share=traffic.prefix_reuse_share,
        max_model_len=min(MAX_TOKENS, spec.engine.max_model_len or MAX_TOKENS),
        time_factor=time_factor,
        seed=seed,
        slos=tuple(Slo(entry.metric, entry.bound_ms, entry.percentile) for entry in spec.objectives),
        predicted=spec.predicted,
        replicas_planned=spec.replicas,
        replicas_driven=replicas_driven,
    )


def _ignore(_: LoadProgress) -> None:
    return


async def verify(
    deployment: Deployment,
    records: Records,
    *,
    who: str,
    plan: LoadPlan | None = None,
    duration_s: float = 60.0,
    on_progress: OnProgress = _ignore,
    stop: asyncio.Event | None = None,
    clock: Clock = utc_now,
) -> LoadReport:
    """Load a running deployment and keep what came of it; `measure` and `keep` in one.

    Raises Conflict when the deployment does not run. Killed in the middle, it leaves the records as they were.
    """
    report = await measure(
        deployment, plan=plan, duration_s=duration_s, on_progress=on_progress, stop=stop, clock=clock
    )
    keep(report, deployment, records, who=who)
    return report


async def measure(
    deployment: Deployment,
    *,
    plan: LoadPlan | None = None,
    duration_s: float = 60.0,
    on_progress: OnProgress = _ignore,
    stop: asyncio.Event | None = None,
    clock: Clock = utc_now,
) -> LoadReport:
    """Load a running deployment as `plan` says, else as it was planned for. Raises Conflict when it does not run."""
    if not deployment.endpoints:
        raise Conflict(f"deployment {deployment.deployment_id} does not run ({deployment.state})", "deploy it again")
    plan = plan or load_plan(
        read_specification(deployment.spec),
        replicas_driven=len(deployment.endpoints),
        time_factor=deployment.time_factor,
        duration_s=duration_s,
    )
    return await validate(
        deployment.endpoints, plan, own=deployment.endpoints, on_progress=on_progress, stop=stop, clock=clock
    )


def keep(report: LoadReport, deployment: Deployment, records: Records, *, who: str) -> None:
    """Keep a report as an outcome, and move the deployment to `verified` or, when an objective is missed, `failed`.

    An inconclusive run leaves the state as it is.
    """
    spec = read_specification(deployment.spec)
    records.outcomes.add(
        outcome(
            report,
            deployment_id=deployment.deployment_id,
            gpu_type=spec.gpu_type,
            tensor_parallel=spec.tensor_parallel,
            quantization=spec.quantization,
            engine=deployment.engine,
            snapshot=deployment.snapshot,
        )
    )
    now = records.deployments.get(deployment.deployment_id)
    if report.verdict == "inconclusive" or not now.replicas:
        records.audit.add(
            who=who,
            action="validate",
            subject=deployment.deployment_id,
            plan_hash=deployment.plan_hash,
            result=f"{report.verdict}: {report.reason}" + ("" if now.replicas else f" (meanwhile {now.state})"),
        )
    else:
        records.deployments.move(
            deployment.deployment_id,
            "verified" if report.verdict == "met" else "failed",
            who=who,
            action="validate",
            reason="" if report.verdict == "met" else report.reason,
        )


def outcome(
    report: LoadReport,
    *,
    deployment_id: str | None = None,
    gpu_type: str | None = None,
    tensor_parallel: int | None = None,
    quantization: str | None = None,
    engine: str = "unknown",
    snapshot: str = "",
) -> Outcome:
    """A report as an outcome: rates and throughput per replica, every statistic beside its prediction."""
    body: Mapping[str, Any] = report.to_json()
    identity = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]
    return Outcome(
        outcome_id=f"o-{identity}",
        deployment_id=deployment_id,
        endpoint=report.endpoints[0],
        model_id=report.model,
        gpu_type=gpu_type,
        tensor_parallel=tensor_parallel,
        quantization=quantization,
        engine=engine,
        time_factor=report.time_factor,
        snapshot=snapshot,
        measured_at=report.started_at,
        duration_s=report.duration_s,
        request_rate_rps=report.request_rate_rps / report.replicas_driven,
        isl_mean=report.isl_mean,
        osl_mean=report.osl_mean,
        requests=report.requests,
        errors=report.failed,
        output_tok_s=report.output_tok_s / report.replicas_driven,
        verdict=report.verdict,
        measures=tuple(_measures(report)),
        slos=tuple(SloOutcome(slo.name, slo.bound, slo.measured, slo.verdict) for slo in report.slos),
        report=body,
    )


def _measures(report: LoadReport) -> list[Measure]:
    measures = []
    for metric, found in report.metrics.items():
        for statistic in _STATISTICS:
            estimate = getattr(found, statistic)
            predicted = report.predicted.get(f"{metric}_{statistic}_ms")
            measures.append(Measure(f"{metric}_ms", statistic, estimate.value, estimate.low, estimate.high, predicted))
    return measures


def _lengths(lengths: TokenLengths) -> Lengths:
    return Lengths(lengths.mean, lengths.p50, lengths.p90, lengths.p99)
