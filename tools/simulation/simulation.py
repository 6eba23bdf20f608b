"""`simulate`: traffic on a deployment, from seed to percentiles."""

import numpy as np

from knowledge.errors import BadInput
from tools.performance.step import StepCost
from tools.scheduler import Limits
from tools.simulation.fleet import Autoscaling, Fleet, Routing
from tools.simulation.replica import Log
from tools.simulation.result import SimulationResult, perceived_ms, percentiles
from tools.simulation.traffic import Traffic, Workload


def simulate(
    step_cost: StepCost,
    limits: Limits,
    traffic: Traffic,
    replicas: int = 1,
    seed: int = 0,
    *,
    requests: int = 2000,
    routing: Routing = "least_loaded",
    autoscaling: Autoscaling | None = None,
    warmup_share: float = 0.0,
    step_by_step: bool = False,
) -> SimulationResult:
    """Serve `requests` requests of `traffic` on `replicas` replicas (the initial number, with `autoscaling`).

    Deterministic for a seed. The first `warmup_share` of the requests is simulated and left out of the percentiles.
    `step_by_step` runs the scheduler itself instead of jumping between events: same result, for checking.
    Raises BadInput for a number of replicas or requests below 1, or a rate or length that is not positive.
    """
    if replicas < 1:
        raise BadInput("at least one replica must be simulated", field="replicas")
    workload = traffic.sample(requests, seed)
    log = Log(workload.prompt_tokens.tolist(), workload.output_tokens.tolist(), workload.reused_tokens.tolist())
    fleet = Fleet(step_cost, limits, log, routing=routing, autoscaling=autoscaling, fast=not step_by_step)
    fleet.run(workload, replicas)
    return _summary(
        workload, log, fleet, limits, request_ms=step_cost.request_ms, warmup=int(len(workload) * warmup_share)
    )


def _summary(
    workload: Workload, log: Log, fleet: Fleet, limits: Limits, *, request_ms: float, warmup: int
) -> SimulationResult:
    arrival = workload.arrival_ms
    finished = np.array(log.finished_ms)
    completed = ~np.isnan(finished)
    end_ms = float(np.nanmax(finished)) if completed.any() else float(arrival[-1])
    duration_s = max(end_ms, float(arrival[-1]), 1e-9) / 1000
    counted = completed & (np.arange(len(workload)) >= warmup)
    first, output = np.array(log.first_token_ms)[counted], workload.output_tokens[counted].astype(np.float64)
    ttft = first - arrival[counted] + request_ms
    e2e = finished[counted] - arrival[counted] + request_ms
    decoded = output > 1
    tpot = np.where(decoded, (finished[counted] - first) / np.maximum(output - 1, 1), 0.0)
    queue = np.array(log.scheduled_ms)[counted] - arrival[counted]
    lives_ms = [min(member.gone_ms, end_ms) - member.asked_ms for member in fleet.members]
    replica_ms = max(sum(lives_ms), 1e-9)
    members = fleet.members
    waited_ms = float(np.nansum(np.array(log.scheduled_ms) - arrival))
    return SimulationResult(
        requests=len(workload),
        completed=int(completed.sum()),
        rejected=len(fleet.rejected),
        duration_s=duration_s,
        request_rate_rps=(len(workload) - 1) / max(float(arrival[-1] - arrival[0]), 1e-9) * 1000,
        requests_per_s=float(completed.sum()) / duration_s,
        output_tok_s=float(workload.output_tokens[completed].sum()) / duration_s,
        ttft_ms=percentiles(ttft),
        tpot_ms=percentiles(tpot[decoded]),
        e2e_ms=percentiles(e2e),
        queue_ms=percentiles(queue),
        utilization=sum(member.replica.busy_ms for member in members) / replica_ms,
        running_mean=sum(member.replica.running_ms for member in members) / replica_ms,
        waiting_mean=waited_ms / (duration_s * 1000),
        kv_usage_peak=max(1 - member.replica.least_free_blocks / limits.kv_blocks for member in members),
        preemptions=log.preemptions,
        replicas_mean=replica_ms / (duration_s * 1000),
        replicas_peak=_most_at_once(fleet),
        replica_hours=replica_ms / 3_600_000,
        samples={
            "ttft_ms": ttft,
            "tpot_ms": tpot,
            "e2e_ms": e2e,
            "perceived_ms": perceived_ms(ttft, tpot, output),
            "queue_ms": queue,
            "output_tokens": output,
            "part": workload.part[counted].astype(np.float64),
        },
    )


def _most_at_once(fleet: Fleet) -> int:
    """The largest number of replicas that existed together."""
    changes = sorted([(member.asked_ms, 1) for member in fleet.members] + [(m.gone_ms, -1) for m in fleet.members])
    alive = np.cumsum([change for _, change in changes])
    return int(alive.max())
