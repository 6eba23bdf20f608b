"""PromQL for one deployment over one window. Each function returns an expression; names are those of vLLM 0.33.

Older servers and scrapers are read too: `vllm_` for `vllm:`, and the names that 0.33 replaced.
"""

from dataclasses import dataclass

_FORMER = {
    "kv_cache_usage_perc": ("gpu_cache_usage_perc",),
    "prefix_cache_hits_total": ("gpu_prefix_cache_hits_total",),
    "prefix_cache_queries_total": ("gpu_prefix_cache_queries_total",),
    "request_time_per_output_token_seconds": ("time_per_output_token_seconds",),
}
GPU_UTILIZATION = "DCGM_FI_DEV_GPU_UTIL"
GPU_MEMORY_MIB = "DCGM_FI_DEV_FB_USED"
TTFT, TPOT, E2E, QUEUE = (
    "time_to_first_token_seconds",
    "request_time_per_output_token_seconds",
    "e2e_request_latency_seconds",
    "request_queue_time_seconds",
)
PROMPTS, ANSWERS = "request_prompt_tokens", "request_generation_tokens"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which series (`labels`, as inside PromQL's braces) and which stretch of time: the last `window_s` seconds."""

    labels: str
    window_s: float

    @property
    def window(self) -> str:
        """The stretch as PromQL writes it."""
        return duration(self.window_s)

    @property
    def samples(self) -> str:
        """A subquery that looks at the window 120 times."""
        return f"[{self.window}:{duration(self.window_s / 120)}]"


def duration(seconds: float) -> str:
    """Seconds as a PromQL duration."""
    return f"{max(round(seconds * 1000), 1)}ms"


def each_name(template: str, name: str, suffix: str = "") -> str:
    """`template` (with `@` for the metric's name) under every name that servers use, the present one first."""
    names = [f"{prefix}{each}{suffix}" for each in (name, *_FORMER.get(name, ())) for prefix in ("vllm:", "vllm_")]
    return " or ".join(template.replace("@", each) for each in names)


def total(name: str, at: Selection, *, extra: str = "", offset: str = "") -> str:
    """How much a counter rose in the window, all replicas together."""
    return each_name(f"sum(increase(@{{{at.labels}{extra}}}[{at.window}]{offset}))", name)


def buckets(name: str, at: Selection) -> str:
    """A histogram's counts below its edges, by `le`, of what came in the window."""
    return each_name(f"sum by (le) (increase(@{{{at.labels}}}[{at.window}]))", name, "_bucket")


def histogram_sum(name: str, at: Selection) -> str:
    """The sum of what a histogram observed in the window."""
    return each_name(f"sum(increase(@{{{at.labels}}}[{at.window}]))", name, "_sum")


def over_time(function: str, across: str, name: str, at: Selection) -> str:
    """`function` (avg, max) over the window of a gauge that is first taken `across` (sum, avg, max) replicas."""
    return each_name(f"{function}_over_time({across}(@{{{at.labels}}}){at.samples})", name)


def idle(at: Selection) -> str:
    """Share of the window in which no replica worked on any request."""
    return each_name(f"avg_over_time((sum(@{{{at.labels}}}) == bool 0){at.samples})", "num_requests_running")


def replicas(at: Selection) -> str:
    """How many replicas reported at any time in the window."""
    return each_name(
        f"count(count by (instance) (last_over_time(@{{{at.labels}}}[{at.window}])))", "num_requests_running"
    )


def up(at: Selection) -> str:
    """Share of scrapes that were answered, all replicas together."""
    answered, asked = (f"{name}_over_time(up{{{at.labels}}}[{at.window}])" for name in ("sum", "count"))
    return each_name(f"sum({answered} {_of_vllm(at)}) / sum({asked} {_of_vllm(at)})", "num_requests_running")


def answering(at: Selection) -> str:
    """How many replicas answered the last scrape."""
    return each_name(f"sum(up{{{at.labels}}} {_of_vllm(at)})", "num_requests_running")


def _of_vllm(at: Selection) -> str:
    """Leaves out scraped targets that are no replicas, such as exporters under the same labels."""
    return f"and on (job, instance) last_over_time(@{{{at.labels}}}[{at.window}])"


def scrapes(at: Selection) -> str:
    """Scrapes of the best-known replica in the window."""
    return each_name(f"max(count_over_time(@{{{at.labels}}}[{at.window}]))", "num_requests_running")


def first_scrape(at: Selection) -> str:
    """Seconds since the first scrape in the window."""
    inner = f"min_over_time(timestamp(@{{{at.labels}}}){at.samples})"
    return each_name(f"time() - min({inner})", "num_requests_running")


def earlier(at: Selection) -> str:
    """How many replicas reported already before the window that precedes this one."""
    back = f"[{at.window}] offset {duration(2 * at.window_s)}"
    return each_name(f"count(last_over_time(@{{{at.labels}}}{back}))", "num_requests_running")


def peak_rate(slice_s: float, at: Selection) -> str:
    """Highest rate of finished requests per second in any slice of the window."""
    inner = f"sum(rate(@{{{at.labels}}}[{duration(slice_s)}]))[{at.window}:{duration(slice_s / 2)}]"
    return each_name(f"max_over_time({inner})", "request_success_total")


def gpu(name: str, labels: str, at: Selection) -> str:
    """The mean of a DCGM gauge over the window and over cards."""
    return f"avg(avg_over_time({name}{{{labels}}}[{at.window}]))"
