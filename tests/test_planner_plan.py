"""A plan: its contract, its lists, its rejections and what an infeasible one says."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from knowledge import snapshot
from knowledge.errors import BadInput, NotFound
from tools.editing import edit
from tools.intent import Intent
from tools.market import Market
from tools.planner import Plan, plan
from tools.planner.comparison import difference
from tools.planner.inquiry import inquire
from tools.planner.portfolio import portfolio

FACTS = snapshot.load()
CHAT: dict[str, Any] = {"task_type": "chatbot", "total_users": 1000}
HOSTED = CHAT | {
    "deployment_model": "cloud_rental",
    "gpu_types": ["NVIDIA-L4-24GB", "NVIDIA-L40S-48GB", "NVIDIA-A100-80GB-SXM", "NVIDIA-H100-80GB-SXM"],
    "preferred_models": ["meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-32B", "meta-llama/Llama-3.3-70B-Instruct"],
}


def planned(fields: dict[str, Any], limit: int = 5) -> Plan:
    return plan(Intent.model_validate(fields), FACTS, limit=limit)


@pytest.fixture(scope="module")
def chat() -> Plan:
    return planned(CHAT | {"budget": {"max_monthly_cost_usd": 5000}, "priority": "latency"})


def test_the_json_of_a_plan_holds_what_the_contract_names(chat: Plan) -> None:
    found = chat.to_json()
    assert {"intent", "traffic", "slo", "options", "lists", "rejected"} <= found.keys()
    assert {"isl", "osl", "qps", "peak_qps", "burstiness"} <= found["traffic"].keys()
    assert {"balanced", "lowest_cost", "lowest_latency", "best_quality", "pareto"} == found["lists"].keys()
    ids = {option["id"] for option in found["options"]}
    assert len(ids) == len(found["options"])
    assert all(set(listed) <= ids for listed in found["lists"].values())
    for option in found["options"]:
        assert option["kind"] in ("api", "rental")
        assert {"hourly_usd", "monthly_usd", "per_1k_tokens_usd", "lines"} == option["cost"].keys()
        assert option["why"].endswith(".")
        assert option["price_source"]["date"]
        if option["predicted"] is not None:
            assert {"p50", "p90", "p99"} <= option["predicted"]["ttft_ms"].keys()
            assert option["predicted"]["evidence"]["kind"] in ("measured", "interpolated", "modelled")
            low, high = option["predicted"]["interval"]["ttft_ms"]
            assert low < option["predicted"]["ttft_ms"]["mean"] < high


def test_lists_are_in_the_order_of_their_name(chat: Plan) -> None:
    costs = [option.cost.monthly_usd for key in chat.lists["lowest_cost"] if (option := chat.option(key))]
    assert costs == sorted(costs, key=lambda cost: cost or 0.0)
    lower = [
        (option.quality.score or 0) for key in chat.lists["best_quality"] if (option := chat.option(key)) is not None
    ]
    assert lower[0] > lower[-1]


def test_nothing_on_the_pareto_list_is_beaten_in_everything(chat: Plan) -> None:
    front = [option for key in chat.lists["pareto"] if (option := chat.option(key)) and option.predicted]
    for one in front:
        for other in front:
            assert one.predicted is not None
            assert other.predicted is not None
            cheaper = (other.cost.monthly_usd or math.inf) < (one.cost.monthly_usd or math.inf) - 0.01
            faster = all(
                getattr(other.predicted, name).at_target < getattr(one.predicted, name).at_target
                for name in ("ttft_ms", "tpot_ms", "perceived_ms")
            )
            better = (other.quality.score or 0) > (one.quality.score or 0) + (one.quality.standard_error or 0) * 2
            assert not (cheaper and faster and better)


def test_what_is_unknown_never_beats_what_is_known(tmp_path: Path) -> None:
    name = "meta-llama/Llama-3.1-8B-Instruct"
    scores_file = shutil.copytree(FACTS.directory, tmp_path / "facts") / "quality_by_task.csv"
    lines = scores_file.read_text().splitlines(keepends=True)
    scores_file.write_text("".join(line for line in lines if not line.startswith(f"{name},")))
    hidden = snapshot.load(tmp_path / "facts")
    found = plan(Intent.model_validate(HOSTED), hidden, limit=20)
    for listed in ("balanced", "best_quality", "lowest_cost", "lowest_latency"):
        scores = [option.quality.score for key in found.lists[listed] if (option := found.option(key))]
        assert None in scores
        assert None not in scores[: len(scores) - scores.count(None)], listed
    unnamed = plan(Intent.model_validate(HOSTED | {"preferred_models": None}), hidden, limit=20)
    assert all(option.model_id != name for option in unnamed.options)


def test_apis_whose_latency_nobody_publishes_stand_behind_in_the_balanced_list(chat: Plan) -> None:
    kinds = [option.kind for key in chat.lists["balanced"] if (option := chat.option(key))]
    assert kinds[0] == "rental"
    fastest = [option.kind for key in chat.lists["lowest_latency"] if (option := chat.option(key))]
    assert "api" not in fastest
    api = next(option for option in chat.options if option.kind == "api")
    assert api.predicted is None
    assert set(api.slo_met.values()) == {None}


def test_every_rule_that_left_something_out_counts_it_and_names_the_nearest_misses() -> None:
    found = planned(HOSTED | {"budget": {"max_monthly_cost_usd": 900}, "target_ttft_p90_ms": 120}).to_json()["rejected"]
    assert found["counts"]["ttft"] > 0
    assert found["counts"]["budget"] > 0
    for miss in found["nearest"]:
        assert miss["text"]
        if miss["rule"] == "ttft":
            assert miss["value"] > miss["limit"] == 120
            assert miss["change"] is None or miss["change"]["field"] == "target_ttft_p90_ms"


@pytest.mark.parametrize(
    "fields",
    [
        {"budget": {"max_monthly_cost_usd": 400}},
        {"target_ttft_p90_ms": 20},
        {"max_gpus": 1},
    ],
)
def test_an_infeasible_plan_says_why_and_its_changes_work(fields: dict[str, Any]) -> None:
    found = planned(HOSTED | fields)
    assert not found.feasible
    assert found.options == ()
    changes = [miss.change for miss in found.rejected.misses if miss.change and miss.rule not in ("not_preferred",)]
    wanted = next(change for change in changes if change.field.startswith(next(iter(fields))))
    helped = Intent.model_validate(HOSTED | fields)

    assert plan(edit(helped, {wanted.field: wanted.value}), FACTS, limit=1).feasible


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"gpu_types": ["H1000"]}, "H1000"),
        ({"preferred_models": ["nobody/knows-this-9b"]}, "nobody/knows-this-9b"),
        ({"clouds": ["googel"]}, "googel"),
        ({"regions": ["us-eest-1"]}, "us-eest-1"),
        ({"quantization": ["fp7"]}, "fp7"),
        ({"residency": ["Mars"]}, "Mars"),
    ],
)
def test_unknown_names_are_refused_by_name(fields: dict[str, Any], name: str) -> None:
    with pytest.raises(NotFound, match=name):
        planned(CHAT | fields)


def test_a_budget_in_another_currency_is_not_guessed() -> None:
    with pytest.raises(BadInput, match="EUR"):
        planned(CHAT | {"budget": {"amount": 500, "currency": "EUR", "period": "month"}})


def test_what_the_intent_fixes_is_kept() -> None:
    found = planned(
        HOSTED
        | {"clouds": ["aws"], "quantization": ["fp8"], "tensor_parallel": 2, "billing": ["reserved_1y"], "max_gpus": 16}
    )
    for option in found.options:
        assert option.cloud == "aws"
        assert option.quantization == "fp8"
        assert option.tensor_parallel == 2
        assert option.billing == "reserved_1y"
        assert (option.gpu_count or 0) <= 16


def test_licence_and_excluded_models_are_respected() -> None:
    found = planned(CHAT | {"license": ["Apache-2.0"], "excluded_models": ["Qwen3.6"]}, limit=20)
    models = [FACTS.models[option.model_id] for option in found.options]
    assert {model.licence for model in models} == {"Apache-2.0"}
    assert not any("Qwen3.6" in model.model_id for model in models)


def test_owned_cards_bound_the_plan_and_cost_their_power() -> None:
    fields = CHAT | {
        "available_gpus": [{"gpu_type": "H100", "count": 4}],
        "datacenter_context": {"power_cost_per_kwh": 0.12, "cooling_overhead_pue": 1.3},
        "preferred_models": HOSTED["preferred_models"],
    }
    found = planned(fields)
    assert {option.kind for option in found.options} == {"owned"}
    assert all((option.gpu_count or 9) <= 4 for option in found.options)
    first = found.options[0]
    assert first.cost.monthly_usd == pytest.approx(0.7 * (first.gpu_count or 0) * 730 * 0.12 * 1.3, abs=0.01)


def test_a_purchase_is_amortised() -> None:
    found = planned(HOSTED | {"deployment_model": "purchase"})
    assert {option.kind for option in found.options} == {"purchase"}
    assert any("over 36 months" in line.item for line in found.options[0].cost.lines)


def test_only_apis_when_asked_for() -> None:
    found = planned(CHAT | {"deployment_model": "api"})
    assert {option.kind for option in found.options} == {"api"}


def test_a_model_that_needs_two_nodes_gets_a_pipeline() -> None:
    found = planned(
        {
            "task_type": "research_analysis",
            "expected_qps": 0.1,
            "preferred_models": ["moonshotai/Kimi-K2-Instruct"],
            "gpu_types": ["NVIDIA-H100-80GB-SXM"],
            "target_ttft_p90_ms": 20_000,
        }
    )
    assert found.feasible
    assert all((option.pipeline_parallel or 1) > 1 for option in found.options)
    assert all(option.instance_count and option.instance_count >= 2 for option in found.options)


def test_any_one_candidate_is_explained_on_request() -> None:
    intent = Intent.model_validate(CHAT | {"deployment_model": "cloud_rental", "target_ttft_p90_ms": 400})
    admitted = inquire(intent, "Qwen/Qwen3-30B-A3B@H100:1:fp8", FACTS).to_json()
    assert admitted["admitted"]
    assert admitted["option"]["quantization"] == "fp8"
    refused = inquire(intent, "meta-llama/Llama-3.3-70B-Instruct@L4:4:fp8", FACTS).to_json()
    assert not refused["admitted"]
    assert refused["rejected"]["counts"]


def test_a_comparison_lists_only_what_differs() -> None:
    before, after = planned(HOSTED), planned(HOSTED | {"total_users": 20_000})
    rows = {row["field"]: row for row in difference(before, after)}
    assert rows["intent.total_users"]["percent"] == 1900
    assert rows["traffic.peak_qps"]["difference"] > 0
    assert rows["lowest_cost.cost.monthly_usd"]["difference"] > 0
    assert all(row["before"] != row["after"] for row in rows.values())
    assert difference(before, before) == []


def test_a_portfolio_adds_its_bills() -> None:
    both = portfolio([planned(HOSTED), planned(HOSTED | {"total_users": 3000})], FACTS, Market.bundled(FACTS))
    total = both.total_monthly_usd("lowest_cost")
    parts = [each.best("lowest_cost") for each in both.plans]
    assert total == round(sum(part.cost.monthly_usd or 0 for part in parts if part), 2)
    assert both.to_json()["portfolio"]["workloads"] == 2
