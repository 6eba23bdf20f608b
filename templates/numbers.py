"""Numbers as people read them."""

from math import floor, log10
from typing import Any


def amount(value: Any) -> str:
    """A value in few characters: thousands separated, no more digits than carry meaning."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if value == 0 or value.is_integer():
            return f"{value:,.0f}"
        if abs(value) >= 100:
            return f"{value:,.0f}"
        return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.3g}"
    if isinstance(value, list | tuple):
        return ", ".join(amount(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {amount(item)}" for key, item in value.items() if item is not None)
    return str(value)


def dollars(value: float | None) -> str:
    """US dollars: cents only where they matter."""
    if value is None:
        return "–"
    if value == 0:
        return "$0"
    if abs(value) >= 0.1:
        return f"${value:,.0f}" if abs(value) >= 100 else f"${value:,.2f}"
    return f"${value:.2f}" if round(value, 2) == value else f"${value:.{2 - floor(log10(abs(value)))}f}"


def rate(requests_per_s: float) -> str:
    """Requests over the time in which they can be counted: a second, a minute or an hour."""
    if requests_per_s >= 0.5:
        return f"{requests_per_s:,.3g} requests/s"
    if requests_per_s * 60 >= 1:
        return f"{requests_per_s * 60:,.3g} requests a minute"
    return f"{requests_per_s * 3600:,.3g} requests an hour"
