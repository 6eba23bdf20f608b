"""Plots as plain shapes in SVG coordinates; pages and cards only write them down (`templates/reports`)."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 2.5, 5, 10)
_DECADE = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline; `kind` is its style. Without a label it is not named in the caption."""

    points: str
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """A filled shape; `kind` is its style."""

    points: str
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; `kind` is its style, `label` what it says under the pointer."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with a label; one with a `key` can be picked."""

    x: float
    y: float
    label: str
    kind: str = "predicted"
    radius: float = 4.0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Words in the plot; `anchor` is start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a plot, and the edges of its plot area within."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int


SMALL = Frame(432, 240, 52, 412, 10, 212)
WIDE = Frame(640, 292, 62, 622, 14, 252)


@dataclass(frozen=True, slots=True)
class Drawing:
    """One plot."""

    title: str
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    bars: tuple[Bar, ...] = ()
    x_ticks: tuple[Tick, ...] = ()
    y_ticks: tuple[Tick, ...] = ()
    areas: tuple[Area, ...] = ()
    notes: tuple[Note, ...] = ()
    x_title: str = ""
    words: str = ""
    """What the plot shows, for those who do not see it; empty: the title."""
    frame: Frame = SMALL


@dataclass(frozen=True, slots=True)
class Scale:
    """From values between `low` and `high` to coordinates between `start` and `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The coordinate of a value, which may lie outside."""
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(self.start + (self.end - self.start) * share, 1)

    def round_values(self, count: int = 5) -> tuple[float, ...]:
        """Round values between the ends, about `count` of them."""
        if not self.logarithmic:
            step = round_step((self.high - self.low) / max(count - 1, 1))
            first = math.ceil(self.low / step - 1e-9)
            return tuple(step * n for n in range(first, math.floor(self.high / step + 1e-9) + 1))
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        found = [unit * 10.0**power for power in powers for unit in _DECADE]
        inside = [value for value in found if self.low <= value <= self.high]
        return tuple(inside[:: max(1, -(-len(inside) // (count + 1)))])


def from_zero(values: Iterable[float | None], start: float, end: float, *, count: int = 5) -> Scale:
    """A linear scale from zero to a round number at or above the largest value."""
    highest = max((value for value in values if value is not None), default=1.0) or 1.0
    step = round_step(highest / max(count - 1, 1))
    return Scale(0.0, step * math.ceil(highest / step - 1e-9), start, end)


def round_step(least: float) -> float:
    """The smallest of 1, 2, 2.5, 5, 10 times a power of ten that is not below `least`."""
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(step * magnitude for step in _STEPS if step * magnitude >= least * (1 - 1e-9))


def joined(points: Sequence[tuple[float, float]]) -> str:
    """Points as SVG writes them."""
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def stepped(points: Sequence[tuple[float, float]], end: float) -> list[tuple[float, float]]:
    """A staircase: each value holds until the next point, the last until `end`."""
    corners: list[tuple[float, float]] = []
    for (x, y), following in zip(points, [*(x for x, _ in points[1:]), end], strict=True):
        corners += [(x, y), (following, y)]
    return corners
