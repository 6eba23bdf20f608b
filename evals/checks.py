"""Claims about a turn. Each check returns the faults it found; none means that the claim holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.events import Asked, Event, Failed, Report, Said
from agent.sessions import View
from evals.scenario import Expectation
from tools.editing import look_up

RELATIVE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """How many expected slots were filled right, missed, and filled although they must not be."""

    right: int = 0
    missed: int = 0
    false: int = 0

    def __add__(self, other: "SlotCounts") -> "SlotCounts":
        return SlotCounts(self.right + other.right, self.missed + other.missed, self.false + other.false)

    @property
    def precision(self) -> float:
        """Share of filled slots that are right; 1 when none was filled."""
        filled = self.right + self.false
        return self.right / filled if filled else 1.0

    @property
    def recall(self) -> float:
        """Share of expected slots that are right; 1 when none was expected."""
        expected = self.right + self.missed
        return self.right / expected if expected else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def same(expected: Any, found: Any) -> bool:
    """Equality of values; numbers within rounding, `{min, max}` as a range, lists in any order."""
    if isinstance(expected, Mapping) and set(expected) <= {"min", "max"}:
        return found is not None and expected.get("min", found) <= found <= expected.get("max", found)
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return all(same(value, found.get(key)) for key, value in expected.items())
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return abs(expected - found) <= RELATIVE_TOLERANCE * max(1.0, abs(expected))
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        return len(expected) == len(found) and all(any(same(item, other) for other in found) for item in expected)
    return bool(expected == found)


def slot_counts(expected: Expectation, intent: Mapping[str, Any]) -> SlotCounts:
    """Right, missed and false slots of a turn; a wrong value is both missed and false."""
    right = missed = false = 0
    for path, value in expected.slots.items():
        found = look_up(intent, path)
        if same(value, found):
            right += 1
        else:
            missed += 1
            false += found is not None
    false += sum(look_up(intent, path) not in (None, []) for path in expected.not_slots)
    return SlotCounts(right, missed, false)


def faults(expected: Expectation, events: Sequence[Event], failure: str | None, view: View | None) -> list[str]:
    """Everything that does not hold."""
    intent = view.intent if view else {}
    found = [
        f"slot {path}: expected {value!r}, found {look_up(intent, path)!r}"
        for path, value in expected.slots.items()
        if not same(value, look_up(intent, path))
    ]
    found += [
        f"slot {path} must be empty, found {look_up(intent, path)!r}"
        for path in expected.not_slots
        if look_up(intent, path) not in (None, [])
    ]
    return found + _event_faults(expected, events, failure) + _view_faults(expected, view)


def _event_faults(expected: Expectation, events: Sequence[Event], failure: str | None) -> list[str]:
    kinds = {type(event).__name__.lower() for event in events}
    found = [f"no event of type {kind}" for kind in expected.events if kind not in kinds]
    failed = [event.message for event in events if isinstance(event, Failed)] + ([failure] if failure else [])
    if failed and not expected.errors:
        found.append(f"failed: {failed[0]}")
    found += [f"no error about {word!r}" for word in expected.errors if not any(word in text for text in failed)]
    if expected.asks is not None:
        asked = {event.field for event in events if isinstance(event, Asked)}
        if asked != set(expected.asks):
            found.append(f"asked about {sorted(asked)}, expected {sorted(expected.asks)}")
    said = "\n".join(event.text for event in events if isinstance(event, Said))
    found += [f"{word!r} was not said" for word in expected.says if word.lower() not in said.lower()]
    verdicts = [event.report.get("verdict") for event in events if isinstance(event, Report)]
    if expected.verdict is not None and expected.verdict not in verdicts:
        found.append(f"verdict {verdicts}, expected {expected.verdict}")
    return found


def _view_faults(expected: Expectation, view: View | None) -> list[str]:
    found = []
    awaiting = (view.awaiting if view else None) or "words"
    if expected.awaiting is not None and awaiting != expected.awaiting:
        found.append(f"awaiting {awaiting}, expected {expected.awaiting}")
    chosen = view.chosen_option if view else None
    found += [
        f"plan {path}: expected {value!r}, found {look_up(chosen, path)!r}"
        for path, value in expected.plan.items()
        if not same(value, look_up(chosen, path))
    ]
    return found
