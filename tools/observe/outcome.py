"""Monitoring as an outcome: what a deployment did under its real traffic, beside what was predicted for it."""

import hashlib
import json

from knowledge.errors import Conflict
from knowledge.records import Deployment, Measure, Outcome, SloOutcome
from tools.deploy.specification import DeploymentSpec
from tools.observe.findings import comparable
from tools.observe.observation import Observation

ENOUGH_REQUESTS = 100
_VERDICTS = {"met": "met", "not_met": "not_met", "unknown": "inconclusive"}


def outcome(seen: Observation, deployment: Deployment, spec: DeploymentSpec) -> Outcome:
    """An observation as an outcome. Only means stand beside predictions: a histogram's percentiles are coarse.

    Raises Conflict when it would teach something false: too few requests, or a load far from the planned peak that
    the predictions are for.
    """
    requests = seen.traffic.requests or 0.0
    if requests < ENOUGH_REQUESTS:
        raise Conflict(
            f"{requests:.0f} requests are too few to learn from", f"choose a window with at least {ENOUGH_REQUESTS}"
        )
    if not comparable(seen):
        raise Conflict(
            "the load is far from the planned peak that the predictions are for: nothing can be learned from it",
            "choose the window of your busiest hour, or plan again with the present traffic",
        )
    body = seen.to_json()
    identity = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:12]
    rate, replicas = seen.traffic.request_rate_rps or 0.0, seen.engine.replicas
    return Outcome(
        outcome_id=f"o-{identity}",
        deployment_id=deployment.deployment_id,
        endpoint=deployment.endpoint or seen.source,
        model_id=spec.model_id,
        gpu_type=spec.gpu_type,
        tensor_parallel=spec.tensor_parallel,
        quantization=spec.quantization,
        engine=deployment.engine,
        time_factor=seen.time_factor,
        snapshot=deployment.snapshot,
        measured_at=seen.at,
        duration_s=seen.covered_s,
        request_rate_rps=rate / replicas,
        isl_mean=seen.traffic.isl_mean,
        osl_mean=seen.traffic.osl_mean,
        requests=round(requests),
        errors=round(requests * (seen.traffic.error_share or 0.0)),
        output_tok_s=(seen.traffic.output_tok_s or 0.0) / replicas,
        verdict=_verdict(seen),
        measures=tuple(_measures(seen, spec)),
        slos=tuple(SloOutcome(slo.slo, slo.bound_ms, slo.measured_ms, _VERDICTS[slo.verdict]) for slo in seen.slos),
        report={"kind": "observation", "predicted": dict(spec.predicted), **body},
    )


def _verdict(seen: Observation) -> str:
    verdicts = {slo.verdict for slo in seen.slos}
    return next((_VERDICTS[each] for each in ("not_met", "unknown", "met") if each in verdicts), "inconclusive")


def _measures(seen: Observation, spec: DeploymentSpec) -> list[Measure]:
    measures = []
    for metric, times in seen.times.items():
        predicted = spec.predicted.get(f"{metric}_mean_ms")
        measures.append(Measure(f"{metric}_ms", "mean", times.mean, None, None, predicted))
        for statistic in ("p50", "p90", "p99"):
            measures.append(Measure(f"{metric}_ms", statistic, getattr(times, statistic), None, None, None))
    return measures
