"""Reading a deployment's figures from Prometheus: one set of queries at one instant."""

from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.errors import BadInput, Unavailable
from knowledge.records import Clock, Deployment, stamp, utc_now
from tools.deploy.buckets import bound_s
from tools.deploy.specification import DeploymentSpec, Objective, read_specification
from tools.observe import queries
from tools.observe.alerts import METRICS
from tools.observe.costing import costs
from tools.observe.distribution import Distribution, distribution
from tools.observe.observation import Compared, Compliance, Engine, Observation, Times, Traffic
from tools.observe.prometheus import Metrics
from tools.observe.queries import Selection

LEAST_WINDOW_S, LONGEST_WINDOW_S = 5.0, 90 * 86_400.0
_SLICES = 12
"""The peak is the highest rate in a twelfth of the window, or in four scrapes where that is longer."""
_MS = 1000.0
_BYTES_PER_MIB, _BYTES_PER_GIB = 2**20, 2**30


def observe(
    deployment: Deployment,
    metrics: Metrics,
    *,
    window_s: float,
    labels: str = "",
    gpu_labels: str = "",
    source: str = "",
    clock: Clock = utc_now,
) -> Observation:
    """Everything about the last `window_s` seconds; `labels` selects the series (default: `deployment="<id>"`).

    Raises Unavailable when Prometheus does not answer or knows no series of this deployment: then there is nothing
    to say.
    """
    if not LEAST_WINDOW_S <= window_s <= LONGEST_WINDOW_S:
        raise BadInput(f"a window of {window_s:g} s is not between 5 s and 90 days", field="window")
    labels = labels or own_labels(deployment)
    reader = _Reader(metrics, Selection(labels, window_s), deployment.time_factor)
    count = reader.number(queries.replicas(reader.at))
    if not count:
        raise Unavailable(
            f"Prometheus has no vLLM series with {labels} in the last {window_s:g} s",
            f"let it scrape the deployment: `sextant monitoring {deployment.deployment_id}` writes the configuration",
        )
    spec = read_specification(deployment.spec)
    covered_s = min(reader.number(queries.first_scrape(reader.at)) or window_s, window_s)
    found = {metric: reader.histogram(name) for metric, name in METRICS.items()}
    traffic = _traffic(reader, covered_s)
    engine = _engine(reader, int(count), gpu_labels or labels)
    return Observation(
        deployment_id=deployment.deployment_id,
        source=source,
        at=stamp(clock()),
        window_s=window_s,
        covered_s=covered_s,
        time_factor=deployment.time_factor,
        slos=tuple(_compliance(each, found.get(each.metric), deployment.time_factor) for each in spec.objectives),
        times={metric: _times(each, deployment.time_factor) for metric, each in found.items()},
        traffic=traffic,
        engine=engine,
        costs=costs(spec, traffic, engine, tokens_before_s=_tokens_before(reader, covered_s)),
        forecast=_forecast(spec, traffic, engine),
    )


def own_labels(deployment: Deployment) -> str:
    """The label that `sextant monitoring` has Prometheus put on every series of a deployment."""
    return f'deployment="{deployment.deployment_id}"'


@dataclass(frozen=True, slots=True)
class _Reader:
    """Asks about one selection; knows how much faster than real the deployment's clock runs."""

    metrics: Metrics
    at: Selection
    factor: float

    def number(self, expression: str) -> float | None:
        samples = self.metrics.query(expression)
        return samples[0].value if samples else None

    def total(self, name: str, extra: str = "") -> float | None:
        return self.number(queries.total(name, self.at, extra=extra))

    def histogram(self, name: str) -> Distribution:
        samples = self.metrics.query(queries.buckets(name, self.at))
        total = self.number(queries.histogram_sum(name, self.at)) or 0.0
        return distribution(((float(each.labels["le"]), each.value) for each in samples), total)


def _compliance(objective: Objective, found: Distribution | None, factor: float) -> Compliance:
    name, bound_ms = f"{objective.metric}_p{objective.percentile}_ms", objective.bound_ms
    if found is None or found.count <= 0:
        why = "not exported by servers" if found is None else "no finished requests"
        return Compliance(name, bound_ms, None, None, None, None, "unknown", why)
    share = objective.percentile / 100
    measured, (low, high) = found.quantile(share), found.bucket(share)
    bound = bound_s(bound_ms, factor)
    within = found.share_within(bound)
    met = within is not None and within >= share
    edges_ms = (_scaled(low, factor * _MS), _scaled(high, factor * _MS))
    split = low is not None and low < bound < (high or bound)
    return Compliance(
        slo=name,
        bound_ms=bound_ms,
        measured_ms=_scaled(measured, factor * _MS),
        lower_ms=edges_ms[0],
        upper_ms=edges_ms[1],
        share_within=within,
        verdict="met" if met else "not_met",
        note="the bound lies between the same edges" if split else "",
    )


def _times(found: Distribution, factor: float) -> Times:
    means = (found.mean, found.quantile(0.5), found.quantile(0.9), found.quantile(0.99))
    return Times(*(_scaled(value, factor * _MS) for value in means))


