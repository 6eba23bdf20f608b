"""What options cost: the seed's worked examples, machines as they are rented, API bills, bills that add up."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import snapshot
from knowledge.facts import Lengths
from tools.intent import DatacenterContext, Intent
from tools.market import Market
from tools.planner.apis import api_cost, sellers, tail_share
from tools.planner.money import bill, line
from tools.planner.offers import Offer, offers, rent, shelves
from tools.planner.ownership import (
    break_even_month,
    break_even_months,
    card_price,
    owned_cost,
    purchase_cost,
)
from tools.planner.profile import profile

FACTS = snapshot.load()
MARKET = Market.bundled(FACTS)
A100 = FACTS.accelerators["NVIDIA-A100-80GB-SXM"]


def machine(cards: int, usd_per_hour: float, **more: object) -> Offer:
    row = Offer(
        "cloud", "region", f"m{cards}", A100.gpu_type, cards, "on_demand", usd_per_hour, "official", "", "", False
    )
    return replace(row, **more)  # type: ignore[arg-type]


def test_running_four_owned_cards_costs_what_the_seed_says() -> None:
    context = DatacenterContext(power_cost_per_kwh=0.12, cooling_overhead_pue=1.3)
    cost = owned_cost(A100, 4, context, tokens_per_month=1e9)
    assert cost.monthly_usd == pytest.approx(182.21)
    assert cost.lines[0].item == "power: 4 × 400 W × 730 h × PUE 1.3"


def test_renting_them_costs_11972_not_the_11984_that_the_seed_prints() -> None:
    cost = bill((line("4 × A100", 4 * 730, "GPU hours", 4.10),), tokens_per_month=1e9, hours_per_month=730)
    assert cost.monthly_usd == 11_972.0
    assert cost.hourly_usd == 16.4


def test_buying_pays_off_in_the_sixth_month_not_the_forty_first() -> None:
    months = break_even_months(60_000, 182, 11_972)
    assert months == pytest.approx(5.1, abs=0.02)
    assert break_even_month(60_000, 182, 11_972) == 6
    assert break_even_months(60_000, 12_000, 11_972) is None


def test_owned_cards_without_a_power_rate_have_no_known_cost() -> None:
    assert owned_cost(A100, 4, None, tokens_per_month=1e9).monthly_usd is None


def test_a_purchase_bills_cards_host_maintenance_and_power_apart() -> None:
    price = card_price(A100, MARKET)
    assert price is not None
    context = DatacenterContext(power_cost_per_kwh=0.1, rack_space_cost_per_month=200, amortization_period_months=48)
    cost = purchase_cost(A100, 4, price, context, tokens_per_month=1e9)
    assert len(cost.lines) == 5
    assert cost.monthly_usd == round(sum(each.usd for each in cost.lines), 2)
    assert "assumed" in cost.lines[1].item
    assert cost.lines[0].usd == round(price.usd_per_card * 4 / 48, 2)


@given(st.lists(st.tuples(st.floats(0.001, 1e6), st.floats(1e-6, 1e4)), min_size=1, max_size=6))
def test_lines_sum_to_the_total_exactly(amounts: list[tuple[float, float]]) -> None:
    lines = tuple(line("x", quantity, "unit", price) for quantity, price in amounts)
    total = bill(lines, tokens_per_month=1.0, hours_per_month=730).monthly_usd
    assert total == round(sum(each.usd for each in lines), 2)


def rented(found: list[Offer], cards: int, replicas: int, tensor: int | None = None) -> tuple[float, int, int]:
    (shelf,) = shelves(found, {A100.gpu_type: 0})
    one = np.array([0])
    way = rent(shelf, one, np.array([cards]), np.array([tensor or cards]), np.array([replicas]))
    return float(way.usd_per_hour[0]), shelf.sizes[int(way.size[0])], int(way.machines[0])


def test_nobody_rents_three_of_eight_cards() -> None:
    assert rented([machine(8, 32.0)], cards=1, replicas=3) == (32.0, 8, 1)
    assert rented([machine(8, 32.0)], cards=2, replicas=5) == (64.0, 8, 2)


def test_the_cheapest_size_of_machine_is_taken() -> None:
    found = [machine(1, 5.0), machine(8, 32.0)]
    assert rented(found, cards=1, replicas=3) == (15.0, 1, 3)
    assert rented(found, cards=1, replicas=7) == (32.0, 8, 1)


def test_a_replica_larger_than_a_machine_takes_whole_machines_and_keeps_its_group_in_one() -> None:
    assert rented([machine(8, 32.0)], cards=16, replicas=1, tensor=8) == (64.0, 8, 2)
    cost, _, machines = rented([machine(4, 16.0)], cards=8, replicas=1, tensor=8)
    assert cost == float("inf")
    assert machines == 0


def test_dominated_offers_are_left_out() -> None:
    (shelf,) = shelves([machine(8, 40.0, cloud="dear"), machine(8, 32.0, cloud="cheap")], {A100.gpu_type: 0})
    assert shelf.offers[0, 8].cloud == "cheap"


def test_slices_of_cards_and_other_clouds_are_not_offered() -> None:
    found = offers(MARKET, Intent(clouds=("aws",), billing=("on_demand", "spot")))
    assert found
    assert {each.cloud for each in found} == {"aws"}
    assert min(each.cards for each in found) >= 1


def test_residency_is_met_only_by_regions_that_certainly_lie_there() -> None:
    regions = {each.region for each in offers(MARKET, Intent(residency=("EU",)))}
    assert "europe-west4" in regions
    assert "germanywestcentral" in regions
    assert not regions & {"global", "europe-west2", "europe-west6", "uksouth", "switzerlandnorth", "us-east-1"}


def test_an_api_bill_prices_input_cache_and_output_apart() -> None:
    seller = next(
        each
        for each in sellers(MARKET)
        if each.model_slug == "gpt-4o-mini" and each.provider == "openai" and each.region == "global"
    )
    traffic = profile(Intent(task_type="chatbot", requests_per_day=10_000), FACTS)
    cost = api_cost(seller, traffic, batched=False)
    assert {each.item for each in cost.lines} == {"cached input tokens", "input tokens", "output tokens"}
    assert cost.monthly_usd == round(sum(each.usd for each in cost.lines), 2)
    tokens = traffic.tokens_per_day * 30.42
    assert sum(each.quantity for each in cost.lines) * 1e6 == pytest.approx(tokens, rel=1e-6)


def test_longer_prompts_pay_the_price_of_their_tier() -> None:
    lengths = Lengths(mean=300_000, p50=260_000, p90=500_000, p99=900_000)
    requests, tokens = tail_share(lengths, 200_000)
    assert 0.5 < requests < tokens < 1
    assert tail_share(lengths, 1e9) == (0.0, 0.0)
