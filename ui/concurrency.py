"""How much may run at once in this process: the usual numbers, and what `SEXTANT_CONCURRENCY` says instead."""

from collections.abc import Mapping

from agent.slots import Bounds
from agent.turns import USUAL as TURNS
from knowledge.errors import BadInput

USUAL: Mapping[str, int] = {
    "turns": TURNS.process, "turns_person": TURNS.person, "plans": 8, "plans_person": 4, "uploads": 4,
    "uploads_person": 2, "wait_s": 5,
}  # fmt: skip


def bounds(what: str, said: Mapping[str, int]) -> Bounds:
    """The bounds of `turns`, `plans` or `uploads`. Raises BadInput for a name that is none."""
    if unknown := sorted(set(said) - set(USUAL)):
        names = ", ".join(USUAL)
        raise BadInput(
            f"SEXTANT_CONCURRENCY knows no {unknown[0][:40]!r}", f"one of {names}", field="SEXTANT_CONCURRENCY"
        )
    numbers = {**USUAL, **said}
    return Bounds(numbers[what], numbers[f"{what}_person"], numbers["wait_s"])
