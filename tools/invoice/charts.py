"""Geometry of the bars in a report; a template draws them, so that every label is escaped there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 760
BAR_HEIGHT = 20
GAP = 8
LABELS = 220
DAY_HEIGHT = 160
FEWEST_DAY_LABELS = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its label and its value, in SVG pixels."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars and the size of the drawing."""

    title: str
    width: int
    height: int
    bars: tuple[Bar, ...]
    label_every: int = 1


def ranked_bars(title: str, entries: Sequence[Mapping[str, Any]]) -> Chart:
    """Horizontal bars of named amounts, as long as they are big; negative amounts have no length."""
    largest = max((entry["amount_usd"] for entry in entries), default=0) or 1
    room = WIDTH - LABELS - 110
    bars = tuple(
        Bar(
            x=LABELS,
            y=place * (BAR_HEIGHT + GAP),
            width=round(max(0.0, entry["amount_usd"]) / largest * room, 1),
            height=BAR_HEIGHT,
            label=_short(str(entry["name"])),
            value=f"{entry['amount_usd']:,.2f}",
        )
        for place, entry in enumerate(entries)
    )
    return Chart(title, WIDTH, max(1, len(bars)) * (BAR_HEIGHT + GAP), bars)


def daily_bars(title: str, entries: Sequence[Mapping[str, Any]]) -> Chart:
    """One column per day."""
    largest = max((entry["amount_usd"] for entry in entries), default=0) or 1
    step = WIDTH / max(1, len(entries))
    bars = []
    for place, entry in enumerate(entries):
        height = round(max(0.0, entry["amount_usd"]) / largest * DAY_HEIGHT, 1)
        value = f"{entry['date']}: {entry['amount_usd']:,.2f}"
        bars.append(
            Bar(round(place * step, 1), DAY_HEIGHT - height, round(step * 0.8, 1), height, entry["date"], value)
        )
    return Chart(title, WIDTH, DAY_HEIGHT + 24, tuple(bars), max(1, len(bars) // FEWEST_DAY_LABELS))


def _short(label: str) -> str:
    return label if len(label) <= 32 else f"{label[:31]}…"