def _traffic(reader: _Reader, covered_s: float) -> Traffic:
    finished, failed = (
        reader.total("request_success_total"),
        reader.total("request_success_total", ',finished_reason="error"'),
    )
    refused = reader.total("admission_rejections_total")
    prompts, answers = reader.histogram(queries.PROMPTS), reader.histogram(queries.ANSWERS)
    per_s = 1 / (covered_s * reader.factor)
    every = (finished or 0.0) + (refused or 0.0)
    scrape_s = covered_s / max((reader.number(queries.scrapes(reader.at)) or 1.0) - 1, 1)
    slice_s = min(max(reader.at.window_s / _SLICES, 4 * scrape_s), reader.at.window_s)
    queried, hits = reader.total("prefix_cache_queries_total"), reader.total("prefix_cache_hits_total")
    return Traffic(
        requests=finished,
        request_rate_rps=_scaled(finished, per_s),
        peak_rate_rps=_scaled(reader.number(queries.peak_rate(slice_s, reader.at)), 1 / reader.factor),
        isl_mean=prompts.mean,
        isl_p90=prompts.quantile(0.9),
        osl_mean=answers.mean,
        osl_p90=answers.quantile(0.9),
        prompt_tok_s=_scaled(reader.total("prompt_tokens_total"), per_s),
        output_tok_s=_scaled(reader.total("generation_tokens_total"), per_s),
        error_share=((failed or 0.0) + (refused or 0.0)) / every if finished is not None and every > 0 else None,
        refused=refused,
        prefix_hit_share=hits / queried if hits is not None and queried else None,
    )


def _engine(reader: _Reader, replicas: int, gpu_labels: str) -> Engine:
    at, number = reader.at, reader.number
    answering = number(queries.answering(at))
    utilization = number(queries.gpu(queries.GPU_UTILIZATION, gpu_labels, at))
    memory_mib = number(queries.gpu(queries.GPU_MEMORY_MIB, gpu_labels, at))
    return Engine(
        replicas=replicas,
        answering=None if answering is None else int(answering),
        up_share=number(queries.up(at)),
        running_mean=number(queries.over_time("avg", "sum", "num_requests_running", at)),
        running_most=number(queries.over_time("max", "max", "num_requests_running", at)),
        waiting_mean=number(queries.over_time("avg", "sum", "num_requests_waiting", at)),
        waiting_most=number(queries.over_time("max", "sum", "num_requests_waiting", at)),
        queue_ms=_scaled(reader.histogram(queries.QUEUE).mean, reader.factor * _MS),
        kv_mean=number(queries.over_time("avg", "avg", "kv_cache_usage_perc", at)),
        kv_most=number(queries.over_time("max", "max", "kv_cache_usage_perc", at)),
        preemptions=reader.total("num_preemptions_total"),
        idle_share=number(queries.idle(at)),
        gpu_utilization=_scaled(utilization, 0.01),
        gpu_memory_gib=_scaled(memory_mib, _BYTES_PER_MIB / _BYTES_PER_GIB),
    )


def _tokens_before(reader: _Reader, covered_s: float) -> float | None:
    """Tokens per second in the window before this one; None unless it, too, is covered from its beginning."""
    if covered_s < 0.95 * reader.at.window_s:
        return None
    offset = f" offset {reader.at.window}"
    earlier = reader.number(queries.earlier(reader.at))
    read = reader.number(queries.total("prompt_tokens_total", reader.at, offset=offset))
    written = reader.number(queries.total("generation_tokens_total", reader.at, offset=offset))
    if not earlier or read is None or written is None:
        return None
    return (read + written) / (reader.at.window_s * reader.factor)


def _forecast(spec: DeploymentSpec, traffic: Traffic, engine: Engine) -> tuple[Compared, ...]:
    """Traffic as it came beside traffic as planned; rates for as many replicas as were observed."""
    planned, share = spec.traffic, min(engine.replicas / spec.replicas, 1.0)
    prefix: Sequence[Compared] = ()
    if planned.prefix_reuse_share > 0:
        prefix = (Compared("prefix reuse", planned.prefix_reuse_share, traffic.prefix_hit_share, "share of prompt"),)
    return (
        Compared("peak rate", planned.request_rate_rps * share, traffic.peak_rate_rps, "requests/s"),
        Compared("prompt, mean", planned.isl.mean, traffic.isl_mean, "tokens"),
        Compared("prompt, p90", planned.isl.p90, traffic.isl_p90, "tokens"),
        Compared("answer, mean", planned.osl.mean, traffic.osl_mean, "tokens"),
        Compared("answer, p90", planned.osl.p90, traffic.osl_p90, "tokens"),
        *prefix,
    )


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def seconds_of(text: str) -> float:
    """`90s`, `15m`, `1h`, `7d` in seconds. Raises BadInput."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
    number, unit = text[:-1].strip(), text[-1:]
    try:
        return float(number) * units[unit]
    except (KeyError, ValueError) as error:
        raise BadInput(f"{text[:40]!r} is no window", "such as 15m, 1h or 7d", field="window") from error
