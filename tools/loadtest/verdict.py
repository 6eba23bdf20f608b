"""Judging measurements against objectives."""

from collections.abc import Iterable

from tools.loadtest.percentiles import Estimate
from tools.loadtest.report import SloResult, Verdict
from tools.loadtest.slo import Slo

MIN_TAIL_SAMPLES = 2
MIN_SAMPLES = 10
DEFAULT_ERROR_RATE_PERCENT = 1.0


def with_default(slos: Iterable[Slo]) -> tuple[Slo, ...]:
    """The objectives and, unless one is among them, the error rate that no service may exceed."""
    given = tuple(slos)
    if any(slo.metric == "error_rate" for slo in given):
        return given
    return (*given, Slo("error_rate", DEFAULT_ERROR_RATE_PERCENT))


def judge_latency(
    slo: Slo, estimate: Estimate | None, count: int, *, predicted: float | None, since_sent_ms: float | None = None
) -> SloResult:
    """A latency objective, from the moment requests were due.

    Too few samples prove nothing. Nor does a missed bound that is met when counted from when requests were really
    sent (`since_sent_ms`, at the same percentile): then it was the load generator that was late.
    """
    percent = slo.percentile or 0
    if estimate is None or count < MIN_SAMPLES or count * (100 - percent) / 100 < MIN_TAIL_SAMPLES:
        found = estimate or Estimate(None, None, None)
        note = f"{count} requests are too few for p{percent}"
        return SloResult(slo.name, slo.bound, found.value, found.low, found.high, predicted, "inconclusive", note)
    verdict: Verdict = "met" if estimate.value is not None and estimate.value <= slo.bound else "not_met"
    note = ""
    if estimate.value is None:
        note = f"more than {100 - percent} % of the requests failed"
    elif verdict == "not_met" and since_sent_ms is not None and since_sent_ms <= slo.bound:
        verdict, note = "inconclusive", f"the load generator was late itself: {since_sent_ms:.4g} ms from when it sent"
    elif (verdict == "met") != (estimate.high is not None and estimate.high <= slo.bound) or (
        verdict == "not_met" and estimate.low is not None and estimate.low <= slo.bound
    ):
        note = "close: the bound lies within the 95 % interval"
    return SloResult(slo.name, slo.bound, estimate.value, estimate.low, estimate.high, predicted, verdict, note)


def judge_error_rate(slo: Slo, failed: int, count: int) -> SloResult:
    """At most `slo.bound` percent of the requests may fail."""
    if count == 0:
        return SloResult(slo.name, slo.bound, None, None, None, None, "inconclusive", "no request was measured")
    measured = 100 * failed / count
    return SloResult(slo.name, slo.bound, measured, None, None, None, "met" if measured <= slo.bound else "not_met")


def judge_throughput(slo: Slo, achieved_rps: float, offered_rps: float) -> SloResult:
    """At least `slo.bound` requests per second must be completed, which only a load of that rate can show."""
    if achieved_rps >= slo.bound:
        return SloResult(slo.name, slo.bound, achieved_rps, None, None, None, "met")
    if offered_rps < slo.bound:
        note = f"only {offered_rps:g} requests/s were sent"
        return SloResult(slo.name, slo.bound, achieved_rps, None, None, None, "inconclusive", note)
    return SloResult(slo.name, slo.bound, achieved_rps, None, None, None, "not_met")


def overall(results: Iterable[SloResult]) -> tuple[Verdict, str]:
    """Met when all are, not met when one is not; the reason names what decided."""
    results = tuple(results)
    missed = [result for result in results if result.verdict == "not_met"]
    if missed:
        return "not_met", "; ".join(_sentence(result) for result in missed)
    unsure = [result for result in results if result.verdict == "inconclusive"]
    if unsure or not results:
        return "inconclusive", "; ".join(f"{result.name}: {result.note}" for result in unsure) or "nothing was measured"
    return "met", f"all {len(results)} objectives met"


def _sentence(result: SloResult) -> str:
    measured = "beyond measure" if result.measured is None else f"{result.measured:.4g}"
    sense = "below" if result.name == "throughput_rps" else "above"
    return f"{result.name} {measured} is {sense} {result.bound:g}" + (f" ({result.note})" if result.note else "")
