"""How two options differ, in one sentence that anyone understands."""

from agent.state import Json
from templates.answers import answer


def differing(first: Json, second: Json) -> str:
    """What `second` costs more or less than `first`, how much sooner it answers, and how its quality compares."""
    if first["id"] == second["id"]:
        return ""
    sides = [_side(option) for option in (first, second)]
    gaps = {
        name: None if sides[0][name] is None or sides[1][name] is None else sides[1][name] - sides[0][name]
        for name in sides[0]
    }
    return answer("differing", first=first, second=second, gaps=gaps, before=sides[0])


def _side(option: Json) -> Json:
    times = (option.get("predicted") or {}).get("ttft_ms") or {}
    return {
        "monthly_usd": option["cost"]["monthly_usd"],
        "ttft_p90_ms": times.get("p90"),
        "quality": option["quality"]["score"],
    }
