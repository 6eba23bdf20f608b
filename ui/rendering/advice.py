"""What was worked out beyond the options: relaxations, sensitivity, break-even, following the day, chances."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from templates.numbers import dollars

Json = Mapping[str, Any]

SHOWN = 8


def advice_view(plan: Json) -> RenderableType:
    """All of it, below each other."""
    found = plan["advice"]
    parts: list[RenderableType] = []
    if found.get("relaxations"):
        parts += [Text("What relaxing would save", style="bold"), *_lines(found["relaxations"])]
    if found.get("sensitivity"):
        parts.append(_sensitivity(found["sensitivity"]))
    if found.get("break_even"):
        parts.append(Text.assemble(("API or machines  ", "bold"), found["break_even"]["text"]))
    options = {option["id"]: option for option in plan["options"]}
    parts += [_sure(options[key], chance) for key, chance in found.get("chances", {}).items() if chance]
    days = found.get("autoscaling", {}).items()
    parts += [_day(options[key], day) for key, day in days if day and day["saving_usd"] > 0]
    return Group(*parts)


def _lines(outcomes: list[Json]) -> list[Text]:
    return [Text(f"  · {each['text']}") for each in outcomes[:SHOWN]]


def _sensitivity(outcomes: list[Json]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title="What moves the cost", title_justify="left"
    )
    for name in ("change", "a month", "difference", "then"):
        table.add_column(name, justify="right" if name in ("a month", "difference") else "left")
    for each in outcomes:
        if each["monthly_usd"] is None:
            table.add_row(each["text"], Text("infeasible", style="red"), "", "")
            continue
        gap = -each["saving_usd"] if each["saving_usd"] is not None else None
        shown = "same" if not gap else f"{'+' if gap > 0 else '−'}{dollars(abs(gap))}"
        table.add_row(each["text"], dollars(each["monthly_usd"]), shown, each["what"] or "")
    return table


def _name(option: Json) -> str:
    return f"{str(option['model_id']).rsplit('/', 1)[-1]} on {option['gpu_type']}"


def _sure(option: Json, chance: Json) -> Text:
    low, high = chance["monthly_usd_80"]
    text = f"{chance['text']}, all targets {chance['together']:.2f}; bill {dollars(low)} to {dollars(high)} a month"
    if chance["within_budget"] is not None:
        text += f", within the budget {chance['within_budget']:.2f}"
    return Text.assemble((f"How sure  {_name(option)}: ", "bold"), text)


def _day(option: Json, day: Json) -> Text:
    text = f"{day['min_replicas']} to {day['max_replicas']} replicas, {dollars(day['monthly_usd'])} a month"
    return Text.assemble(
        (f"Following the day  {_name(option)}: ", "bold"), f"{text} instead of {dollars(day['fixed_monthly_usd'])}"
    )
