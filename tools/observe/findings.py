"""What the figures mean: each finding says what is wrong, what to do, and what that saves. No figure, no finding."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tools.deploy.specification import DeploymentSpec
from tools.observe.observation import Compared, Observation

Severity = Literal["critical", "warning", "advice"]

WAITING = 0.5
"""Requests that wait on average from which a queue counts as one."""
FULL_CACHE, ROOMY_CACHE = 0.95, 0.7
ERRORS = 0.01
IDLE = 0.3
ANOMALY = 1.5
"""Cost per token against the window before."""
OFF_FORECAST = 1.3
OFF_PREDICTION = 1.3
NEAR_PLAN = (0.75, 1.25)
"""Share of the planned peak within which measured times are compared with predicted ones."""
FULL_BATCH = 0.95
LOW_GPU = 0.4


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to act on. `saving_usd_per_month` is negative where the action costs, None where it has no price."""

    kind: str
    severity: Severity
    text: str
    action: str
    saving_usd_per_month: float | None = None


def findings(seen: Observation, spec: DeploymentSpec) -> tuple[Finding, ...]:
    """Findings, the worst first; they may overlap, so savings do not add up."""
    found = [
        *_failing(seen),
        *_objectives(seen),
        *_queue(seen, spec),
        *_cache(seen, spec),
        *_money(seen, spec),
        *_traffic(seen),
        *_prediction(seen, spec),
    ]
    order = ("critical", "warning", "advice")
    return tuple(sorted(found, key=lambda each: order.index(each.severity)))


def comparable(seen: Observation) -> bool:
    """Whether the load was near the planned peak on average, so that predicted times apply."""
    planned = next((each for each in seen.forecast if each.what == "peak rate"), None)
    rate = seen.traffic.request_rate_rps
    return planned is not None and rate is not None and NEAR_PLAN[0] <= rate / planned.planned <= NEAR_PLAN[1]


def _failing(seen: Observation) -> Iterator[Finding]:
    engine, errors = seen.engine, seen.traffic.error_share
    if engine.answering is not None and engine.answering < engine.replicas:
        gone = engine.replicas - engine.answering
        yield Finding(
            "replica_down",
            "critical",
            f"{gone} of {engine.replicas} replicas do not answer",
            f"look at it: sextant status {seen.deployment_id}",
        )
    if errors is not None and errors > ERRORS:
        yield Finding("errors", "critical", f"{errors:.1%} of requests fail or are refused", "read the servers' logs")


def _objectives(seen: Observation) -> Iterator[Finding]:
    queued = (seen.engine.waiting_mean or 0.0) >= WAITING
    action = "see the finding about the queue" if queued else "fewer requests per replica, or faster cards: plan again"
    for slo in seen.slos:
        if slo.verdict == "not_met" and slo.share_within is not None:
            measured = "beyond the histogram" if slo.measured_ms is None else f"{slo.measured_ms:.4g} ms"
            yield Finding(
                "slo_missed",
                "critical",
                f"{slo.slo}: {measured} of at most {slo.bound_ms:g} ms; {slo.share_within:.1%} of answers are in time",
                action,
            )


def _queue(seen: Observation, spec: DeploymentSpec) -> Iterator[Finding]:
    engine, waiting = seen.engine, seen.engine.waiting_mean
    if waiting is None or waiting < WAITING:
        return
    text = f"{waiting:.3g} requests wait on average, {engine.waiting_most or waiting:.3g} at most"
    limit, kv_most = spec.engine.max_num_seqs, engine.kv_most
    full = limit is not None and engine.running_most is not None and engine.running_most >= FULL_BATCH * limit
    tight = any(slo.slo.startswith("tpot") and slo.verdict == "not_met" for slo in seen.slos)
    if full and limit is not None and kv_most is not None and kv_most < ROOMY_CACHE and not tight:
        wanted = math.floor(limit * min(FULL_CACHE / max(kv_most, 0.05), 4.0))
        yield Finding(
            "raise_max_num_seqs",
            "warning",
            f"{text} while {limit} run and the KV cache is {kv_most:.0%} full at most",
            f"start vLLM with --max-num-seqs {wanted}; answers come more slowly in larger batches",
        )
        return
    monthly = seen.costs.usd_per_month
    extra = None if monthly is None else -monthly / engine.replicas
    yield Finding(
        "add_replica", "warning", text, f"run {engine.replicas + 1} replicas instead of {engine.replicas}", extra
    )


