"""The iteration time shared by planner, simulation and simulator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.performance.step import StepCost

STEP = StepCost(
    batch_knots=(1, 8, 64),
    decode_ms_at_knots=(7.0, 7.5, 11.0),
    kv_ms_per_token=0.0001,
    prefill_ms_per_token=0.02,
    request_ms=4.0,
)


def test_time_between_knots_is_interpolated_and_past_the_last_continues_its_slope() -> None:
    assert STEP.decode_ms(1) == 7.0
    assert STEP.decode_ms(36) == pytest.approx(9.25)
    assert STEP.decode_ms(120) == pytest.approx(14.5)


@given(st.integers(1, 500), st.integers(1, 500))
def test_a_larger_batch_never_takes_less_time(a: int, b: int) -> None:
    assert STEP.decode_ms(min(a, b)) <= STEP.decode_ms(max(a, b))


def test_knots_must_start_at_one_and_rise() -> None:
    with pytest.raises(ValueError, match="first knot"):
        StepCost((2, 4), (1.0, 2.0), 0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="rise"):
        StepCost((1, 1), (1.0, 2.0), 0.0, 0.0, 0.0)
