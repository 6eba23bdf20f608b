"""From samples to a report: a pure function of what was measured."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from tools.loadtest.chance import chance
from tools.loadtest.percentiles import Distribution, Estimate, distribution, interval, percentile
from tools.loadtest.plan import LoadPlan
from tools.loadtest.preflight import Preflight
from tools.loadtest.report import ErrorCount, LoadReport, SloResult
from tools.loadtest.sample import FIELDS, Sample, latencies
from tools.loadtest.slo import Slo
from tools.loadtest.timeline import timeline
from tools.loadtest.verdict import judge_error_rate, judge_latency, judge_throughput, overall, with_default

_LATE_WARNING_MS = 20.0
_OFF_PREDICTION = 1.3
_OVERHEAD_MS = 5.0
"""What client and network may add to a time, in ms of wall clock, without the prediction being off."""


def summarise(
    samples: Sequence[Sample],
    plan: LoadPlan,
    learned: Preflight,
    *,
    endpoints: Sequence[str],
    started_at: str,
    stopped_early: str = "",
    stopped_by_person: bool = False,
) -> LoadReport:
    """The report of a run. Failed requests count as infinitely slow.

    Requests due during the warm-up are left out, unless the run did not outlast it.
    """
    random = chance("bootstrap", plan.seed)
    warmup_s = plan.warmup_s if any(sample.due_s >= plan.warmup_s for sample in samples) else 0.0
    counted = [sample for sample in samples if sample.due_s >= warmup_s]
    answered = [sample for sample in counted if not sample.error]
    values = {name: latencies(counted, name) for name in FIELDS}
    measured = {name: distribution(numbers, random) for name, numbers in values.items()}
    window_s = _length_s(plan, samples, stopped_early) - warmup_s
    finished = [s for s in samples if not s.error and warmup_s <= s.ended_s < warmup_s + window_s]
    late_ms = sorted(sample.late_ms for sample in counted)
    late_p99_ms = percentile(late_ms, 99) if late_ms else 0.0
    failed = len(counted) - len(answered)
    achieved_rps = len(finished) / window_s
    offered_rps = len(counted) / window_s if plan.pattern == "trace" else plan.mean_rate_rps
    slos = tuple(_judge(slo, counted, plan, random, (achieved_rps, offered_rps)) for slo in with_default(plan.slos))
    verdict, reason = overall(slos)
    if stopped_by_person and verdict == "met":
        verdict, reason = "inconclusive", "stopped before its end; all objectives met until then"
    if learned.problem:
        verdict, reason = "inconclusive", f"no load was sent: {learned.problem}"
    good = sum(_is_good(sample, plan.slos) for sample in answered)
    prompt_counts = [sample.prompt_tokens for sample in answered if sample.prompt_tokens is not None]
    return LoadReport(
        endpoints=tuple(endpoints),
        model=plan.model,
        started_at=started_at,
        verdict=verdict,
        reason=reason,
        slos=slos,
        metrics={name: found for name, found in measured.items() if found is not None},
        predicted=dict(plan.predicted),
        pattern=plan.pattern,
        seed=plan.seed,
        time_factor=plan.time_factor,
        request_rate_rps=offered_rps,
        replicas_planned=plan.replicas_planned,
        replicas_driven=plan.replicas_driven,
        duration_s=window_s + warmup_s,
        warmup_s=warmup_s,
        requests=len(counted),
        completed=len(answered),
        failed=failed,
        errors=_errors(counted, learned),
        error_rate_percent=100 * failed / len(counted) if counted else 0.0,
        uptime_percent=_uptime_percent(counted),
        achieved_rps=achieved_rps,
        goodput_rps=good / window_s,
        output_tok_s=sum(sample.output_tokens for sample in finished) / window_s,
        isl_mean=sum(prompt_counts) / len(prompt_counts) if prompt_counts else None,
        osl_mean=sum(sample.output_tokens for sample in answered) / len(answered) if answered else None,
        late_p99_ms=late_p99_ms,
        warnings=(*_warnings(plan, learned, late_p99_ms, stopped_early), *_off_predictions(plan, measured)),
        timeline=timeline(samples, window_s + warmup_s),
        curves={name: _curve(numbers) for name, numbers in values.items() if numbers},
    )


def _judge(
    slo: Slo, counted: Sequence[Sample], plan: LoadPlan, random: Random, rates: tuple[float, float]
) -> SloResult:
    if slo.metric == "error_rate":
        return judge_error_rate(slo, sum(bool(sample.error) for sample in counted), len(counted))
    if slo.metric == "throughput":
        return judge_throughput(slo, *rates)
    ordered, since_sent = latencies(counted, slo.metric), latencies(counted, slo.metric, since_sent=True)
    predicted = plan.predicted.get(slo.name)
    if not ordered or slo.percentile is None:
        return judge_latency(slo, None, 0, predicted=predicted)
    edges = (percentile(ordered, slo.percentile), *interval(ordered, slo.percentile, random))
    return judge_latency(
        slo,
        Estimate(*(edge if math.isfinite(edge) else None for edge in edges)),
        len(ordered),
        predicted=predicted,
        since_sent_ms=percentile(since_sent, slo.percentile),
    )


def _is_good(sample: Sample, slos: Sequence[Slo]) -> bool:
    latencies = [(getattr(sample, FIELDS[slo.metric]), slo.bound) for slo in slos if slo.metric in FIELDS]
    return all(value is None or value <= bound for value, bound in latencies)


def _length_s(plan: LoadPlan, samples: Sequence[Sample], stopped_early: str) -> float:
    """Length of the run without draining, in model time; a run that ended early was as long as its last request."""
    if not stopped_early or not samples:
        return plan.total_s
    return min(plan.total_s, max(sample.due_s for sample in samples) + 1 / plan.mean_rate_rps)


def _errors(samples: Sequence[Sample], learned: Preflight) -> tuple[ErrorCount, ...]:
    counts = Counter(sample.error for sample in samples if sample.error)
    examples = {sample.error: sample.detail for sample in reversed(samples)}
    if learned.problem:
        counts[learned.error] += 1
        examples[learned.error] = learned.problem
    return tuple(ErrorCount(kind, count, examples[kind]) for kind, count in counts.most_common())


def _uptime_percent(samples: Sequence[Sample]) -> float:
    due = {int(sample.due_s) for sample in samples}
    served = {int(sample.due_s) for sample in samples if not sample.error}
    return 100 * len(served) / len(due) if due else 0.0


def _warnings(plan: LoadPlan, learned: Preflight, late_p99_ms: float, stopped_early: str) -> tuple[str, ...]:
    warnings = []
    if stopped_early:
        warnings.append(f"the run ended early: {stopped_early}")
    if late_p99_ms > _LATE_WARNING_MS * plan.time_factor:
        warnings.append(
            f"the load generator sent 1 % of the requests more than {late_p99_ms:.0f} ms late: lower the load"
        )
    if not learned.problem and not learned.streams:
        warnings.append("the server does not stream: TTFT is the time of the whole answer")
    if not learned.problem and not learned.counts_tokens:
        warnings.append("the server does not count tokens: lengths are words, TPOT is per streamed piece")
    if plan.time_factor != 1:
        warnings.append(
            f"time factor {plan.time_factor:g}: the simulator ran that much faster than the clock; rates and times are "
            f"given in its own time, and each ms that network and client took counts as {plan.time_factor:g} ms"
        )
    if plan.replicas_driven < plan.replicas_planned:
        warnings.append(
            f"{plan.replicas_driven} of {plan.replicas_planned} planned replicas were driven, each at its share"
        )
    return tuple(warnings)


def _off_predictions(plan: LoadPlan, measured: Mapping[str, Distribution | None]) -> Iterator[str]:
    """Means whose whole interval lies far from what was predicted: then the latency model is off, and not by chance."""
    slack_ms = _OVERHEAD_MS * plan.time_factor
    for name, found in measured.items():
        predicted = plan.predicted.get(f"{name}_mean_ms")
        if found is None or not predicted or found.mean.value is None:
            continue
        low, high = found.mean.low or 0.0, found.mean.high or math.inf
        if low > predicted * _OFF_PREDICTION + slack_ms or high < predicted / _OFF_PREDICTION:
            yield (
                f"{name} was predicted as {predicted:.4g} ms on average and is {found.mean.value:.4g} ms: the latency "
                "model is off here, and later plans are corrected (see `sextant outcomes list`)"
            )


def _curve(ordered: Sequence[float]) -> tuple[float | None, ...]:
    points = (percentile(ordered, percent) for percent in range(1, 100))
    return tuple(point if math.isfinite(point) else None for point in points)
