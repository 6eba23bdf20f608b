"""Two plans side by side: what was changed, and what it does to the traffic, the targets and each list's pick."""

from collections.abc import Mapping, Sequence
from typing import Any

from tools.editing import changed_paths
from tools.planner.planning import Plan

Json = dict[str, Any]

_PICKS = ("balanced", "lowest_cost", "lowest_latency", "best_quality")
_FIELDS = (
    ("model_id",),
    ("kind",),
    ("gpu_type",),
    ("quantization",),
    ("tensor_parallel",),
    ("replicas",),
    ("gpu_count",),
    ("provider",),
    ("billing",),
    ("cost", "monthly_usd"),
    ("cost", "per_1k_tokens_usd"),
    ("predicted", "ttft_ms", "p90"),
    ("predicted", "tpot_ms", "p90"),
    ("predicted", "e2e_ms", "p90"),
    ("predicted", "utilization"),
    ("network", "round_trip_ms"),
    ("quality", "score"),
    ("risk", "total"),
)
_TRAFFIC = ("qps", "peak_qps", "requests_per_day", "tokens_per_day", "context_tokens")
_TARGETS = ("percentile", "ttft_ms", "tpot_ms", "e2e_ms", "quality", "reliability_percent")


def difference(before: Plan, after: Plan) -> list[Json]:
    """Every field that differs: the intent's, the traffic's and targets', and those of each list's first option.

    A row is `{"field", "before", "after", "difference", "percent"}`; the last two are numbers where both sides are.
    """
    rows = [_row(f"intent.{path}", old, new) for path, (old, new) in changed_paths(before.intent, after.intent).items()]
    sides = before.to_json(), after.to_json()
    rows += _rows("traffic", _TRAFFIC, sides) + _rows("slo", _TARGETS, sides)
    for name in _PICKS:
        old, new = before.best(name), after.best(name)
        left, right = old.to_json() if old else {}, new.to_json() if new else {}
        for path in _FIELDS:
            rows.append(_row(".".join((name, *path)), _at(left, path), _at(right, path)))
    return [row for row in rows if row["before"] != row["after"]]


def options_beside(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Json]:
    """Two options (as JSON) field by field, the fields that are the same left out."""
    rows = [_row(".".join(path), _at(before, path), _at(after, path)) for path in _FIELDS]
    return [row for row in rows if row["before"] != row["after"]]


def _rows(part: str, names: Sequence[str], sides: tuple[Mapping[str, Any], Mapping[str, Any]]) -> list[Json]:
    return [_row(f"{part}.{name}", sides[0][part][name], sides[1][part][name]) for name in names]


def _at(values: Mapping[str, Any], path: Sequence[str]) -> Any:
    found: Any = values
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _row(field: str, before: Any, after: Any) -> Json:
    gap = percent = None
    if _is_number(before) and _is_number(after):
        gap = round(after - before, 6)
        percent = round(100 * gap / before, 2) if before else None
    return {"field": field, "before": before, "after": after, "difference": gap, "percent": percent}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
