"""What a billing mode says: how a request is scheduled, whether its prompt was cached, from which length on it applies.

Modes are written like `batch_cached_input_1h_above_200k`: schedule, what is billed, how long a cache entry lives, and
the prompt length in thousands of tokens above which this rate counts.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

STANDARD = "standard"
_BILLED = re.compile(r"_?(per_token_reasoning|per_token|per_unit|cached_input)")
_ABOVE = re.compile(r"_above_(\d+)k$")
_LIFE = re.compile(r"_(1h|12h)$")


@dataclass(frozen=True, slots=True)
class BillingMode:
    """A parsed billing mode. `above_tokens`: the rate of prompts longer than this; 0 is the base rate."""

    schedule: str
    cached: bool
    reasoning: bool
    cache_life: str
    above_tokens: int


@lru_cache(maxsize=512)
def parse_billing_mode(text: str) -> BillingMode:
    """Read a billing mode; one that is neither per token nor per unit is a schedule of its own (`spot`)."""
    above = _ABOVE.search(text)
    rest = _ABOVE.sub("", text)
    life = _LIFE.search(rest)
    rest = _LIFE.sub("", rest) if "cached_input" in rest else rest
    billed = _BILLED.search(rest)
    schedule = _BILLED.sub("", rest) or STANDARD
    kind = billed[1] if billed else ""
    return BillingMode(
        schedule=schedule,
        cached=kind == "cached_input",
        reasoning=kind == "per_token_reasoning",
        cache_life=life[1] if life and kind == "cached_input" else "",
        above_tokens=int(above[1]) * 1000 if above else 0,
    )


def component(mode: BillingMode, direction: str) -> str:
    """Name what a price is one part of: input, output, cache_read, cache_write, cache_write_1h, reasoning, na."""
    if mode.reasoning:
        return "reasoning"
    return f"{direction}_{mode.cache_life}" if mode.cache_life else direction
