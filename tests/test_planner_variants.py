"""Engine settings beside a pick: what prefix caching and an FP8 KV cache would change, and never for the worse."""

from dataclasses import replace

import pytest

from knowledge.snapshot import load
from tools.intent import Intent
from tools.market import Market
from tools.planner import Option, Plan, plan
from tools.planner.advice import advice
from tools.planner.variants import variants

SNAPSHOT = load()
INTENT = Intent(
    task_type="document_qa",
    expected_qps=30.0,
    preferred_models=("meta-llama/Llama-3.1-8B-Instruct",),
    gpu_types=("NVIDIA-L40S-48GB",),
    deployment_model="cloud_rental",
)


@pytest.fixture(scope="module")
def made() -> Plan:
    return plan(INTENT, SNAPSHOT)


@pytest.fixture(scope="module")
def option(made: Plan) -> Option:
    best = made.best("balanced")
    assert best is not None
    return best


def test_settings_never_need_more_replicas_and_both_together_help_most(made: Plan, option: Option) -> None:
    found = {each.setting: each for each in variants(option, made.traffic)}
    assert set(found) == {"prefix caching", "FP8 KV cache", "both"}
    assert all(each.capacity_gain >= 0.999 for each in found.values())
    assert found["both"].capacity_gain >= max(each.capacity_gain for each in found.values()) - 1e-6
    assert all(each.replicas <= (option.replicas or 0) for each in found.values())
    assert all((each.saving_usd or 0) >= 0 for each in found.values())


def test_more_reuse_carries_more_and_answers_sooner(made: Plan, option: Option) -> None:
    gains = []
    for share in (0.1, 0.4, 0.8):
        found = {each.setting: each for each in variants(option, replace(made.traffic, prefix_reuse_share=share))}
        gains.append((found["prefix caching"].capacity_gain, -found["prefix caching"].idle_ttft_ms))
    assert gains == sorted(gains)


def test_nothing_reused_means_no_prefix_caching(made: Plan, option: Option) -> None:
    found = variants(option, replace(made.traffic, prefix_reuse_share=0.0))
    assert [each.setting for each in found] == ["FP8 KV cache"]


def test_advice_tells_them_with_what_they_assume(made: Plan, option: Option) -> None:
    told = advice(made, SNAPSHOT, Market.bundled(SNAPSHOT))["variants"][option.id]
    assert all(each["evidence"] == "modelled" and each["assumption"] for each in told)
    assert all("× the load per replica" in each["text"] for each in told)


def test_apis_have_none() -> None:
    hosted = plan(Intent(task_type="chatbot", total_users=50, deployment_model="api"), SNAPSHOT)
    best = hosted.best("balanced")
    assert best is not None
    assert variants(best, hosted.traffic) == []
