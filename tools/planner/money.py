"""Bills: lines in cents that sum to the total exactly, rounded once."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a monthly bill. `quantity` × `unit_usd` is `usd` up to the rounding to cents."""

    item: str
    quantity: float
    unit: str
    unit_usd: float
    usd: float


def line(item: str, quantity: float, unit: str, unit_usd: float) -> Line:
    """A line rounded to cents."""
    return Line(item, quantity, unit, unit_usd, round(quantity * unit_usd, 2))


@dataclass(frozen=True, slots=True)
class Cost:
    """What an option costs. None where nothing is known of it (owned hardware without power rates)."""

    hourly_usd: float | None
    monthly_usd: float | None
    per_1k_tokens_usd: float | None
    lines: tuple[Line, ...]

    def to_json(self) -> dict[str, Any]:
        """`cost` of an option."""
        return {
            "hourly_usd": self.hourly_usd,
            "monthly_usd": self.monthly_usd,
            "per_1k_tokens_usd": self.per_1k_tokens_usd,
            "lines": [
                {"item": x.item, "quantity": x.quantity, "unit": x.unit, "unit_usd": x.unit_usd, "usd": x.usd}
                for x in self.lines
            ],
        }


def bill(lines: tuple[Line, ...], *, tokens_per_month: float, hours_per_month: float) -> Cost:
    """A month's bill; the hourly figure is the mean over the hours that are paid."""
    total = round(sum((x.usd for x in lines), 0.0), 2)
    per_1k = round(total / tokens_per_month * 1000, 8) if tokens_per_month else None
    return Cost(round(total / hours_per_month, 4), total, per_1k, lines)


UNKNOWN_COST = Cost(None, None, None, ())
