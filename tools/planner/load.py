"""Load from whatever was said about it: users, requests, tokens, rates, a batch window."""

from dataclasses import dataclass

from knowledge.facts import UseCase
from tools.intent import Burstiness, Intent
from tools.planner.traffic import SECONDS_PER_DAY

UNSAID_USERS = 100
"""Users that are assumed, and shown as assumed, when nothing was said about the load."""

PEAK_TO_AVERAGE: dict[Burstiness, float] = {"steady": 1.2, "moderate": 1.5, "high": 3.0, "diurnal": 2.5, "batch": 1.0}
"""Peak over mean where a pattern was said that the template does not have: daily peaks of public traces are 2-3 times
the mean, minute peaks 1.2-1.5 for chat and 4 for code completion (trace statistics in `docs/data-sources.md`)."""


@dataclass(frozen=True, slots=True)
class Load:
    """Mean and peak rate in requests per second, and the sentences that say how they came about."""

    qps: float
    peak_qps: float
    qps_formula: str
    peak_formula: str
    said: str | None  # the field of the intent that the mean rests on, None when users were assumed
    peak_said: str | None


def load(intent: Intent, template: UseCase, *, tokens_per_request: float, active_hours: float) -> Load:
    """Mean and peak rate; the most specific statement wins: rate, requests, tokens, people at once, people in all."""
    burstiness = intent.burstiness_pattern or template.burstiness
    ratio = template.peak_to_average if burstiness == template.burstiness else PEAK_TO_AVERAGE[burstiness]
    if intent.batch_window_hours is not None:
        ratio = 1.0
    mean = _mean(intent, template, tokens_per_request, active_hours)
    if mean is None:
        stated = intent.peak_qps or intent.target_throughput_rps
        if stated is not None:
            field = "peak_qps" if intent.peak_qps else "target_throughput_rps"
            average = stated / ratio
            return Load(average, stated, f"{stated:g}/s peak ÷ {ratio:g}", "as said", field, field)
        assumed = _per_user(UNSAID_USERS, template, template.active_share, "users, assumed since no load was said")
        return Load(assumed[0], assumed[0] * ratio, assumed[1], f"{assumed[0]:.4g}/s × {ratio:g}", None, None)
    (qps, formula), said = mean
    peak, peak_formula, peak_said = qps * ratio, f"{qps:.4g}/s × {ratio:g} peak to average", None
    if intent.peak_qps is not None:
        peak, peak_formula, peak_said = max(intent.peak_qps, qps), "as said", "peak_qps"
    if intent.target_throughput_rps is not None and intent.target_throughput_rps > peak:
        peak, peak_formula, peak_said = intent.target_throughput_rps, "as said", "target_throughput_rps"
    return Load(qps, peak, formula, peak_formula, said, peak_said)


def _mean(
    intent: Intent, template: UseCase, tokens_per_request: float, active_hours: float
) -> tuple[tuple[float, str], str] | None:
    seconds = SECONDS_PER_DAY * active_hours / 24
    window = "" if active_hours == 24 else f" within {active_hours:g} h a day"
    if intent.expected_qps is not None:
        return (intent.expected_qps, "as said"), "expected_qps"
    if intent.requests_per_day is not None:
        formula = f"{intent.requests_per_day:g} requests a day{window}"
        return (intent.requests_per_day / seconds, formula), "requests_per_day"
    if intent.tokens_per_day is not None:
        formula = f"{intent.tokens_per_day:g} tokens a day ÷ {tokens_per_request:g} a request{window}"
        return (intent.tokens_per_day / tokens_per_request / seconds, formula), "tokens_per_day"
    if intent.concurrent_users is not None:
        return _per_user(intent.concurrent_users, template, 1.0, "users at a time"), "concurrent_users"
    if intent.total_users is not None:
        return _per_user(intent.total_users, template, template.active_share, "users"), "total_users"
    return None


def _per_user(users: int, template: UseCase, active_share: float, noun: str) -> tuple[float, str]:
    rpm = template.requests_per_active_user_per_minute
    active = "" if active_share == 1.0 else f" × {active_share:g} active"
    return users * active_share * rpm / 60, f"{users} {noun}{active} × {rpm:g} requests a minute ÷ 60"
