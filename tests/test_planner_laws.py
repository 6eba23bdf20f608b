"""Laws of planning, whatever the intent: what may only rise, what may never be offered."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import snapshot
from tools.intent import Intent
from tools.market import Market
from tools.memory import memory_budget
from tools.planner import Plan, plan
from tools.planner.capacity import batch_limit
from tools.planner.case import Case
from tools.planner.field import field
from tools.planner.latency import latency
from tools.planner.planning import search
from tools.planner.profile import profile
from tools.planner.replicas import needed, spares, with_spares
from tools.planner.risk import WEIGHTS, prediction_risk, widths_of
from tools.planner.shortlist import shortlist

FACTS = snapshot.load()
SMALL = {
    "preferred_models": ["meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-30B-A3B", "Qwen/Qwen3-32B"],
    "gpu_types": ["NVIDIA-L4-24GB", "NVIDIA-L40S-48GB", "NVIDIA-H100-80GB-SXM", "AMD-MI300X-192GB"],
}
"""A corner of the market that plans in milliseconds; the laws do not depend on its size."""

TASKS = st.sampled_from(["chatbot", "summarization", "document_qa", "classification", "agentic"])
RATES = st.floats(0.01, 300)
FEW = settings(max_examples=10, deadline=None)


def intent(**fields: object) -> Intent:
    return Intent.model_validate(SMALL | fields)


def cheapest(found: Plan) -> float:
    best = found.best("lowest_cost")
    if best is None or best.cost.monthly_usd is None:
        return float("inf")
    return best.cost.monthly_usd


@FEW
@given(TASKS, RATES, st.floats(1.0, 8.0))
def test_the_lowest_cost_never_falls_when_demand_rises(task: str, qps: float, factor: float) -> None:
    one = plan(intent(task_type=task, expected_qps=qps), FACTS, limit=1)
    more = plan(intent(task_type=task, expected_qps=qps * factor), FACTS, limit=1)
    assert cheapest(more) >= cheapest(one)


@FEW
@given(
    TASKS,
    RATES,
    st.sampled_from(["target_ttft_p90_ms", "target_tpot_p90_ms", "target_e2e_latency_p90_ms"]),
    st.floats(1.0, 4.0),
)
def test_relaxing_a_target_never_raises_the_lowest_cost(task: str, qps: float, field: str, factor: float) -> None:
    base = {"target_ttft_p90_ms": 800.0, "target_tpot_p90_ms": 40.0, "target_e2e_latency_p90_ms": 60_000.0}
    tight = plan(intent(task_type=task, expected_qps=qps, **base), FACTS, limit=1)
    loose = plan(intent(task_type=task, expected_qps=qps, **{**base, field: base[field] * factor}), FACTS, limit=1)
    assert cheapest(loose) <= cheapest(tight)


@FEW
@given(RATES, st.integers(1, 16))
def test_allowing_more_cards_or_billing_never_raises_the_lowest_cost(qps: float, cards: int) -> None:
    some = cheapest(plan(intent(task_type="chatbot", expected_qps=qps, max_gpus=cards), FACTS))
    assert cheapest(plan(intent(task_type="chatbot", expected_qps=qps, max_gpus=cards + 4), FACTS)) <= some
    every = intent(task_type="chatbot", expected_qps=qps, max_gpus=cards, billing=["on_demand", "reserved_3y"])
    assert cheapest(plan(every, FACTS)) <= some


@FEW
@given(TASKS, RATES, st.floats(50, 50_000))
def test_the_budget_is_respected(task: str, qps: float, budget: float) -> None:
    asked = Intent(task_type=task, expected_qps=qps, budget={"max_monthly_cost_usd": budget})  # type: ignore[arg-type]
    for option in plan(asked, FACTS, limit=3).options:
        assert option.cost.monthly_usd is not None
        assert option.cost.monthly_usd <= budget


@FEW
@given(TASKS, RATES)
def test_what_is_offered_starts_meets_its_targets_and_fits_its_cards(task: str, qps: float) -> None:
    found = plan(intent(task_type=task, expected_qps=qps), FACTS, limit=1)
    for option in found.options:
        assert option.configuration is not None
        assert option.predicted is not None
        budget = memory_budget(option.configuration, max_model_len=found.traffic.context_tokens)
        assert budget.fits, budget.reason
        assert all(met is not False for met in option.slo_met.values())
        assert 0 < option.predicted.utilization <= 0.85 + 1e-6
        assert option.gpu_count is not None
        assert option.replicas is not None
        assert option.gpu_count >= option.replicas * option.configuration.gpu_count
        assert option.cost.monthly_usd == round(sum(each.usd for each in option.cost.lines), 2)
        sized = option.sizing
        assert sized is not None
        assert 1 <= sized["average_replicas"] <= sized["peak_replicas"]
        assert sized["peak_replicas"] + sized["spare_replicas"] == option.replicas
        assert sized["spare_replicas"] == option.spare_replicas
        times = option.predicted.ttft_ms
        assert times.p50 <= times.p90 <= times.p99


@FEW
@given(TASKS, RATES)
def test_a_plan_survives_json(task: str, qps: float) -> None:
    found = plan(intent(task_type=task, expected_qps=qps), FACTS).to_json()
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert Intent.model_validate(found["intent"]) == intent(task_type=task, expected_qps=qps)


@pytest.mark.parametrize("task", ["chatbot", "agentic"])
@pytest.mark.parametrize("percentile", [50, 90, 95, 99])
def test_latency_rises_with_the_batch_in_every_configuration(task: str, percentile: int) -> None:
    case = _case(Intent(task_type=task, expected_qps=1.0, slo_percentile=percentile))  # type: ignore[arg-type]
    cards = [FACTS.accelerators[name] for name in SMALL["gpu_types"]]
    found = field(shortlist(case.intent, case.traffic, FACTS, case.ledger), cards, case)
    assert found is not None
    limit = batch_limit(found.grid, found.screen, case.traffic)
    shares = np.geomspace(0.001, 1.0, 24)
    for basis in ("full", "perceived"):
        steps = [latency(found.screen.cost, found.screen.osl, limit * share, found.wide, basis) for share in shares]
        for name in ("ttft_ms", "tpot_ms", "e2e_ms"):
            times = np.stack([getattr(step, name) for step in steps])
            assert (np.diff(times, axis=0) >= -1e-9 * times[:-1]).all(), (basis, name)


def _case(asked: Intent) -> Case:
    return Case(asked, profile(asked, FACTS), FACTS, Market.bundled(FACTS))


def test_predicted_latency_rises_with_the_load_on_the_same_replicas() -> None:
    found = search(_case(intent(task_type="chatbot", expected_qps=1.0)))
    busier = search(_case(intent(task_type="chatbot", expected_qps=1.6)))
    slower: dict[tuple[str, int, int], list[float]] = {}
    for result in (found, busier):
        for block in result.hosted:
            for row, replicas, ttft in zip(block.rows, block.replicas, block.times.ttft_ms, strict=True):
                slower.setdefault((block.kind, int(row), int(replicas)), []).append(float(ttft))
    pairs = [times for times in slower.values() if len(times) == 2]
    assert len(pairs) > 20
    assert all(light <= heavy + 1e-9 for light, heavy in pairs)


@given(st.floats(0.01, 1e4), st.floats(0.01, 100))
def test_more_peak_never_needs_fewer_replicas_and_they_carry_it_with_headroom(peak: float, rps: float) -> None:
    count = needed(peak, np.array([rps, 0.0]))
    assert count[1] == 0
    assert count[0] * rps * 0.85 >= peak * (1 - 1e-9)
    assert needed(peak * 1.5, np.array([rps]))[0] >= count[0]


@given(st.integers(1, 300), st.sampled_from([90.0, 99.0, 99.9, 99.99]), st.sampled_from([0.95, 0.99, 0.995]))
def test_spares_rise_with_replicas_and_reliability(count: int, target: float, availability: float) -> None:
    assert spares(count + 1, target, availability) >= spares(count, target, availability)
    assert spares(count, 99.999, availability) >= spares(count, target, availability)


def test_one_replica_that_must_not_fail_has_a_spare() -> None:
    assert with_spares(np.array([1]), 99.9, "on_demand")[0] == 2
    assert with_spares(np.array([1]), 99.0, "on_demand")[0] == 1
    assert with_spares(np.array([1]), 99.9, "spot")[0] == 3


def test_the_same_intent_gives_the_same_bytes() -> None:
    asked = Intent(task_type="document_qa", total_users=300, clouds=("aws", "azure"))
    first = json.dumps(plan(asked, FACTS, limit=3).to_json())
    again = json.dumps(plan(asked, replace(FACTS), limit=3).to_json())
    assert first == again


@settings(max_examples=5, deadline=None)
@given(TASKS, st.floats(0.01, 30), st.floats(1.0, 8.0))
def test_the_lowest_cost_never_falls_with_demand_in_the_whole_market_either(
    task: str, qps: float, factor: float
) -> None:
    costs = [
        plan(Intent.model_validate({"task_type": task, "expected_qps": rate}), FACTS, limit=1).best("lowest_cost")
        for rate in (qps, qps * factor)
    ]
    assert costs[0] is not None
    assert costs[1] is None or (costs[1].cost.monthly_usd or 0.0) >= (costs[0].cost.monthly_usd or 0.0)


@FEW
@given(st.sampled_from(["chatbot", "document_qa"]), RATES)
def test_risk_is_shown_in_parts_that_add_up_and_follows_the_interval(task: str, qps: float) -> None:
    found = plan(intent(task_type=task, expected_qps=qps), FACTS, limit=3)
    parts = []
    for option in found.options:
        assert option.predicted is not None
        assert option.risk["total"] == pytest.approx(
            sum(weight * option.risk[name] for name, weight in WEIGHTS.items()), abs=2e-4
        )
        assert all(0 <= option.risk[name] <= 1 for name in WEIGHTS)
        wide = widths_of(option.predicted.interval_80)
        parts.append((wide["ttft_ms"] * wide["tpot_ms"], option.risk["prediction"]))
    ordered = [risk for _, risk in sorted(parts)]
    assert (
        ordered == sorted(ordered)
        or max(abs(one - other) for one, other in zip(ordered, sorted(ordered), strict=True)) < 1e-3
    )


@given(st.lists(st.floats(1.01, 5.0), min_size=2, max_size=6))
def test_a_wider_interval_is_never_less_risky(widths: list[float]) -> None:
    risks = [prediction_risk({"ttft_ms": wide, "tpot_ms": wide}) for wide in sorted(widths)]
    assert risks == sorted(risks)
    assert all(0 < each < 1 for each in risks)
