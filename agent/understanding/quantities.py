"""Quantities: a number with its unit, its rate and its range, as one thing with a span."""

from dataclasses import dataclass

from agent.understanding.numerals import Number
from agent.understanding.vocabulary.units import PERIOD_SECONDS, Unit

PERIODS = frozenset(PERIOD_SECONDS)


@dataclass(frozen=True, slots=True)
class Per:
    """What stands behind "per": a kind, and how many of it ("per 1k tokens" is 1000)."""

    kind: str
    amount: float = 1.0


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that counts something, at tokens `first` to `last` (exclusive).

    `high` is the upper end of a range. `core_last` is the index behind number and unit, without the rate.
    `name` is the token of an accelerator that is counted.
    """

    number: Number
    value: float
    high: float | None
    unit: Unit | None
    pers: tuple[Per, ...]
    first: int
    last: int
    core_last: int
    currency: str | None = None
    negative: bool = False
    name: int | None = None
    period_hit: tuple[int, int] | None = None

    @property
    def dimension(self) -> str | None:
        """Dimension of the unit; "money" where a currency stands."""
        return "money" if self.currency else self.unit.dimension if self.unit else None

    def per(self, kind: str) -> Per | None:
        """The rate by that kind, where one is said."""
        return next((per for per in self.pers if per.kind == kind), None)

    @property
    def period(self) -> Per | None:
        """The period of the rate; `amount` is how many of it."""
        return next((per for per in self.pers if per.kind in PERIODS), None)

    @property
    def top(self) -> float:
        """The upper end of a range, or the value."""
        return self.high if self.high is not None else self.value


def period_seconds(per: Per) -> float:
    """Length of a period in seconds: a month is 30.42 days, a year 12 months."""
    return PERIOD_SECONDS[per.kind] * per.amount
