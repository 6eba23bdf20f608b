"""Why a candidate is not offered: the rule, the number, and the smallest change that would admit it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """The value of one field of the intent that would admit a candidate; `value` None: leave the field unsaid."""

    field: str
    value: Any
    monthly_usd: float | None = None  # what the cheapest plan then costs, where it was worked out


@dataclass(frozen=True, slots=True)
class Miss:
    """The nearest miss of one rule and model. `value` and `limit` share `unit`."""

    rule: str
    model_id: str | None
    what: str  # the candidate in words
    value: float | str | None
    limit: float | str | None
    unit: str
    change: Change | None
    text: str

    def to_json(self) -> dict[str, Any]:
        """One entry of `rejected.nearest`."""
        change = None
        if self.change is not None:
            change = {"field": self.change.field, "value": self.change.value}
            if self.change.monthly_usd is not None:
                change["monthly_usd"] = self.change.monthly_usd
        return {
            "rule": self.rule,
            "model_id": self.model_id,
            "candidate": self.what,
            "value": float(self.value) if isinstance(self.value, float) else self.value,
            "limit": self.limit,
            "unit": self.unit,
            "change": change,
            "text": self.text,
        }


@dataclass(slots=True)
class Ledger:
    """Counts every rejection under its rule and keeps the misses, while a plan is made."""

    counts: dict[str, int] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    misses: list[Miss] = field(default_factory=list)

    def count(self, rule: str, number: int, unit: str) -> None:
        """Add `number` rejected things of a kind: models, sellers or configurations."""
        if number:
            self.counts[rule] = self.counts.get(rule, 0) + number
            self.units[rule] = unit

    def add(self, misses: Iterable[Miss]) -> None:
        """Keep misses; their order is the order of presentation within a rule."""
        self.misses.extend(misses)

    def nearest(self, per_rule: int) -> "Ledger":
        """The same counts with the first misses of each rule."""
        of_rule = {rule: [miss for miss in self.misses if miss.rule == rule] for rule in self.counts}
        return Ledger(self.counts, self.units, [miss for misses in of_rule.values() for miss in misses[:per_rule]])

    def to_json(self, per_rule: int) -> dict[str, Any]:
        """`rejected` of the plan: counts by rule with what was counted, and the nearest misses."""
        shown = [miss.to_json() for miss in self.nearest(per_rule).misses]
        return {"counts": self.counts, "counted": self.units, "nearest": shown}