def _cache(seen: Observation, spec: DeploymentSpec) -> Iterator[Finding]:
    engine, traffic = seen.engine, seen.traffic
    if engine.kv_most is not None and engine.kv_most >= FULL_CACHE and (engine.preemptions or 0) > 0:
        weights = "" if spec.quantization in ("fp8", "int8", "fp4", "int4") else ", or quantise the weights to fp8"
        yield Finding(
            "quantize",
            "warning",
            f"the KV cache is full and {engine.preemptions:.0f} requests were preempted",
            f"store the cache in 8 bits (--kv-cache-dtype fp8){weights}: twice the sequences fit, and no card is added",
        )
    expected = spec.traffic.prefix_reuse_share
    if expected > 0.1 and traffic.prefix_hit_share is not None and traffic.prefix_hit_share < expected / 2:
        yield Finding(
            "prefix_hits_low",
            "advice",
            f"{traffic.prefix_hit_share:.0%} of prompt tokens come from the prefix cache, {expected:.0%} were planned",
            "send requests with the same beginning to the same replica, and put what varies at the end of prompts",
        )


def _money(seen: Observation, spec: DeploymentSpec) -> Iterator[Finding]:
    costs, engine = seen.costs, seen.engine
    now, before = costs.usd_per_1k_tokens, costs.usd_per_1k_tokens_before
    if now is not None and before is not None and now > ANOMALY * before:
        yield Finding(
            "cost_anomaly",
            "warning",
            f"1,000 tokens cost {now:.3g} USD, {now / before:.2g} times what they did in the window before",
            "look for traffic that went elsewhere, or for replicas left over",
        )
    needed = _needed_replicas(seen, spec)
    if needed is not None and needed < spec.replicas:
        saving = None if spec.monthly_cost_usd is None else spec.monthly_cost_usd * (1 - needed / spec.replicas)
        yield Finding(
            "downsize",
            "advice",
            f"the highest rate in {_length(seen.covered_s)} needs {needed} of {spec.replicas} replicas",
            f"run {needed}, once this window holds your busiest hours",
            saving,
        )
    elif needed is not None and _gpu_is_idle(seen):
        yield Finding(
            "downsize",
            "advice",
            f"GPUs compute {engine.gpu_utilization or 0:.0%} of the time",
            "plan again with the traffic as measured: a smaller card may do",
        )
    idle, requests = engine.idle_share, seen.traffic.requests
    if idle is not None and idle > IDLE and requests:
        yield Finding(
            "idle",
            "advice",
            f"nothing runs {idle:.0%} of the time",
            "scale to zero or share the cards, if a cold start is acceptable",
            costs.idle_usd_per_month,
        )
    elif requests == 0:
        yield Finding(
            "unused",
            "advice",
            "no request was finished in this window",
            f"if nobody needs it: sextant rollback {seen.deployment_id}",
            costs.usd_per_month,
        )


def _needed_replicas(seen: Observation, spec: DeploymentSpec) -> int | None:
    """Replicas that the highest rate needs at the planned load of each; None unless every objective is met."""
    peak = next((each for each in seen.forecast if each.what == "peak rate"), None)
    held = all(slo.verdict == "met" or slo.note == "not exported by servers" for slo in seen.slos)
    if peak is None or not peak.measured or not held or (seen.engine.waiting_mean or 0.0) >= WAITING:
        return None
    return max(1, math.ceil(spec.replicas * peak.measured / peak.planned - 1e-9))


def _gpu_is_idle(seen: Observation) -> bool:
    return seen.engine.gpu_utilization is not None and seen.engine.gpu_utilization < LOW_GPU


def _traffic(seen: Observation) -> Iterator[Finding]:
    off = [each for each in seen.forecast if each.what != "prefix reuse" and _off(each)]
    if off:
        told = "; ".join(f"{each.what} {each.measured:.4g} {each.unit}, planned {each.planned:.4g}" for each in off)
        yield Finding("off_forecast", "advice", f"the traffic is not the planned one: {told}", "plan again with these")


def _off(each: Compared) -> bool:
    """Above the plan for rates (less is for `downsize` to judge), off either way for lengths."""
    if not each.measured or each.planned <= 0:
        return False
    ratio = each.measured / each.planned
    return ratio > OFF_FORECAST or (each.unit == "tokens" and ratio < 1 / OFF_FORECAST)


def _prediction(seen: Observation, spec: DeploymentSpec) -> Iterator[Finding]:
    if not comparable(seen):
        return
    for metric, times in seen.times.items():
        predicted = spec.predicted.get(f"{metric}_mean_ms")
        if not predicted or not times.mean or 1 / OFF_PREDICTION < times.mean / predicted < OFF_PREDICTION:
            continue
        yield Finding(
            "prediction_off",
            "warning" if times.mean > predicted else "advice",
            f"{metric} is {times.mean:.4g} ms on average, {predicted:.4g} ms were predicted",
            f"keep it as an outcome (sextant observe {seen.deployment_id} --keep) and plan again",
        )


def _length(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} seconds"
