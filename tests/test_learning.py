"""Laws of learning from outcomes: shrinkage, convergence, no mixing, drift."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.records import Measure, Outcome
from tools.learning import Subject, benchmark_of, correction, corrections

ratios = st.lists(st.floats(0.05, 20), min_size=1, max_size=30)


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


def test_without_outcomes_nothing_is_corrected() -> None:
    assert correction([]).factor == 1.0
    assert not correction([]).biased
    assert corrections([]) == {}


@given(ratios)
def test_a_correction_lies_between_no_correction_and_what_was_seen(seen: list[float]) -> None:
    found = correction(seen)
    low, high = sorted((1.0, found.raw_factor))
    assert low * (1 - 1e-9) <= found.factor <= high * (1 + 1e-9)
    assert found.low <= found.factor <= found.high


@given(st.floats(0.2, 5), st.integers(1, 50))
def test_more_agreeing_outcomes_correct_further_and_more_surely(ratio: float, count: int) -> None:
    fewer, more = correction([ratio] * count), correction([ratio] * (count + 1))
    assert abs(math.log(more.factor)) >= abs(math.log(fewer.factor)) - 1e-12
    assert more.high / more.low < fewer.high / fewer.low
    assert correction([ratio] * 5000).factor == pytest.approx(ratio, rel=1e-2)


@given(ratios)
def test_too_slow_and_too_fast_are_treated_alike(seen: list[float]) -> None:
    mirrored = correction([1 / ratio for ratio in seen])
    assert mirrored.factor == pytest.approx(1 / correction(seen).factor)


@given(st.lists(st.floats(0.5, 2), min_size=2, max_size=10))
def test_the_order_of_outcomes_does_not_matter_to_the_factor(seen: list[float]) -> None:
    assert correction(seen).factor == pytest.approx(correction(seen[::-1]).factor)


def test_a_wrong_latency_model_is_noticed_and_one_odd_run_is_not() -> None:
    assert correction([1.5] * 4).biased
    assert not correction([1.1]).biased


def test_a_change_in_between_is_drift_and_noise_is_not() -> None:
    assert correction([1.0] * 5 + [1.6] * 5).drifting
    assert not correction([1.0, 1.05, 0.97, 1.02, 0.99, 1.04]).drifting
    assert not correction([1.0, 3.0]).drifting


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
