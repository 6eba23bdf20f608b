"""Where an endpoint stops keeping up: the highest rate that it sustains within the objectives."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from tools.loadtest.plan import MAX_RATE_RPS, LoadPlan
from tools.loadtest.report import LoadReport

SUSTAINED_SHARE = 0.9
_HALVINGS = 4
_DOUBLINGS = 10

Measure = Callable[[LoadPlan], Awaitable[LoadReport]]


@dataclass(frozen=True, slots=True)
class Step:
    """One rate that was tried."""

    request_rate_rps: float
    achieved_rps: float
    output_tok_s: float
    sustained: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Saturation:
    """All tries in order; `highest_rps` is 0 when not even the first rate was sustained.

    `bounded` is True when the endpoint was not brought to its limit: the search ended at a limit of its own.
    """

    highest_rps: float
    bounded: bool
    steps: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


async def saturation(plan: LoadPlan, measure: Measure) -> Saturation:
    """Double the rate of `plan` until it is no longer sustained, then halve the doubt; each try lasts as planned."""
    steps: list[Step] = []
    answer_s: list[float] = []

    async def sustained(rate_rps: float) -> bool:
        report = await measure(replace(plan, request_rate_rps=rate_rps, sweep=()))
        answer_s.append(_median_answer_s(report))
        steps.append(_step(rate_rps, report, answer_s[0]))
        return steps[-1].sustained

    limit_rps = MAX_RATE_RPS / plan.time_factor
    low, high = 0.0, min(plan.request_rate_rps, limit_rps)
    for _ in range(_DOUBLINGS):
        if not await sustained(high):
            break
        low = high
        if high >= limit_rps:
            return Saturation(low, True, tuple(steps))
        high = min(2 * high, limit_rps)
    else:
        return Saturation(low, True, tuple(steps))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if await sustained(middle):
            low = middle
        else:
            high = middle
    return Saturation(low, False, tuple(steps))


def _step(rate_rps: float, report: LoadReport, answer_s: float) -> Step:
    """Sustained: no objective missed, and what was sent was completed but for what is always under way.

    `answer_s` is how long an answer takes at the lowest rate: that many seconds of load may be open at the end.
    """
    missed = [slo for slo in report.slos if slo.verdict == "not_met"]
    reason = report.reason if missed or not report.completed else ""
    window_s = report.duration_s - report.warmup_s
    due = SUSTAINED_SHARE * (report.requests - 2 * rate_rps * answer_s)
    if not reason and report.achieved_rps * window_s < due:
        reason = f"only {report.achieved_rps:.3g} of {rate_rps:.3g} requests/s were completed in time"
    return Step(rate_rps, report.achieved_rps, report.output_tok_s, not reason, reason)


def _median_answer_s(report: LoadReport) -> float:
    e2e = report.metrics.get("e2e")
    return (e2e.p50.value or 0.0) / 1000 if e2e else 0.0
