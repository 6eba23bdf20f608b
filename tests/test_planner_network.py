"""The way to the users: an estimate that is symmetric and grows with distance, and a plan that counts it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import snapshot
from knowledge.errors import NotFound
from tools.deploy.option import specification_from_plan
from tools.intent import Intent
from tools.planner import Plan, plan
from tools.planner.network import _CITIES, UNSTATED_KM, city, distance_km, network, served
from tools.planner.profile import profile

FACTS = snapshot.load()
CITIES = st.sampled_from(sorted(_CITIES))
BASE = {
    "task_type": "chatbot",
    "total_users": 1000,
    "deployment_model": "cloud_rental",
    "preferred_models": ["meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-32B"],
    "target_ttft_p90_ms": 400,
}


def planned(**fields: object) -> Plan:
    return plan(Intent.model_validate(BASE | fields), FACTS, limit=5)


@given(CITIES, CITIES, CITIES)
def test_distances_are_a_metric(one: str, two: str, three: str) -> None:
    assert distance_km(one, one) == pytest.approx(0.0, abs=1e-6)
    assert distance_km(one, two) == pytest.approx(distance_km(two, one))
    assert distance_km(one, three) <= distance_km(one, two) + distance_km(two, three) + 1e-6
    assert distance_km(one, two) <= 20_038


@pytest.mark.parametrize(
    ("users", "machines", "low", "high"),
    [("Virginia", "eu-west-1", 60, 100), ("Virginia", "japaneast", 140, 200), ("Frankfurt", "southeastasia", 130, 180),
     ("Japan", "asia-northeast1", 10, 40)],
)  # fmt: skip
def test_the_estimate_lies_near_what_is_publicly_known(users: str, machines: str, low: float, high: float) -> None:
    assert low <= network(users, machines).round_trip_ms <= high


def test_every_region_of_the_price_list_is_placed_or_says_that_it_is_not() -> None:
    regions = {row.region for row in FACTS.instances if row.gpu_count >= 1}
    assert {region for region in regions if city(region) is None} == {"global"}
    unstated = network("EU", "global")
    assert unstated.machines_in is None
    assert f"{UNSTATED_KM:,.0f} km (assumed)" in unstated.text


def test_without_a_users_region_nothing_is_added() -> None:
    for option in planned().options:
        assert option.network is None
        assert option.to_json()["network"] is None


def test_the_network_counts_in_the_checks_and_is_shown() -> None:
    found = planned(user_region="JP")
    assert found.feasible
    targets = found.traffic.targets
    for option in found.options:
        assert option.network is not None
        assert option.network.users_in == "Tokyo"
        assert option.predicted is not None
        seen = option.predicted.ttft_ms.at_target + option.network_ms
        assert option.slo_met["ttft"] is (seen <= targets.ttft_ms)
        assert option.slo_met["ttft"] is True
        assert option.predicted.utilization <= 0.85 + 1e-6
    near = {option.network_ms for option in planned(user_region="JP", target_ttft_p90_ms=150).options}
    assert max(near) < max(option.network_ms for option in found.options if option.network)


def test_users_far_away_never_make_a_plan_cheaper() -> None:
    near, far = planned(clouds=["gcp"]), planned(clouds=["gcp"], user_region="Australia")
    costs = [each.best("lowest_cost") for each in (near, far)]
    assert costs[0] is not None
    assert costs[1] is None or (costs[1].cost.monthly_usd or 0) >= (costs[0].cost.monthly_usd or 0)


def test_what_only_the_network_forbids_is_counted_as_such() -> None:
    found = planned(user_region="New Zealand", clouds=["azure"], regions=["westeurope"], target_ttft_p90_ms=200)
    assert not found.feasible
    assert found.rejected.counts["network"] > 0
    miss = next(each for each in found.rejected.misses if each.rule == "network")
    assert miss.change is not None
    again = planned(
        user_region="New Zealand", clouds=["azure"], regions=["westeurope"], target_ttft_p90_ms=miss.change.value
    )
    assert again.feasible


def test_a_deployment_is_held_to_what_the_network_leaves() -> None:
    found = planned(user_region="JP")
    spec = specification_from_plan(found.to_json())
    option = found.option(spec.option_id)
    assert option is not None
    bound = next(each.bound_ms for each in spec.objectives if each.metric == "ttft")
    assert bound == found.traffic.targets.ttft_ms - option.network_ms
    assert served(found.traffic.targets, option.network_ms).ttft_ms == bound


def test_a_place_that_nobody_knows_is_named() -> None:
    with pytest.raises(NotFound, match="Atlantis"):
        planned(user_region="Atlantis")


def test_a_stated_shared_prefix_is_what_prompts_have_in_common() -> None:
    traffic = profile(Intent(task_type="chatbot", prompt_length_avg=2000, shared_prefix_tokens=800), FACTS)
    assert traffic.prefix_reuse_share == pytest.approx(0.4)
    assert "800 shared of 2000" in (traffic.provenance["prefix_reuse_share"].detail or "")
    assert profile(Intent(task_type="chatbot", shared_prefix_tokens=10**6), FACTS).prefix_reuse_share == 0.99
