"""Time as the records write it: UTC, ISO 8601, microseconds, so that text order is time order."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present, for callers that bring no clock of their own."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """`2026-11-21T13:02:48.000000Z`; a naive moment is a programming error."""
    if moment.tzinfo is None:
        raise ValueError("records need a moment with a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
