"""The picks of a plan, simulated: beside the screening values, within their targets, and plain when they are missed."""

from dataclasses import replace

import pytest

from knowledge.snapshot import Snapshot
from tools.intent import Intent
from tools.performance.experience import Experience
from tools.planner import Plan, plan
from tools.planner.refinement import Trial, corrected_cost, finalists, limits_of, peak_cv, refine, refine_option, slo_of

CHAT = Intent(
    task_type="chatbot",
    total_users=20_000,
    preferred_models=("meta-llama/Llama-3.1-8B-Instruct",),
    gpu_types=("NVIDIA-L4-24GB", "NVIDIA-H100-80GB-SXM"),
)


@pytest.fixture(scope="module")
def chat(snapshot: Snapshot) -> Plan:
    return plan(CHAT, snapshot)


def test_the_first_self_hosted_option_of_every_list_is_simulated_once(chat: Plan) -> None:
    picks = finalists(chat)
    assert picks
    assert len({each.id for each in picks}) == len(picks)
    assert all(each.kind != "api" for each in picks)
    assert set(refine(chat)) == {each.id for each in picks}


def test_the_same_plan_is_simulated_the_same_way(chat: Plan) -> None:
    first, again = refine(chat), refine(chat)
    assert {key: each.to_json() for key, each in first.items()} == {key: each.to_json() for key, each in again.items()}


def test_the_simulation_agrees_with_screening_on_means_of_a_decode(chat: Plan) -> None:
    for option in finalists(chat):
        found, predicted = refine_option(option, chat.traffic), option.predicted
        assert found is not None
        assert predicted is not None
        assert found.tpot_ms.mean == pytest.approx(predicted.tpot_ms.mean, rel=0.3)
        assert found.ttft_ms.p50 <= found.ttft_ms.p90 <= found.ttft_ms.p99


def test_a_missed_target_is_said_with_the_replicas_that_hold(chat: Plan) -> None:
    option = max(finalists(chat), key=lambda each: each.replicas or 0)
    rushed = replace(chat.traffic, peak_qps=chat.traffic.peak_qps * 8, qps=chat.traffic.qps * 8)
    found = refine_option(option, rushed)
    assert found is not None
    assert not found.holds
    assert found.replicas_that_hold is not None
    assert found.replicas_that_hold > (option.replicas or 0)
    assert "missed at the peak" in found.text
    assert f"{found.replicas_that_hold} replicas instead of {option.replicas} hold" in found.text
    assert option.configuration is not None
    cost, limits = (
        corrected_cost(option.configuration, rushed, chat.experience),
        limits_of(option.configuration, rushed),
    )
    assert option.predicted is not None
    trial = Trial(cost, limits, rushed, option.predicted.e2e_ms.mean / 1000, 0)
    assert trial.run(found.replicas_that_hold).meets(slo_of(rushed))


def test_no_number_of_replicas_mends_a_target_that_a_lone_request_misses(chat: Plan) -> None:
    option = finalists(chat)[0]
    strict = replace(chat.traffic, targets=replace(chat.traffic.targets, tpot_ms=0.5))
    found = refine_option(option, strict)
    assert found is not None
    assert found.replicas_that_hold is None
    assert found.held["tpot"] is False
    assert "relax the target" in found.text


def test_apis_are_not_simulated(snapshot: Snapshot) -> None:
    hosted = plan(Intent(task_type="chatbot", total_users=50, deployment_model="api"), snapshot)
    assert refine(hosted) == {}


def test_the_peak_is_as_bursty_as_what_it_does_not_already_hold(chat: Plan) -> None:
    assert peak_cv(replace(chat.traffic, interarrival_cv=13.15, qps=1.0, peak_qps=4.2)) == pytest.approx(3.13, abs=0.01)
    assert peak_cv(replace(chat.traffic, interarrival_cv=1.09)) == 1.0


def test_without_own_outcomes_step_times_are_those_of_the_prediction(chat: Plan) -> None:
    configuration = finalists(chat)[0].configuration
    assert configuration is not None
    plain = corrected_cost(configuration, chat.traffic, Experience())
    assert plain.prefill_ms_per_token > 0
