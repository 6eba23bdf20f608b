"""Plans in the length that an agent reads: the picks, what was said, and one nearest miss of every rule."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

PICKS = ("balanced", "lowest_cost", "lowest_latency", "best_quality")
NEIGHBOURS = 1


def brief(plan: Mapping[str, Any], limit: int) -> Json:
    """The first `limit` options of each pick; of the intent only what was said."""
    lists = {name: plan["lists"].get(name, [])[:limit] for name in PICKS}
    shown = {each for ids in lists.values() for each in ids}
    rejected = plan["rejected"]
    return {
        **plan,
        "intent": {name: value for name, value in plan["intent"].items() if value is not None},
        "options": [_option(each) for each in plan["options"] if each["id"] in shown],
        "options_in_all": len(plan["options"]),
        "lists": lists,
        "tuned": [each for each in plan["tuned"] if each in shown],
        "rejected": {**rejected, "nearest": _first_of_each_rule(rejected["nearest"])},
    }


def _option(option: Json) -> Json:
    """Without what is the same for all, or empty."""
    kept = {name: value for name, value in option.items() if value is not None and name != "sizing"}
    if option["predicted"] is not None:
        evidence = option["predicted"]["evidence"]
        few = {**evidence, "neighbours": evidence["neighbours"][:NEIGHBOURS]}
        kept["predicted"] = {**option["predicted"], "evidence": few}
    return kept


def _first_of_each_rule(misses: Sequence[Json]) -> list[Json]:
    found: dict[str, Json] = {}
    for miss in misses:
        found.setdefault(miss["rule"], miss)
    return list(found.values())
