"""From outcomes to predictions and plans: corrected by what was measured, on the same engine, and not unlearned."""

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.records import Deployment, Measure, Outcome, Replica
from knowledge.snapshot import Snapshot, load
from tools.intent import Intent
from tools.learning import corrections
from tools.performance import Configuration, predict, screen
from tools.performance.experience import NO_EXPERIENCE, SOURCE, Experience, experience
from tools.performance.inquiry import Inquiry, answer
from tools.performance.roofline import closed_loop
from tools.performance.screening import corrected
from tools.planner import Plan, plan
from ui.load_options import LoadOptions

MODEL, GPU = "meta-llama/Llama-3.1-8B-Instruct", "NVIDIA-H100-80GB-SXM"
INTENT = Intent.model_validate(
    {
        "task_type": "chatbot",
        "concurrent_users": 200,
        "preferred_models": [MODEL],
        "gpu_types": [GPU],
        "deployment_model": "cloud_rental",
    }
)


@pytest.fixture(scope="module")
def facts() -> Snapshot:
    return load()


@pytest.fixture(scope="module")
def configuration(facts: Snapshot) -> Configuration:
    return Configuration(facts.models[MODEL], facts.accelerators[GPU], "fp8")


def outcome(
    number: int, *, ttft: float = 1.0, tpot: float = 1.5, engine: str = "vllm", corrected_by: float = 1.0
) -> Outcome:
    """A load test that measured so many times what the uncorrected model predicts."""
    return Outcome(
        outcome_id=f"o-{engine}-{number}",
        deployment_id=None,
        endpoint="http://127.0.0.1:1",
        model_id=MODEL,
        gpu_type=GPU,
        tensor_parallel=1,
        quantization="fp8",
        engine=engine,
        time_factor=1.0,
        snapshot="s",
        measured_at=f"2026-11-{number + 1:02d}T00:00:00Z",
        duration_s=60.0,
        request_rate_rps=2.0,
        isl_mean=500.0,
        osl_mean=100.0,
        requests=120,
        errors=0,
        output_tok_s=200.0,
        verdict="met",
        measures=(
            Measure("ttft_ms", "p50", 100 * ttft, None, None, 100.0),
            Measure("tpot_ms", "p50", 10 * tpot, None, None, 10.0 * corrected_by),
        ),
        slos=(),
        report={"predicted": {"tpot_correction": corrected_by}},
    )


def tpot_ms(configuration: Configuration, own: Experience) -> float:
    return predict(configuration, isl=500, osl=100, concurrency=8, experience=own).tpot_ms.mean


def test_without_outcomes_every_prediction_stays(configuration: Configuration) -> None:
    plain = predict(configuration, isl=500, osl=100, concurrency=8)
    assert predict(configuration, isl=500, osl=100, concurrency=8, experience=experience([])) == plain
    assert plain.evidence.own is None


def test_outcomes_correct_the_prediction_and_are_named_as_evidence(configuration: Configuration) -> None:
    own = experience([outcome(n) for n in range(4)])
    found = predict(configuration, isl=500, osl=100, concurrency=8, experience=own)
    first, step = own.factors(configuration)
    assert first == pytest.approx(1.0)
    assert 1.4 < step < 1.5
    plain = predict(configuration, isl=500, osl=100, concurrency=8)
    assert found.tpot_ms.p90 == pytest.approx(plain.tpot_ms.p90 * step)
    assert found.ttft_ms.p90 == pytest.approx(plain.ttft_ms.p90)
    assert found.output_tok_s < plain.output_tok_s
    assert found.evidence.kind == plain.evidence.kind
    assert found.evidence.own is not None
    assert found.evidence.own["source"] == SOURCE == "your own deployments"
    assert found.evidence.own["tpot_ms"]["outcomes"] == 4
    assert found.evidence.own["tpot_ms"]["biased"] is True


def test_other_models_cards_and_engines_are_left_alone(facts: Snapshot, configuration: Configuration) -> None:
    own = experience([outcome(n) for n in range(4)])
    others = [
        replace(configuration, engine="sglang"),
        replace(configuration, accelerator=facts.accelerators["NVIDIA-A100-80GB-SXM"]),
        replace(configuration, model=facts.models["Qwen/Qwen3-8B"]),
    ]
    assert [own.factors(each) for each in others] == [(1.0, 1.0)] * 3


def test_simulated_outcomes_correct_a_real_engine_only_when_asked(configuration: Configuration) -> None:
    simulated = [outcome(n, tpot=3.0, engine="vllm-simulator") for n in range(4)]
    assert experience(simulated).factors(configuration) == (1.0, 1.0)
    assert experience(simulated, rehearsal=True).factors(configuration)[1] > 2


def test_what_the_real_engine_showed_outweighs_every_rehearsal(configuration: Configuration) -> None:
    both = [*(outcome(n, tpot=3.0, engine="vllm-simulator") for n in range(9)), outcome(20, tpot=1.2)]
    assert experience(both, rehearsal=True).factors(configuration) == experience([both[-1]]).factors(configuration)


@settings(max_examples=20, deadline=None)
@given(truth=st.floats(0.4, 3.0), rounds=st.integers(6, 25))
def test_learning_again_from_corrected_predictions_does_not_unlearn(truth: float, rounds: int) -> None:
    """Each deployment is predicted with what the ones before taught; the correction goes as far as it would without."""
    seen: list[Outcome] = []
    for number in range(rounds):
        known = next((c for s, c in corrections(seen).items() if s.metric == "tpot_ms"), None)
        seen.append(outcome(number, tpot=truth, corrected_by=known.factor if known else 1.0))
    found = next(c for s, c in corrections(seen).items() if s.metric == "tpot_ms")
    assert found.raw_factor == pytest.approx(truth)
    assert math.log(found.factor) == pytest.approx(found.weight * math.log(truth))
    assert found.weight > 0.85
    assert not found.drifting


