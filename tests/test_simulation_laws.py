"""Laws of simulated traffic, whatever it is: Little's, what load, length, replicas and reuse may only do."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.facts import Lengths
from knowledge.snapshot import load
from tools.intent import Intent
from tools.learning import Correction, Subject
from tools.performance import predict
from tools.performance.experience import Experience
from tools.performance.step import StepCost
from tools.planner import Option, Plan, plan
from tools.planner.refinement import SEED, Trial, arriving, corrected_cost, limits_of, trial_of
from tools.scheduler import Limits
from tools.simulation import Arrivals, Traffic, constant, simulate

COST = StepCost((1, 16, 128, 512), (6.0, 7.0, 12.0, 30.0), 2e-5, 0.02, 8.0)
FEW = settings(max_examples=12, deadline=None)


@FEW
@given(
    rate=st.floats(0.2, 60),
    osl=st.integers(1, 200),
    arrivals=st.sampled_from(["poisson", "bursty", "steady", "diurnal"]),
    replicas=st.integers(1, 3),
    limits=st.sampled_from([Limits(), Limits(kv_blocks=120), Limits(max_num_queued_reqs=3)]),
)
def test_littles_law_holds_always(rate: float, osl: int, arrivals: Arrivals, replicas: int, limits: Limits) -> None:
    """Sequences in the batch on average are those served a second times how long each is in it; also when some are
    refused or preempted, in bursts and on several replicas.
    """
    traffic = Traffic(
        rate, Lengths(300, 250, 500, 900), constant(osl), arrivals, cv=2.5, period_s=60.0, reused_share=0.3
    )
    found = simulate(COST, limits, traffic, replicas, 3, requests=150)
    assert found.completed + found.rejected == 150
    if not found.completed or found.preemptions:
        return  # while preempted a sequence is neither waiting nor in the batch
    inside_s = (found.samples["e2e_ms"] - found.samples["queue_ms"] - COST.request_ms) / 1000
    assert found.running_mean * replicas == pytest.approx(found.requests_per_s * inside_s.mean(), rel=1e-6)


@FEW
@given(st.floats(1, 15), st.integers(1, 150), st.integers(1, 150))
def test_longer_answers_never_end_sooner(rate: float, osl: int, more: int) -> None:
    short, long = (
        simulate(COST, Limits(), Traffic(rate, constant(300), constant(tokens)), requests=150)
        for tokens in (osl, osl + more)
    )
    assert long.e2e_ms.mean > short.e2e_ms.mean


@FEW
@given(st.floats(20, 90), st.integers(1, 3))
def test_more_replicas_never_serve_fewer_nor_later(rate: float, replicas: int) -> None:
    traffic = Traffic(rate, Lengths(300, 250, 500, 900), constant(80))
    few, many = (simulate(COST, Limits(), traffic, count, requests=400) for count in (replicas, replicas + 1))
    assert many.requests_per_s >= few.requests_per_s * 0.98  # the last request may fall into a larger batch
    assert many.e2e_ms.mean <= few.e2e_ms.mean * 1.02


@FEW
@given(st.floats(1, 30), st.floats(0.0, 0.5), st.floats(0.05, 0.45))
def test_a_larger_reused_prefix_never_delays_the_first_token(rate: float, reused: float, more: float) -> None:
    plain = Traffic(rate, constant(1500), constant(40), reused_share=reused)
    less, most = (
        simulate(COST, Limits(), each, requests=200) for each in (plain, replace(plain, reused_share=reused + more))
    )
    assert most.ttft_ms.mean <= less.ttft_ms.mean * (1 + 1e-9)


FACTS = load()
INTENT = Intent(
    task_type="chatbot",
    expected_qps=5.0,
    preferred_models=("meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-32B"),
    gpu_types=("NVIDIA-L40S-48GB", "NVIDIA-H100-80GB-SXM"),
)


@pytest.fixture(scope="module")
def made() -> Plan:
    return plan(INTENT, FACTS, limit=4)


def hosted(made: Plan) -> list[Option]:
    return [option for option in made.options if option.configuration is not None]


def test_at_low_load_the_simulation_agrees_with_the_fixed_point_of_every_option(made: Plan) -> None:
    """An all but idle replica with constant lengths, once by events and once by the closed form of predictions."""
    for option in hosted(made):
        if option.tuned is not None:
            continue
        each, traffic = option.configuration, made.traffic
        assert each is not None
        isl, osl = round(traffic.isl.mean), round(traffic.osl.mean)
        cost = corrected_cost(each, traffic, Experience())
        quiet = simulate(
            cost, limits_of(each, traffic), Traffic(0.02, constant(isl), constant(osl), "steady"), requests=20
        )
        expected = predict(each, isl=isl, osl=osl, concurrency=1)
        assert quiet.tpot_ms.mean == pytest.approx(expected.tpot_ms.mean, rel=0.12), option.id
        assert quiet.ttft_ms.mean == pytest.approx(expected.ttft_ms.mean, rel=0.25), option.id


@pytest.mark.parametrize(("first", "step"), [(1.5, 1.0), (1.0, 1.3), (0.6, 1.2), (2.0, 0.8)])
def test_what_was_learned_changes_screening_and_simulation_alike(made: Plan, first: float, step: float) -> None:
    option = next(each for each in hosted(made) if each.tuned is None)
    each = option.configuration
    assert each is not None
    name, card = each.model.model_id, each.accelerator.gpu_type
    taught = Experience(
        {
            Subject(name, card, "vllm", metric): Correction(factor, factor, factor, factor, 1.0, 5, drifting=False)
            for metric, factor in (("ttft_ms", first), ("tpot_ms", step))
        }
    )
    traffic = Traffic(0.02, constant(round(made.traffic.isl.mean)), constant(round(made.traffic.osl.mean)), "steady")
    limits = limits_of(each, made.traffic)
    before, after = (
        simulate(corrected_cost(each, made.traffic, known), limits, traffic, requests=20)
        for known in (Experience(), taught)
    )
    assert after.tpot_ms.mean / before.tpot_ms.mean == pytest.approx(step, rel=0.02)
    assert after.ttft_ms.mean / before.ttft_ms.mean == pytest.approx(first, rel=0.05)


def test_a_pick_is_simulated_as_it_is_planned(made: Plan) -> None:
    option = hosted(made)[0]
    trial = trial_of(option, made.traffic)
    assert isinstance(trial, Trial)
    assert trial.seed == SEED
    assert arriving(made.traffic, 2.0).rate_rps == 2.0
