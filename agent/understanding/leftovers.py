"""Numbers that found no role are shown and asked about; idle words ("one of them", "3 languages") are not."""

from agent.understanding.draft import Draft
from agent.understanding.quantities import Quantity
from agent.understanding.scene import Scene, unusable

_WHY = {
    "time": "a time, not said of what",
    "span": "a span of time, not said of what",
    "token": "a number of tokens, not said whether prompt, answer or context",
    "percent": "a share, not said of what",
    "memory": "an amount of memory; name the accelerator instead",
    "model_size": "a model size without a family",
    "word": "a length in words; lengths are planned in tokens",
    "page": "a length in pages; lengths are planned in tokens",
    "times": "a multiple, not said of what",
    "node": "a number of machines, not said what they hold",
    "gpu": "a number of accelerators",
    "money": "a sum of money, not said for what",
    "replica": "a number of replicas; replicas are planned from the load",
    "kwh": "an amount of energy",
    "audio": "an amount of audio",
}
_SILENT = frozenset(["step", "bit", "watt"])


def doubt_leftovers(scene: Scene, draft: Draft) -> None:
    """Put every quantity without a role among the unresolved."""
    for quantity in scene.quantities:
        if quantity.first in scene.used or _is_idle(scene, quantity):
            continue
        why = unusable(quantity) or _WHY.get(quantity.dimension or "", "a number without a role")
        draft.doubt(*scene.span(quantity), why)


def _is_idle(scene: Scene, quantity: Quantity) -> bool:
    if quantity.number.soft or quantity.dimension in _SILENT:
        return True
    spelled = scene.tokens[quantity.number.first].kind != "number"
    if spelled and (quantity.unit is None and quantity.currency is None) and quantity.value <= 12:
        return True
    if quantity.number.vague and quantity.unit is None:
        return True
    return quantity.dimension == "span" and scene.context.nearest(quantity, ("idle", "growth"), 4.0) is not None
