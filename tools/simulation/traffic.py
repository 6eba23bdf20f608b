"""Requests to simulate: when they come and how long they are, drawn from a stated distribution or read from a trace."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from knowledge.errors import BadInput
from knowledge.facts import Lengths

Arrivals = Literal["poisson", "bursty", "steady", "diurnal", "trace"]

_NORMAL_P90, _NORMAL_P99 = 1.2816, 2.3263
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """One recorded request: seconds after the first one, and its lengths in tokens."""

    at_s: float
    prompt_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Part:
    """One class of a mix: its share of the requests, its lengths, and the share of its prompts that the cache holds."""

    share: float
    isl: Lengths
    osl: Lengths
    reused_share: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """Requests in order of arrival; arrays of one length. `reused_tokens` are prompt tokens found in the cache,
    `part` the position of each request's class in the mix (0 without one).
    """

    arrival_ms: npt.NDArray[np.float64]
    prompt_tokens: npt.NDArray[np.int64]
    output_tokens: npt.NDArray[np.int64]
    reused_tokens: npt.NDArray[np.int64]
    part: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.arrival_ms)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Load on a deployment.

    `rate_rps` is the mean rate. `bursty` draws gamma intervals of coefficient of variation `cv`; `diurnal` is a Poisson
    process whose rate follows the day with `peak_to_average`; `trace` replays `trace`, rescaled to `rate_rps` where
    that is above 0. `reused_share` is the share of each prompt that the prefix cache holds. With a `mix` every request
    belongs to one of its parts at random, and lengths and reuse are the part's.
    """

    rate_rps: float
    isl: Lengths
    osl: Lengths
    arrivals: Arrivals = "poisson"
    cv: float = 1.0
    peak_to_average: float = 2.0
    period_s: float = _DAY_S
    reused_share: float = 0.0
    trace: tuple[TraceRequest, ...] = ()
    mix: tuple[Part, ...] = ()

    def sample(self, requests: int, seed: int) -> Workload:
        """Draw `requests` requests; equal seeds give equal lengths and the same pattern of arrivals at every rate."""
        if requests < 1:
            raise BadInput("at least one request must be simulated", field="requests")
        if self.arrivals == "trace":
            return self._replayed(requests)
        if not (math.isfinite(self.rate_rps) and self.rate_rps > 0):
            raise BadInput(f"the request rate must be above 0, not {self.rate_rps}", field="rate_rps")
        lengths, times = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
        if self.mix:
            return self._mixed(requests, self._arrival_s(requests, times), np.random.default_rng([seed, 3]))
        prompts = sample_lengths(self.isl, requests, lengths)
        outputs = sample_lengths(self.osl, requests, lengths)
        return self._workload(self._arrival_s(requests, times), prompts, outputs)

    def _mixed(self, requests: int, at_s: npt.NDArray[np.float64], rng: np.random.Generator) -> Workload:
        edges = np.cumsum([each.share for each in self.mix])
        part = np.minimum(np.searchsorted(edges / edges[-1], rng.random(requests), side="right"), len(edges) - 1)
        prompts, outputs = np.ones(requests, dtype=np.int64), np.ones(requests, dtype=np.int64)
        for number, each in enumerate(self.mix):
            drawn = sample_lengths(each.isl, requests, rng), sample_lengths(each.osl, requests, rng)
            prompts, outputs = (
                np.where(part == number, own, others) for own, others in zip(drawn, (prompts, outputs), strict=True)
            )
        share = np.array([each.reused_share for each in self.mix])[part]
        reused = np.minimum((prompts * share).astype(np.int64), prompts - 1)
        return Workload(at_s * 1000.0, prompts, outputs, reused, part)

    def _arrival_s(self, requests: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        if self.arrivals == "steady":
            return np.arange(requests) / self.rate_rps
        if self.arrivals == "bursty":
            shape = 1.0 / max(self.cv, 1e-3) ** 2
            return np.cumsum(rng.gamma(shape, 1.0 / shape, requests)) / self.rate_rps
        unit = np.cumsum(rng.exponential(1.0, requests))
        if self.arrivals == "poisson":
            return unit / self.rate_rps
        return _through_the_day(unit, self.rate_rps, self.peak_to_average, self.period_s)

    def _replayed(self, requests: int) -> Workload:
        if not self.trace:
            raise BadInput("the trace holds no request", field="trace")
        rows = self.trace[:requests]
        at_s = np.array([row.at_s for row in rows], dtype=np.float64)
        span_s = float(at_s[-1] - at_s[0])
        if self.rate_rps > 0 and span_s > 0:
            at_s = (at_s - at_s[0]) * (len(rows) - 1) / span_s / self.rate_rps
        prompts = np.array([max(1, row.prompt_tokens) for row in rows], dtype=np.int64)
        outputs = np.array([max(1, row.output_tokens) for row in rows], dtype=np.int64)
        return self._workload(at_s, prompts, outputs)

    def _workload(
        self, at_s: npt.NDArray[np.float64], prompts: npt.NDArray[np.int64], outputs: npt.NDArray[np.int64]
    ) -> Workload:
        reused = np.minimum((prompts * self.reused_share).astype(np.int64), prompts - 1)
        return Workload(at_s * 1000.0, prompts, outputs, reused, np.zeros(len(prompts), dtype=np.int64))


def constant(tokens: int) -> Lengths:
    """A length that never varies."""
    return Lengths(mean=tokens, p50=tokens, p90=tokens, p99=tokens)


def lognormal(lengths: Lengths) -> tuple[float, float]:
    """`(mu, sigma)` of the log-normal distribution nearest to the given percentiles that has exactly their mean.

    Sigma is the least-squares slope of the log-percentiles over the normal ones, through the median.
    """
    if min(lengths.mean, lengths.p50) <= 0:
        raise BadInput("lengths must be above 0 tokens", field="lengths")
    at_p90 = math.log(max(lengths.p90, lengths.p50) / lengths.p50)
    at_p99 = math.log(max(lengths.p99, lengths.p50) / lengths.p50)
    sigma = (_NORMAL_P90 * at_p90 + _NORMAL_P99 * at_p99) / (_NORMAL_P90**2 + _NORMAL_P99**2)
    return math.log(lengths.mean) - sigma**2 / 2, sigma


def sample_lengths(lengths: Lengths, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """`count` token counts, at least 1 each; their mean is the stated one in expectation."""
    mu, sigma = lognormal(lengths)
    drawn = rng.standard_normal(count)  # drawn even without spread, so that later draws do not depend on it
    return np.maximum(1, np.rint(np.exp(mu + sigma * drawn))).astype(np.int64)


def _through_the_day(
    unit: npt.NDArray[np.float64], rate_rps: float, peak_to_average: float, period_s: float
) -> npt.NDArray[np.float64]:
    """Times of a Poisson process whose rate over the day is a von Mises curve, starting at its lowest point."""
    low, high = 0.0, 500.0
    for _ in range(60):  # bisection on the concentration: exp(k) / I0(k) is the peak over the mean
        middle = (low + high) / 2
        ratio = 1.0 / float(np.mean(np.exp(middle * (np.cos(np.linspace(0, 2 * np.pi, 2000)) - 1))))
        low, high = (middle, high) if ratio < peak_to_average else (low, middle)
    grid = np.linspace(0.0, 1.0, 2001)
    density = np.exp(low * (-np.cos(2 * np.pi * grid) - 1))
    cumulative = np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2)))
    cumulative /= cumulative[-1]
    days, within = np.divmod(unit / (rate_rps * period_s), 1.0)
    return (days + np.interp(within, cumulative, grid)) * period_s
