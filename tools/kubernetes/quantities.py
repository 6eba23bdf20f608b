"""Kubernetes quantities: `1Gi` and `1024Mi` are the same."""

import re
from decimal import Decimal
from typing import Any

_QUANTITY = re.compile(r"^([+-]?[0-9.]+)([KMGTPE]i|[numkMGTPE]|)$")
_FACTORS = {"": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(10) ** 3,
            **{letter: Decimal(1000) ** power for power, letter in enumerate("MGTPE", start=2)},
            **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}}  # fmt: skip


def quantity(value: Any) -> Decimal | None:
    """The number that a quantity stands for, or None for what is none."""
    if isinstance(value, bool):
        return None
    match = _QUANTITY.match(str(value)) if isinstance(value, str | int | float) else None
    if match is None or match[1].count(".") > 1 or match[1] in (".", "+", "-"):
        return None
    return Decimal(match[1]) * _FACTORS[match[2]]


def same_value(applied: Any, live: Any) -> bool:
    """Equal, or equal as quantities; what is empty equals what is not there."""
    if applied == live or (applied in ({}, [], "", None) and live in ({}, [], "", None)):
        return True
    first, second = quantity(applied), quantity(live)
    return first is not None and first == second
