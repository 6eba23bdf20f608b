"""Repeatable randomness: the same seed and purpose give the same numbers on every machine."""

from random import Random


def chance(purpose: str, seed: int) -> Random:
    """A generator of its own for each purpose, so that one draw more here changes nothing there."""
    return Random(f"{purpose} {seed}")  # noqa: S311 - repeatable on purpose, nothing secret depends on it
