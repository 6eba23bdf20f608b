"""One message, read: its tokens, names and quantities, and which quantities have found a role."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agent.understanding.accelerators import AcceleratorMention
from agent.understanding.clock import HoursOfDay
from agent.understanding.context import Context
from agent.understanding.models import ModelMention
from agent.understanding.quantities import Quantity
from agent.understanding.text import Token


@dataclass(slots=True)
class Scene:
    """What the role readers share. `used` holds the first tokens of quantities that have found their role."""

    message: str
    folded: str
    tokens: Sequence[Token]
    quantities: Sequence[Quantity]
    context: Context
    cards: Mapping[int, AcceleratorMention]
    models: Mapping[int, ModelMention]
    hours: Sequence[HoursOfDay] = ()
    workload: str | None = None
    used: set[int] = field(default_factory=set)
    _positions: dict[int, int] = field(default_factory=dict)

    @property
    def texts(self) -> tuple[str, ...]:
        """Folded words of the tokens."""
        return self.context.texts

    def open(self, *dimensions: str | None) -> Iterator[Quantity]:
        """Quantities of these dimensions that have no role yet."""
        for quantity in self.quantities:
            if quantity.first not in self.used and quantity.dimension in dimensions:
                yield quantity

    def use(self, *quantities: Quantity) -> None:
        """Note that the quantities have found their role."""
        self.used.update(each.first for each in quantities)

    def span(self, quantity: Quantity) -> tuple[int, int]:
        """Characters of a quantity with its unit and rate."""
        return self.tokens[quantity.first].start, self.tokens[quantity.last - 1].end

    def characters(self, first: int, last: int) -> tuple[int, int]:
        """Characters of tokens `first` to `last` (exclusive)."""
        return self.tokens[first].start, self.tokens[last - 1].end

    def before(self, quantity: Quantity, count: int) -> tuple[str, ...]:
        """The words just before a quantity, within its sentence."""
        low, _ = self.context.bounds(quantity)
        return self.texts[max(low, quantity.first - count) : quantity.first]

    def before_token(self, at: int) -> tuple[str, ...]:
        """The two words just before a token."""
        return self.texts[max(at - 2, 0) : at]

    def behind(self, quantity: Quantity, count: int) -> tuple[str, ...]:
        """The words just behind a quantity, within its sentence."""
        _, high = self.context.bounds(quantity)
        return self.texts[quantity.last : min(high, quantity.last + count)]

    def preceding(self, quantity: Quantity) -> Quantity | None:
        """The quantity before this one."""
        at = self._position(quantity)
        return self.quantities[at - 1] if at else None

    def following(self, quantity: Quantity) -> Quantity | None:
        """The quantity behind this one."""
        at = self._position(quantity) + 1
        return self.quantities[at] if at < len(self.quantities) else None

    def _position(self, quantity: Quantity) -> int:
        if not self._positions:
            self._positions = {each.first: at for at, each in enumerate(self.quantities)}
        return self._positions[quantity.first]


def unusable(quantity: Quantity) -> str:
    """Why a quantity cannot be a value of any field: vague, zero or negative; empty when it can."""
    if quantity.number.vague:
        return "only a magnitude, not a number"
    if quantity.negative:
        return "a negative number"
    if quantity.value <= 0:
        return "zero is not a possible value"
    if quantity.value == float("inf"):
        return "too large a number"
    return ""
