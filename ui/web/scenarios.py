"""Kept scenarios as plain values."""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.card import GROUPS
from knowledge.records import Scenario
from tools.editing import look_up
from ui.rendering.option_words import option_words
from ui.web.props import written

Json = dict[str, Any]


def scenario_props(scenarios: Sequence[Scenario]) -> list[Json]:
    """Kept scenarios with what was said in each and the option it chose; fields in the order of the card."""
    return [
        {
            "name": each.name,
            "at": each.updated_at[:16].replace("T", " "),
            "said": _said(each.overrides.get("intent") or {}),
            "option": option_words(each.plan, None) if each.plan else None,
        }
        for each in scenarios
    ]


def _said(intent: Mapping[str, Any]) -> list[Json]:
    lines = [line for _, lines in GROUPS for line in lines]
    found = [(line, look_up(dict(intent), line.path)) for line in lines]
    return [
        {"field": line.path, "label": line.label, "text": " ".join(filter(None, (written(value), line.unit)))}
        for line, value in found
        if value is not None
    ]
