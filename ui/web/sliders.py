"""Sliders of the options: the time to first token, the load and the budget, each over a decade up and down."""

from collections.abc import Mapping
from math import floor, log10
from typing import Any

from agent.specification import LOAD_FIELDS
from templates.numbers import amount, dollars

Json = dict[str, Any]

TTFT, BUDGET, VOLUME = "target_ttft_p90_ms", "budget.max_monthly_cost_usd", "usage.quantity"
NO_LIMIT = "no limit"

_STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
_WHOLE = frozenset({"total_users", "concurrent_users"})


def sliders(spec: Json, options: list[Json]) -> list[Json]:
    """For a card's specification and its options: key, label, values that a slider stops at, their words, where it is.

    A value of None clears the field: no limit.
    """
    fields = {field["key"]: field for group in spec["groups"] for field in group["fields"]}
    made = [
        _slider(fields.get(TTFT), "First token within", "{} ms"),
        _slider(_load(fields), "", "{}"),
        _budget(fields.get(BUDGET), options),
    ]
    return [each for each in made if each is not None]


def _load(fields: Mapping[str, Json]) -> Json | None:
    """The field in which the load was said, else requests a day."""
    said = next(
        (fields[key] for key in LOAD_FIELDS if key in fields and fields[key]["source"] in ("said", "edited")), None
    )
    return said or fields.get(VOLUME) or fields.get("requests_per_day")


def _slider(field: Json | None, label: str, form: str) -> Json | None:
    if field is None or not field["value"]:
        return None
    whole = field["key"] in _WHOLE
    values = stops(float(field["value"]), whole=whole)
    return {
        "key": field["key"],
        "label": label or field["label"],
        "values": values,
        "texts": [form.format(amount(value)) + (f" {field['unit']}" if not label else "") for value in values],
        "at": values.index(min(values, key=lambda value: abs(value - field["value"]))),
    }


def _budget(field: Json | None, options: list[Json]) -> Json | None:
    """The budget; without one the slider begins at no limit, around what the options cost."""
    said = field["value"] if field is not None else None
    costs = sorted(each["cost"]["monthly_usd"] for each in options if each["cost"]["monthly_usd"])
    middle = said or (costs[len(costs) // 2] if costs else None)
    if not middle:
        return None
    values: list[float | None] = [*stops(float(middle), whole=False, exact=said is not None), None]
    return {
        "key": BUDGET,
        "label": "At most a month",
        "values": values,
        "texts": [NO_LIMIT if value is None else dollars(value) for value in values],
        "at": values.index(float(said)) if said else len(values) - 1,
    }


def stops(middle: float, *, whole: bool, exact: bool = True) -> list[float]:
    """Round values from a tenth to ten times `middle`, and `middle` itself when `exact`; rising."""
    low, high = middle / 10, middle * 10
    powers = range(floor(log10(low)), floor(log10(high)) + 1)
    found = {round(step * 10.0**power, 6) for power in powers for step in _STEPS}
    inside = {value for value in found if low <= value <= high} | ({middle} if exact else set())
    return sorted({float(max(round(value), 1)) for value in inside} if whole else inside)
