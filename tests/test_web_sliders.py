"""Sliders: they stand at what holds, stop at round values a decade up and down, and set the field that was said."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ui.web.sliders import BUDGET, NO_LIMIT, TTFT, sliders, stops


def spec(**fields: Any) -> dict[str, Any]:
    return {
        "groups": [
            {
                "name": "all",
                "fields": [
                    {"key": key.replace("__", "."), "label": key, "unit": "u", "value": value, "source": source}
                    for key, (value, source) in fields.items()
                ],
            }
        ]
    }


def priced(*usd: float) -> list[dict[str, Any]]:
    return [{"cost": {"monthly_usd": each}} for each in usd]


@given(st.floats(1e-3, 1e9), st.booleans())
def test_stops_rise_from_a_tenth_to_tenfold_through_the_value(value: float, whole: bool) -> None:
    found = stops(value, whole=whole)
    assert found == sorted(set(found))
    assert len(found) >= 2 or whole
    assert all(value / 10.01 <= each <= value * 10.01 for each in found) or whole
    if whole:
        assert all(each == int(each) >= 1 for each in found)
    else:
        assert value in found


def test_each_slider_stands_at_what_holds_now() -> None:
    made = {each["key"]: each for each in sliders(
        spec(target_ttft_p90_ms=(300.0, "template"), total_users=(1000, "said"), requests_per_day=(9000.0, "derived"),
             budget__max_monthly_cost_usd=(5000.0, "said")), priced(900.0))}  # fmt: skip
    assert set(made) == {TTFT, "total_users", BUDGET}
    assert made[TTFT]["values"][made[TTFT]["at"]] == 300
    assert made[TTFT]["texts"][made[TTFT]["at"]] == "300 ms"
    assert made["total_users"]["values"][made["total_users"]["at"]] == 1000
    assert made[BUDGET]["texts"][made[BUDGET]["at"]] == "$5,000"
    assert made[BUDGET]["values"][-1] is None
    assert made[BUDGET]["texts"][-1] == NO_LIMIT


def test_without_a_budget_its_slider_stands_at_no_limit_around_what_options_cost() -> None:
    (budget,) = (each for each in sliders(spec(requests_per_day=(50.0, "derived")), priced(400.0, 900.0, 2000.0))
                 if each["key"] == BUDGET)  # fmt: skip
    assert budget["texts"][budget["at"]] == NO_LIMIT
    assert min(value for value in budget["values"] if value) >= 90


def test_where_no_load_was_said_requests_a_day_are_moved_and_nothing_without_one() -> None:
    assert [each["key"] for each in sliders(spec(requests_per_day=(50.0, "derived")), [])] == ["requests_per_day"]
    assert sliders(spec(), []) == []
