"""Workloads side by side: the bill with and without sharing, who gets what, and what nobody loses by it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import snapshot
from tools.intent import Intent
from tools.market import Market
from tools.memory import memory_budget
from tools.performance import Configuration
from tools.planner import plan
from tools.planner.offers import Offer
from tools.planner.packing import Load, machines_for, packed
from tools.planner.portfolio import Portfolio, portfolio

FACTS = snapshot.load()
MARKET = Market.bundled(FACTS)
RENTED: dict[str, Any] = {
    "deployment_model": "cloud_rental",
    "preferred_models": ["Qwen/Qwen3-32B", "Qwen/Qwen3-30B-A3B", "meta-llama/Llama-3.1-8B-Instruct"],
    "gpu_types": ["NVIDIA-L40S-48GB", "NVIDIA-H100-80GB-SXM", "NVIDIA-L4-24GB"],
}
WORKLOADS: list[dict[str, Any]] = [
    RENTED | {"task_type": "chatbot", "total_users": 500},
    RENTED | {"task_type": "document_qa", "total_users": 50},
    RENTED | {"task_type": "extraction", "requests_per_day": 20_000},
    {"task_type": "classification", "requests_per_day": 20_000, "deployment_model": "api"},
]


def planned(fields: list[dict[str, Any]]) -> Portfolio:
    return portfolio([plan(Intent.model_validate(each), FACTS, limit=3) for each in fields], FACTS, MARKET)


@pytest.fixture(scope="module")
def found() -> Portfolio:
    return planned(WORKLOADS)


def test_sharing_saves_what_it_says_and_the_totals_add_up(found: Portfolio) -> None:
    shared = found.to_json()["portfolio"]["shared"]
    assert shared["lowest_cost"]["groups"]
    for pick, each in shared.items():
        total = found.total_monthly_usd(pick)
        assert total is not None
        saved = sum(group["saving_usd"] for group in each["groups"])
        assert each["total_monthly_usd"] == pytest.approx(total - saved, abs=0.02)
        assert each["saving_usd"] >= 0
        for group in each["groups"]:
            apart = [found.plans[index].best(pick) for index in group["workloads"]]
            assert group["separate_monthly_usd"] == pytest.approx(
                sum(option.cost.monthly_usd or 0 for option in apart if option), abs=0.02
            )
            assert group["monthly_usd"] < group["separate_monthly_usd"]
            assert "instead of" in group["text"]


def test_a_workload_stands_in_one_group_at_most_and_apis_in_none(found: Portfolio) -> None:
    for groups in found.shared.values():
        members = [index for group in groups for index in group.workloads]
        assert len(members) == len(set(members))
        assert 3 not in members


def test_shared_replicas_start_with_the_longest_context_and_are_good_enough_for_all(found: Portfolio) -> None:
    for group in (each for groups in found.shared.values() for each in groups if each.pool is not None):
        pool = group.pool
        assert pool is not None
        each = Configuration(
            FACTS.models[pool.model_id],
            FACTS.accelerators[pool.offer.gpu_type],
            pool.quantization,
            pool.tensor_parallel,
            pool.pipeline_parallel,
        )
        longest = max(found.plans[index].traffic.context_tokens for index in group.workloads)
        assert memory_budget(each, max_model_len=longest).fits
        assert pool.machines * pool.offer.cards >= pool.replicas * pool.cards
        for index in group.workloads:
            assert (pool.model_id, found.plans[index].traffic.task_type) in FACTS.quality


def test_the_same_workloads_share_the_same_way_in_any_order(found: Portfolio) -> None:
    again = planned(WORKLOADS[::-1])
    for pick in ("balanced", "lowest_cost"):
        assert again.shared_total_usd(pick) == pytest.approx(found.shared_total_usd(pick), rel=0.02)
    assert planned(WORKLOADS).to_json()["portfolio"] == found.to_json()["portfolio"]


def test_workloads_that_allow_nothing_in_common_stay_apart() -> None:
    fields = [
        RENTED | {"task_type": "chatbot", "total_users": 200, "clouds": ["aws"]},
        RENTED | {"task_type": "chatbot", "total_users": 200, "clouds": ["gcp"]},
    ]
    assert not any(planned(fields).shared.values())
    bound = [RENTED | {"task_type": "chatbot", "total_users": 200, "max_gpus": 8} for _ in range(2)]
    assert not any(planned(bound).shared.values())


def machine(cards: int, usd: float) -> Offer:
    return Offer("cloud", "region", f"m{cards}", "A100", cards, "on_demand", usd, "official", "", "", False)


def test_replicas_of_two_workloads_fill_one_machine_of_eight() -> None:
    loads = [Load((0,), "A100", "on_demand", False, 3, 1, 3000.0), Load((1,), "A100", "on_demand", False, 1, 4, 3000.0)]
    together = packed(loads, [machine(8, 4.0)], 730.0)
    assert together is not None
    assert together.machines == 1
    assert together.monthly_usd == 2920.0
    assert packed(loads, [machine(8, 9.0)], 730.0) is None
    assert packed(loads, [machine(2, 1.0)], 730.0) is None
    assert packed(loads[:1], [machine(8, 1.0)], 730.0) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from([1, 2, 4, 8])), min_size=1, max_size=4))
def test_powers_of_two_are_packed_without_a_gap(loads: list[tuple[int, int]]) -> None:
    rows = [Load((at,), "A100", "on_demand", False, count, cards, 1.0) for at, (count, cards) in enumerate(loads)]
    total = sum(count * cards for count, cards in loads)
    assert machines_for(rows, 8) == -(-total // 8)
    assert machines_for(rows, 4) is None or max(cards for _, cards in loads) <= 4
