"""vLLM 0.33's metrics, by name, label and bucket, in the text format 0.0.4 that every Prometheus reads.

Rendered here rather than by a client library: 0.23 and later of the usual one write `vllm_` for `vllm:` when a scraper
negotiates OpenMetrics. Names and buckets are those of `vllm/v1/metrics/loggers.py` and `buckets.py` of release 0.33.0.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

TTFT_BUCKETS_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0,
                  40.0, 80.0, 160.0, 640.0, 2560.0)  # fmt: skip
TOKEN_BUCKETS_S = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0,
                   80.0)  # fmt: skip
REQUEST_BUCKETS_S = (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0,
                     480.0, 960.0, 1920.0, 7680.0)  # fmt: skip
ITERATION_BUCKETS = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
PREEMPTION_BUCKETS = (1, 2, 3, 4, 5, 10, 20)
CHOICE_BUCKETS = (1, 2, 5, 10, 20)

# What --custom-histogram-buckets may name; the last is of series that are only there with KV-cache sampling.
FAMILIES = (
    "request_latency", "time_to_first_token", "inter_token_latency", "iteration_tokens", "request_params_n",
    "request_num_preemptions", "request_tokens", "kv_cache_residency",
)  # fmt: skip

Labels = tuple[tuple[str, str], ...]


def one_two_five(largest: int) -> tuple[int, ...]:
    """1, 2, 5, 10, 20, 50 … up to `largest`, as vLLM counts tokens."""
    series = (digit * 10**power for power in range(12) for digit in (1, 2, 5))
    return tuple(value for value in series if value <= largest)


@dataclass(slots=True)
class Value:
    """A counter or gauge."""

    value: float = 0.0

    def add(self, amount: float = 1.0) -> None:
        """Count up."""
        self.value += amount


@dataclass(slots=True)
class Histogram:
    """A histogram; `counts` are per bucket, not cumulative, the last one above all bounds."""

    bounds: tuple[float, ...]
    counts: list[int]
    total: float = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count `value`, `times` times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


@dataclass(slots=True)
class Family:
    """One metric name with its series by labels."""

    name: str
    kind: str
    help: str
    series: dict[Labels, Value | Histogram] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """The family in exposition format."""
        name = f"{self.name}_total" if self.kind == "counter" else self.name
        yield f"# HELP {name} {self.help}"
        yield f"# TYPE {name} {self.kind}"
        for labels, series in self.series.items():
            if isinstance(series, Value):
                yield f"{name}{_labels(labels)} {_number(series.value)}"
                continue
            below = 0
            for bound, count in zip((*series.bounds, float("inf")), series.counts, strict=True):
                below += count
                yield f"{name}_bucket{_labels((*labels, ('le', _number(bound))))} {below}"
            yield f"{name}_sum{_labels(labels)} {_number(series.total)}"
            yield f"{name}_count{_labels(labels)} {below}"


S = TypeVar("S", Value, Histogram)


class Metrics:
    """Every series that a vLLM server of one engine exports, at zero until something happens."""

    def __init__(
        self, model_name: str, *, max_model_len: int, buckets: Mapping[str, tuple[float, ...]] | None = None
    ) -> None:
        self._families: dict[str, Family] = {}
        self._base: Labels = (("model_name", model_name), ("engine", "0"))
        own = buckets or {}
        tokens = own.get("request_tokens", one_two_five(max_model_len))
        gauge, counter, histogram = self._gauge, self._counter, self._histogram

        self.running = gauge("num_requests_running", "Number of requests in model execution batches.")
        self.waiting = gauge("num_requests_waiting", "Number of requests waiting to be processed.")
        by_reason = ("num_requests_waiting_by_reason", "Number of waiting requests by reason.")
        self.waiting_capacity = gauge(*by_reason, reason="capacity")
        gauge(*by_reason, reason="deferred")
        self.kv_usage = gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.")
        self._sleep = {
            state: gauge("engine_sleep_state", "Engine sleep state.", sleep_state=state)
            for state in ("awake", "weights_offloaded", "discard_all")
        }
        self.show_sleep(None)
        for stage in ("pending", "fetching"):
            gauge("num_requests_kv_fetch_by_stage", "Number of requests fetching KV by stage.", stage=stage)

        self.prompt_tokens = counter("prompt_tokens", "Number of prefill tokens processed.")
        by_source = ("prompt_tokens_by_source", "Number of prompt tokens by source.")
        self.prompt_computed = counter(*by_source, source="local_compute")
        self.prompt_cache_hits = counter(*by_source, source="local_cache_hit")
        counter(*by_source, source="external_kv_transfer")
        self.prompt_cached = counter("prompt_tokens_cached", "Number of cached prompt tokens (local + external).")
        cached_by_source = ("prompt_tokens_cached_by_source", "Number of cached prompt tokens by source.")
        self.prompt_cached_local = counter(*cached_by_source, source="local_cache_hit")
        counter(*cached_by_source, source="external_kv_transfer")
        self.generation_tokens = counter("generation_tokens", "Number of generation tokens processed.")
        self.success = {
            reason: counter("request_success", "Count of successfully processed requests.", finished_reason=reason)
            for reason in ("stop", "length", "abort", "error", "repetition")
        }
        self.rejections = {
            reason: self._add("admission_rejections", "counter", "Requests refused at admission.", self._base[:1],
                              Value(), reason=reason)
            for reason in ("max_num_queued_reqs", "max_num_queued_tokens")
        }  # fmt: skip
        self.preemptions = counter("num_preemptions", "Cumulative number of preemptions from the engine.")
        self.prefix_queries = counter("prefix_cache_queries", "Prefix cache queries, in terms of queried tokens.")
        self.prefix_hits = counter("prefix_cache_hits", "Prefix cache hits, in terms of cached tokens.")
        for name in ("external_prefix_cache", "mm_cache"):
            counter(f"{name}_queries", f"{name} queries.")
            counter(f"{name}_hits", f"{name} hits.")
        counter("corrupted_requests", "Number of requests with NaNs in logits.")
        for status in ("accepted", "rejected"):
            counter("watermark_requests", "Requests by KV watermark decision.", status=status)
        for name in ("num_drafts", "num_draft_tokens", "num_accepted_tokens"):
            counter(f"spec_decode_{name}", f"Speculative decoding: {name}.")
        counter("spec_decode_num_accepted_tokens_per_pos", "Accepted tokens per position.", position="0")

        self._add_times(own)
        self.request_prompt = histogram("request_prompt_tokens", "Number of prefill tokens processed.", tokens)
        self.request_generation = histogram("request_generation_tokens", "Number of generation tokens.", tokens)
        self.max_generation = histogram(
            "request_max_num_generation_tokens", "Maximum number of requested generation tokens.", tokens
        )
        self.params_n = histogram(
            "request_params_n", "The n request parameter.", own.get("request_params_n", CHOICE_BUCKETS)
        )
        self.params_max_tokens = histogram("request_params_max_tokens", "The max_tokens request parameter.", tokens)
        self.request_preemptions = histogram(
            "request_num_preemptions",
            "Number of preemptions per request.",
            own.get("request_num_preemptions", PREEMPTION_BUCKETS),
        )
        self.prefill_computed = histogram(
            "request_prefill_kv_computed_tokens", "New KV tokens computed during prefill.", tokens
        )
        self.iteration_tokens = histogram(
            "iteration_tokens_total",
            "Number of tokens per engine_step.",
            own.get("iteration_tokens", ITERATION_BUCKETS),
        )

    def information(self, name: str, text: str, labels: dict[str, str], *, prefix: str = "vllm:") -> Value:
        """A gauge that is always 1 and says something in its labels."""
        return self._info(prefix + name, text, tuple(labels.items()), 1.0)

    def show_sleep(self, level: int | None) -> None:
        """The engine sleeps at `level` (0 only stops scheduling), or is awake."""
        shown = {None: "awake", 1: "weights_offloaded", 2: "discard_all"}.get(level)
        for state, gauge in self._sleep.items():
            gauge.value = float(state == shown)

    def lora_information(self, most: int, running: Iterable[str], waiting: Iterable[str], now_s: float) -> None:
        """vLLM's adapter gauge: names in its labels, a time as its value. Only the latest series is kept."""
        labels = (
            ("max_lora", str(most)),
            ("waiting_lora_adapters", ",".join(waiting)),
            ("running_lora_adapters", ",".join(running)),
        )
        self._families.pop("vllm:lora_requests_info", None)
        self._info("vllm:lora_requests_info", "Running stats on lora requests.", labels, now_s)

    def text(self) -> str:
        """All series in the text exposition format 0.0.4."""
        return "\n".join(line for family in self._families.values() for line in family.lines()) + "\n"

    def _add_times(self, own: Mapping[str, tuple[float, ...]]) -> None:
        histogram = self._histogram
        first_s = own.get("time_to_first_token", TTFT_BUCKETS_S)
        token_s = own.get("inter_token_latency", TOKEN_BUCKETS_S)
        request_s = own.get("request_latency", REQUEST_BUCKETS_S)
        self.ttft = histogram("time_to_first_token_seconds", "Time to first token in seconds.", first_s)
        self.itl = histogram("inter_token_latency_seconds", "Inter-token latency in seconds.", token_s)
        self.tpot = histogram("request_time_per_output_token_seconds", "Time per output token per request.", token_s)
        self.e2e = histogram("e2e_request_latency_seconds", "E2E request latency in seconds.", request_s)
        self.queue = histogram("request_queue_time_seconds", "Time spent in WAITING phase.", request_s)
        self.inference = histogram("request_inference_time_seconds", "Time spent in RUNNING phase.", request_s)
        self.prefill = histogram("request_prefill_time_seconds", "Time spent in PREFILL phase.", request_s)
        self.decode = histogram("request_decode_time_seconds", "Time spent in DECODE phase.", request_s)

    def _info(self, name: str, text: str, labels: Labels, value: float) -> Value:
        family = self._families.setdefault(name, Family(name, "gauge", text))
        series = Value(value)
        family.series[labels] = series
        return series

    def _gauge(self, name: str, text: str, **labels: str) -> Value:
        return self._add(name, "gauge", text, self._base, Value(), **labels)

    def _counter(self, name: str, text: str, **labels: str) -> Value:
        return self._add(name, "counter", text, self._base, Value(), **labels)

    def _histogram(self, name: str, text: str, bounds: Iterable[float]) -> Histogram:
        fixed = tuple(float(bound) for bound in bounds)
        return self._add(name, "histogram", text, self._base, Histogram(fixed, [0] * (len(fixed) + 1)))

    def _add(self, name: str, kind: str, text: str, base: Labels, series: S, **labels: str) -> S:
        family = self._families.setdefault(f"vllm:{name}", Family(f"vllm:{name}", kind, text))
        family.series[(*base, *labels.items())] = series
        return series


def _labels(labels: Labels) -> str:
    escaped = ((name, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")) for name, value in labels)
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return repr(float(value))