@pytest.mark.parametrize(
    "spoiled",
    [{"errors": 30}, {"report": {"achieved_rps": 3.0, "request_rate_rps": 5.0}}],
    ids=["failures", "a queue that grows"],
)
def test_a_run_that_did_not_hold_teaches_nothing(spoiled: dict[str, Any]) -> None:
    runs = [replace(outcome(n), **spoiled) for n in range(4)]
    assert experience(runs) == NO_EXPERIENCE
    assert experience([*runs, outcome(9)]) == experience([outcome(9)])


def test_a_load_that_was_not_planned_is_not_held_against_the_prediction() -> None:
    lengths = {"mean": 100.0, "p50": 90.0, "p90": 200.0, "p99": 400.0}
    spec = {
        "option_id": "o1",
        "kind": "rental",
        "model_id": MODEL,
        "gpu_type": GPU,
        "quantization": "fp8",
        "gpu_count": 1,
        "predicted": {"ttft_mean_ms": 25.0},
        "traffic": {"request_rate_rps": 2.0, "isl": lengths, "osl": lengths},
    }
    running = Deployment(
        **dict.fromkeys(("owner", "thread", "plan_hash", "reason", "created_at", "updated_at", "snapshot"), ""),
        deployment_id="d-1",
        target="local",
        engine="vllm-simulator",
        model_id=MODEL,
        gpu_type=GPU,
        state="applied",
        revision=1,
        spec=spec,
        gpu_count=1,
        time_factor=1.0,
        monthly_cost_usd=None,
        replicas=(Replica("http://127.0.0.1:1"),),
    )
    silent = dict.fromkeys(each.name for each in fields(LoadOptions))
    said: dict[str, Any] = {**silent, "duration_s": 60.0, "sweep": "", "slos": (), "completions": False}
    assert LoadOptions(**said).of_deployment(running).predicted == {"ttft_mean_ms": 25.0}
    assert LoadOptions(**said | {"seed": 3}).of_deployment(running).predicted == {"ttft_mean_ms": 25.0}
    for other in ({"rate_rps": 9.0}, {"isl": 4000.0}, {"cv": 4.0}, {"sweep": "1,2"}):
        assert LoadOptions(**said | other).of_deployment(running).predicted == {}


def test_drift_is_told_in_the_evidence(configuration: Configuration) -> None:
    changed = [*(outcome(n, tpot=1.0) for n in range(5)), *(outcome(n, tpot=1.8) for n in range(5, 10))]
    told = experience(changed).evidence(configuration)
    assert told is not None
    assert told["tpot_ms"]["drifting"] is True


@given(st.floats(0.3, 4), st.floats(0.3, 4))
@settings(max_examples=15, deadline=None)
def test_a_screen_is_corrected_as_a_prediction_is(ttft: float, tpot: float) -> None:
    facts = load()
    each = Configuration(facts.models[MODEL], facts.accelerators[GPU], "fp8")
    own = experience([outcome(n, ttft=ttft, tpot=tpot) for n in range(5)])
    plain = screen([each], isl=500, osl=100)
    found = corrected(plain, [each], own)
    batch = plain.osl * 0 + 16.0
    before, after = (closed_loop(each.cost, each.osl, batch) for each in (plain, found))
    factors = own.factors(each)
    assert float(after.ttft_ms[0] / before.ttft_ms[0]) == pytest.approx(factors[0], rel=1e-6)
    assert float(after.tpot_ms[0] / before.tpot_ms[0]) == pytest.approx(factors[1], rel=1e-6)


def test_an_empty_experience_leaves_a_screen_untouched(configuration: Configuration) -> None:
    plain = screen([configuration], isl=500, osl=100)
    assert corrected(plain, [configuration], NO_EXPERIENCE) is plain


def times(found: Plan, quantization: str) -> tuple[float, float, int]:
    """TPOT, largest rate of a replica, and replicas of the option in this precision with one card."""
    for option in found.options:
        if option.quantization == quantization and option.predicted and option.tensor_parallel == 1:
            return option.predicted.tpot_ms.mean, option.predicted.max_rps_per_replica, option.replicas or 0
    raise AssertionError(f"no option in {quantization}")


def test_a_plan_learns_what_a_replica_carries(facts: Snapshot) -> None:
    before = plan(INTENT, facts)
    slower: Sequence[Outcome] = [outcome(n, ttft=2.0, tpot=2.0) for n in range(6)]
    after = plan(INTENT, facts, experience=experience(slower))
    precision = next(
        option.quantization for option in before.options if option.predicted and option.tensor_parallel == 1
    )
    assert precision is not None
    then, now = times(before, precision), times(after, precision)
    assert now[0] > 1.7 * then[0]
    assert now[1] < then[1]
    assert now[2] >= then[2]
    shown = next(option for option in after.options if option.predicted).to_json()["predicted"]["evidence"]
    assert shown["own"]["tpot_ms"]["outcomes"] == 6
    assert "own" not in next(option for option in before.options if option.predicted).to_json()["predicted"]["evidence"]
    assert plan(INTENT, facts).to_json() == before.to_json()


def test_predict_answers_with_the_evidence(facts: Snapshot) -> None:
    asked = Inquiry(model=MODEL, gpu="H100", quantization="fp8", isl=500, osl=100, concurrency=8)
    own = experience([outcome(n) for n in range(3)])
    assert answer(asked, facts)["evidence"]["own"] is None
    assert answer(asked, facts, own)["evidence"]["own"]["tpot_ms"]["factor"] > 1.3
