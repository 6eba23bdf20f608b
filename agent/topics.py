"""What may be asked: open fields, each with the answers that are plausible for this plan and the default until then."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.intent import Intent
from tools.planner import Plan

LOAD = (
    "expected_qps", "peak_qps", "requests_per_day", "tokens_per_day", "concurrent_users", "total_users",
    "target_throughput_rps", "usage",
)  # fmt: skip
TARGETS = ("target_ttft_p90_ms", "target_tpot_p90_ms", "target_e2e_latency_p90_ms")
HARDWARE = ("deployment_model", "available_gpus", "gpu_types", "max_gpus", "clouds", "billing", "tensor_parallel")

LEAST_BILL_USD = 20.0
"""A month that costs less needs no budget."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing to ask: the answers to try beside the default, the default in words, and quick answers.

    `doubt` is the chance that the default is not what the person means: a load that nobody stated is a placeholder,
    while many who name no latency mean what is usual. A judgement, not a measurement.
    """

    field: str
    question: str
    answers: tuple[Values, ...]
    default: str
    suggestions: tuple[str, ...]
    doubt: float


def open_topics(intent: Intent, plan: Plan, asked: tuple[str, ...]) -> list[Topic]:
    """Topics that were neither said nor asked, the usually weightiest first."""
    found = [_load(intent, plan), _task(intent), _budget(intent, plan), _running(intent, plan)]
    found += [_quality(intent), _latency(intent, plan)]
    return [topic for topic in found if topic is not None and topic.field not in asked]


def _load(intent: Intent, plan: Plan) -> Topic | None:
    if _any_said(intent, LOAD):
        return None
    return Topic(
        "total_users",
        "How many people will use it, or how many requests come per second?",
        ({"total_users": 100}, {"expected_qps": 10}),
        f"{plan.traffic.qps:.3g} requests per second",
        ("100 users", "1,000 users", "10 requests per second"),
        doubt=1.0,
    )


def _task(intent: Intent) -> Topic | None:
    if intent.task_type is not None:
        return None
    return Topic(
        "task_type",
        "What is it for?",
        ({"task_type": "document_qa"},),
        "a chatbot",
        ("a chatbot", "questions about documents", "code completion", "summaries"),
        doubt=0.9,
    )


def _budget(intent: Intent, plan: Plan) -> Topic | None:
    best = plan.best("balanced")
    if intent.budget is not None or best is None or (best.cost.monthly_usd or 0.0) < LEAST_BILL_USD:
        return None
    bill = best.cost.monthly_usd or 0.0
    tight = _rounded(bill / 2)
    return Topic(
        "budget",
        "Is there a budget?",
        ({"budget.max_monthly_cost_usd": tight},),
        "no limit",
        (f"under ${tight:,.0f} a month", f"under ${_rounded(bill * 2):,.0f} a month", "no limit"),
        doubt=0.5,
    )


def _running(intent: Intent, plan: Plan) -> Topic | None:
    best = plan.best("balanced")
    if _any_said(intent, HARDWARE) or best is None:
        return None
    other = "cloud_rental" if best.kind == "api" else "api"
    return Topic(
        "deployment_model",
        "Where may it run: rented GPUs, an API, or hardware of your own?",
        ({"deployment_model": other},),
        "rented GPUs and APIs are compared",
        ("rented GPUs", "through an API", "our own 4 H100s"),
        doubt=0.3,
    )


def _quality(intent: Intent) -> Topic | None:
    if intent.quality_threshold is not None or intent.preferred_models or intent.priority == "accuracy":
        return None
    return Topic(
        "quality_threshold",
        "How good must the answers be?",
        ({"quality_threshold": "very_high"},),
        "what this task usually needs",
        ("standard quality", "high quality", "very high quality"),
        doubt=0.3,
    )


def _latency(intent: Intent, plan: Plan) -> Topic | None:
    applied = plan.traffic.targets.ttft_ms
    if _any_said(intent, TARGETS) or not applied:
        return None
    fast, slow = _rounded(applied / 2), _rounded(applied * 2)
    return Topic(
        "target_ttft_p90_ms",
        "How soon must an answer begin?",
        ({"target_ttft_p90_ms": fast},),
        f"within {applied:,.0f} ms",
        (f"first token within {fast:,.0f} ms", f"first token within {slow:,.0f} ms"),
        doubt=0.3,
    )


def _any_said(intent: Intent, fields: tuple[str, ...]) -> bool:
    return any(getattr(intent, name) is not None for name in fields)


def _rounded(value: float) -> float:
    """Two significant digits, and a dollar or millisecond at least."""
    return max(1.0, float(f"{value:.2g}"))
