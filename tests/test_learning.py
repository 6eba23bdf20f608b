"""Laws of learning from outcomes: shrinkage, convergence, no mixing, drift."""

import math
from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.records import Measure, Outcome
from tools.deploy.option import predictions
from tools.learning import Correction, Subject, corrections
from tools.learning.benchmarks import benchmark_of
from tools.learning.corrections import comparison
from tools.learning.shrinkage import Comparison, correction


def outcome(number: int, *, measured: float = 150.0, predicted: float = 100.0, engine: str = "vllm") -> Outcome:
    return Outcome(
        outcome_id=f"o-{engine}-{number}",
        deployment_id=None,
        endpoint="http://127.0.0.1:1",
        model_id="m",
        gpu_type="NVIDIA-L4-24GB",
        tensor_parallel=2,
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
            Measure("ttft_ms", "p50", measured, None, None, predicted),
            Measure("ttft_ms", "p90", 999.0, None, None, 1.0),
            Measure("tpot_ms", "p50", 20.0, None, None, None),
        ),
        slos=(),
        report={},
    )


def compared(ratio: float, *, error: float = 0.05, spread: float = 0.24) -> Comparison:
    return Comparison(ratio, error_sd=error, predicted_sd=spread, lasting_share=0.75)


def taught(seen: Iterable[float], **how: float) -> Correction:
    return correction([compared(ratio, **how) for ratio in seen])


def test_without_outcomes_nothing_is_corrected() -> None:
    assert corrections([]) == {}
    with pytest.raises(ValueError, match="needs a comparison"):
        correction([])


comparisons = st.lists(
    st.builds(
        Comparison,
        ratio=st.floats(0.05, 20),
        error_sd=st.floats(0, 1),
        predicted_sd=st.floats(0.02, 1),
        lasting_share=st.floats(0.1, 0.9),
    ),
    min_size=1,
    max_size=20,
)


@given(comparisons)
def test_a_correction_never_leaves_the_span_of_what_was_seen_and_of_no_correction(seen: list[Comparison]) -> None:
    found = correction(seen)
    ratios = [each.ratio for each in seen]
    assert min(ratios) * (1 - 1e-9) <= found.raw_factor <= max(ratios) * (1 + 1e-9)
    low, high = sorted((1.0, found.raw_factor))
    assert low * (1 - 1e-9) <= found.factor <= high * (1 + 1e-9)
    assert found.low <= found.factor <= found.high
    assert 0 < found.weight < 1


@given(comparisons, st.randoms(use_true_random=False))
def test_the_order_of_outcomes_does_not_matter_to_the_factor(seen: list[Comparison], random: Random) -> None:
    shuffled = random.sample(seen, len(seen))
    assert correction(shuffled).factor == pytest.approx(correction(seen).factor)


@given(comparisons)
def test_too_slow_and_too_fast_are_treated_alike(seen: list[Comparison]) -> None:
    mirrored = correction([replace(each, ratio=1 / each.ratio) for each in seen])
    assert mirrored.factor == pytest.approx(1 / correction(seen).factor)


@given(st.floats(0.2, 5), st.integers(1, 50))
def test_more_agreeing_outcomes_correct_further_and_more_surely(ratio: float, count: int) -> None:
    fewer, more = taught([ratio] * count), taught([ratio] * (count + 1))
    assert more.weight > fewer.weight
    assert abs(math.log(more.factor)) >= abs(math.log(fewer.factor)) - 1e-12
    assert more.high / more.low < fewer.high / fewer.low
    assert taught([ratio] * 5000).factor == pytest.approx(ratio, rel=1e-2)


@given(st.floats(0.2, 5), st.floats(0, 0.5), st.floats(0.01, 0.5))
def test_a_surer_measurement_counts_for_more(ratio: float, error: float, more: float) -> None:
    sure, unsure = taught([ratio], error=error), taught([ratio], error=error + more)
    assert sure.weight > unsure.weight
    assert sure.high / sure.low < unsure.high / unsure.low


@given(st.floats(0.2, 5), st.floats(0.02, 0.5), st.floats(0.01, 0.5))
def test_a_surer_prediction_gives_way_less(ratio: float, spread: float, more: float) -> None:
    assert taught([ratio], spread=spread).weight < taught([ratio], spread=spread + more).weight


def test_of_one_outcome_no_more_counts_than_loads_of_a_pair_share() -> None:
    assert taught([2.0], error=0.0).weight == pytest.approx(0.75, abs=0.04)
    assert taught([2.0], error=0.0).weight < 0.75
    assert taught([2.0], spread=0.08).weight < 0.5


@given(st.floats(2, 1000), st.integers(6, 20))
def test_one_odd_run_among_many_moves_little_however_odd_it_is(odd: float, others: int) -> None:
    assert 1.0 <= taught([1.0] * others + [odd]).factor < 1.25
    assert taught([1.0] * others + [odd]).factor <= taught([1.0] * others + [odd * 2]).factor * 1.001


def test_a_wrong_latency_model_is_noticed_and_one_odd_run_is_not() -> None:
    assert taught([1.6] * 4).biased
    assert not taught([1.1]).biased


def test_a_change_in_between_is_drift_and_noise_is_not() -> None:
    assert taught([1.0] * 5 + [1.6] * 5).drifting
    assert not taught([1.0, 1.05, 0.97, 1.02, 0.99, 1.04]).drifting
    assert not taught([1.0, 3.0]).drifting


def test_an_outcome_tells_how_sure_its_measurement_and_its_prediction_were() -> None:
    plain = comparison(outcome(1), "ttft_ms")
    assert plain is not None
    assert plain.predicted_sd == 0.49
    assert plain.error_sd == pytest.approx(1 / math.sqrt(120))
    measured = Measure("ttft_ms", "p50", 150.0, 150 / 1.1, 150 * 1.1, 100.0)
    sure = replace(outcome(1), measures=(measured,), report={"predicted": {"ttft_log_sd": 0.1}})
    told = comparison(sure, "ttft_ms")
    assert told is not None
    assert told.predicted_sd == 0.1
    assert told.error_sd == pytest.approx(math.log(1.1) / 1.96, rel=1e-4)


def test_a_plan_tells_how_sure_its_predictions_are() -> None:
    told = predictions({"tpot_ms": {"mean": 10.0}, "interval": {"tpot_ms": [8.0, 12.5], "ttft_ms": [0.0, 0.0]}})
    assert told == {"tpot_mean_ms": 10.0, "tpot_log_sd": pytest.approx(math.log(1.25) / 1.2816, abs=1e-4)}


def test_engines_never_mix_and_metrics_without_a_prediction_are_left_out() -> None:
    found = corrections(
        [*(outcome(n) for n in range(3)), *(outcome(n, measured=100, engine="vllm-simulator") for n in range(3))]
    )
    real = Subject("m", "NVIDIA-L4-24GB", "vllm", "ttft_ms")
    simulated = Subject("m", "NVIDIA-L4-24GB", "vllm-simulator", "ttft_ms")
    assert set(found) == {real, simulated}
    assert found[real].raw_factor == pytest.approx(1.5)
    assert found[simulated].factor == pytest.approx(1.0)


def test_an_outcome_is_a_measured_point_of_ones_own() -> None:
    point = benchmark_of(outcome(1))
    assert point is not None
    assert (point.source, point.gpu_count, point.ttft_p50_ms, point.request_rate_rps) == (
        "your own deployments",
        2,
        150.0,
        2.0,
    )
