"""Changing an intent by dotted path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import BadInput, NotFound
from tools.editing import changed_paths, edit, read_assignment
from tools.intent import Intent


def test_a_nested_value_is_set_and_cleared_again() -> None:
    with_budget = edit(Intent(), {"budget.max_monthly_cost_usd": 5000, "total_users": 1000})
    assert with_budget.budget is not None
    assert with_budget.budget.max_monthly_cost_usd == 5000
    assert edit(with_budget, {"budget": None, "total_users": None}) == Intent()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("total_users", 0),
        ("total_users", -3),
        ("expected_qps", float("nan")),
        ("expected_qps", float("inf")),
        ("total_users", 1e30),
        ("target_ttft_p90_ms", "soon"),
        ("priority", "speed"),
        ("budget.currency", "dollars"),
        ("budget", 5),
    ],
)
def test_an_unusable_value_is_refused_and_the_field_is_named(path: str, value: object) -> None:
    with pytest.raises(BadInput) as error:
        edit(Intent(), {path: value})
    assert path.split(".", maxsplit=1)[0] in error.value.message


def test_an_unknown_field_names_its_neighbours() -> None:
    with pytest.raises(NotFound) as error:
        read_assignment("total_user=5")
    assert "total_users" in error.value.near


@pytest.mark.parametrize(
    ("typed", "path", "value"),
    [
        ("total_users=2000", "total_users", 2000),
        ("priority=cost", "priority", "cost"),
        ("gpu_types=H100, L40S", "gpu_types", ["H100", "L40S"]),
        ("budget.max_monthly_cost_usd=null", "budget.max_monthly_cost_usd", None),
        ('available_gpus=[{"gpu_type":"H100","count":8}]', "available_gpus", [{"gpu_type": "H100", "count": 8}]),
    ],
)
def test_assignments_read_as_people_type_them(typed: str, path: str, value: object) -> None:
    assert read_assignment(typed) == (path, value)


@given(st.integers(1, 10**9), st.floats(0.01, 1e6))
def test_setting_what_is_set_changes_nothing(users: int, qps: float) -> None:
    once = edit(Intent(), {"total_users": users, "expected_qps": qps})
    assert edit(once, {"total_users": users, "expected_qps": qps}) == once
    assert set(changed_paths(Intent(), once)) == {"total_users", "expected_qps"}
