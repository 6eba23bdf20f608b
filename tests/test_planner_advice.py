"""Advice beyond the options: priced relaxations, what moves the cost, break-even volume, the day, chances, usage."""

import math
from typing import Any

import pytest

from knowledge import snapshot
from tools.editing import edit
from tools.intent import Intent
from tools.market import Market
from tools.planner import Plan, plan
from tools.planner.advice import advice
from tools.planner.autoscaling import autoscaled, day_shape
from tools.planner.hybrid import break_even
from tools.planner.profile import profile
from tools.planner.uncertainty import chances
from tools.planner.whatif import relaxations, sensitivity

FACTS = snapshot.load()
MARKET = Market.bundled(FACTS)
BASE: dict[str, Any] = {
    "task_type": "chatbot",
    "expected_qps": 20,
    "deployment_model": "cloud_rental",
    "preferred_models": ["meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-32B"],
    "gpu_types": ["NVIDIA-L4-24GB", "NVIDIA-L40S-48GB", "NVIDIA-H100-80GB-SXM"],
}


def planned(**fields: Any) -> Plan:
    return plan(Intent.model_validate(BASE | fields), FACTS, limit=3)


@pytest.fixture(scope="module")
def busy() -> Plan:
    return planned(target_ttft_p90_ms=150)


def test_relaxations_are_priced_and_keep_their_promise(busy: Plan) -> None:
    found = relaxations(busy, FACTS, MARKET)
    assert found
    assert [each.saving_usd for each in found] == sorted((each.saving_usd or 0 for each in found), reverse=True)
    for each in found[:3]:
        again = plan(edit(busy.intent, each.changes), FACTS, limit=1).best("lowest_cost")
        assert again is not None
        assert again.cost.monthly_usd == pytest.approx(each.monthly_usd, abs=0.02)
        assert f"save {each.saving_usd:,.0f} USD a month" in each.text


def test_ways_out_of_an_infeasible_plan_lead_out() -> None:
    stuck = planned(budget={"max_monthly_cost_usd": 300})
    assert not stuck.feasible
    found = relaxations(stuck, FACTS, MARKET)
    assert found
    assert plan(edit(stuck.intent, found[0].changes), FACTS, limit=1).feasible
    doubly = planned(budget={"max_monthly_cost_usd": 300}, max_gpus=1, target_ttft_p90_ms=10)
    (together,) = relaxations(doubly, FACTS, MARKET)
    assert len(together.changes) > 1
    assert plan(edit(doubly.intent, together.changes), FACTS, limit=1).feasible


def test_sensitivity_puts_the_strongest_first_and_more_load_costs_more(busy: Plan) -> None:
    found = sensitivity(busy, FACTS, MARKET)
    moved = [abs(each.saving_usd) for each in found if each.saving_usd is not None]
    assert moved == sorted(moved, reverse=True)
    rows = {each.text: each.saving_usd for each in found}
    assert (rows["twice the load"] or -1) < 0
    assert (rows["half the load"] or 0) >= 0


def test_below_the_break_even_volume_the_api_is_cheaper_and_above_it_machines_are() -> None:
    found = break_even(planned(preferred_models=["meta-llama/Llama-3.1-8B-Instruct"]), FACTS, MARKET)
    assert found is not None
    assert found.requests_per_day is not None
    for volume, cheaper in ((found.requests_per_day * 0.5, "api"), (found.requests_per_day * 4, "rental")):
        fields = {"preferred_models": ["meta-llama/Llama-3.1-8B-Instruct"], "expected_qps": volume / 86_400}
        side = break_even(planned(**fields), FACTS, MARKET)
        assert side is not None
        assert side.cheaper_now == cheaper


def test_a_day_has_its_mean_and_flat_patterns_stay_flat() -> None:
    tide = day_shape(profile(Intent(task_type="chatbot", burstiness_pattern="diurnal", expected_qps=1), FACTS))
    assert sum(tide) / 24 == pytest.approx(1.0)
    assert max(tide) > 1.5
    assert min(tide) < 0.5
    assert set(day_shape(profile(Intent(expected_qps=1, burstiness_pattern="steady"), FACTS))) == {1.0}


def test_following_the_day_never_costs_more_and_keeps_what_the_night_needs() -> None:
    found = planned(expected_qps=60, burstiness_pattern="diurnal")
    option = found.best("lowest_cost")
    assert option is not None
    scaled = autoscaled(option, found.traffic)
    assert scaled is not None
    assert 1 <= scaled.minimum < scaled.maximum <= (option.replicas or 0)
    assert scaled.monthly_usd < scaled.fixed_monthly_usd
    reserved = planned(expected_qps=60, billing=["reserved_3y"]).best("lowest_cost")
    assert reserved is None or autoscaled(reserved, found.traffic) is None


def test_chances_are_the_same_for_the_same_seed_and_better_with_a_looser_target() -> None:
    tight, loose = planned(target_ttft_p90_ms=150), planned(target_ttft_p90_ms=600)
    option = tight.best("balanced")
    assert option is not None
    first, again = chances(option, tight.traffic, seed=1), chances(option, tight.traffic, seed=1)
    easier = chances(option, loose.traffic, seed=1)
    assert first == again
    assert first is not None
    assert easier is not None
    assert 0 < first.together <= min(first.ttft, first.tpot, first.e2e) <= 1
    assert easier.ttft >= first.ttft
    low, high = first.monthly_usd_80
    assert low <= (option.cost.monthly_usd or math.inf) <= high * 1.0001


def test_advice_is_json_with_a_section_for_each_question(busy: Plan) -> None:
    found = advice(busy, FACTS, MARKET)
    assert {"relaxations", "sensitivity", "break_even", "autoscaling", "chances"} == found.keys()
    assert all(chance["text"].startswith("P(TTFT p90 < 150 ms) = ") for chance in found["chances"].values())


def test_other_workloads_are_ranked_by_the_bill_of_their_usage() -> None:
    intent = Intent.model_validate(
        {"workload_type": "speech_to_text", "usage": {"quantity": 2000, "unit": "audio hours", "period": "month"}}
    )
    found = plan(intent, FACTS, limit=5)
    costs = [option.cost.monthly_usd or 0.0 for option in found.options]
    assert found.feasible
    assert costs == sorted(costs)
    assert {option.kind for option in found.options} == {"api"}
    dear = edit(intent, {"budget.max_monthly_cost_usd": 0.01})
    refused = plan(dear, FACTS, limit=5)
    assert not refused.feasible
    assert refused.rejected.counts["budget"] > 0
