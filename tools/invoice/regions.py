"""Regions of bills against those of price lists: the very region first, then its part of the world, then everywhere."""

import re
from functools import lru_cache

_PARTS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"us-?gov-?(?:east|west)?"), ("us-gov",)),
    (re.compile(r"ap-northeast-[13]|japan|jp|asia-northeast[12]"), ("jp", "apac")),
    (re.compile(r"ap-southeast-[24]|australia|au$"), ("au", "apac")),
    (re.compile(r"ap-|asia|southeastasia|eastasia|korea|india|apac"), ("apac",)),
    (
        re.compile(
            r"eu-|europe|(?:west|north)europe|sweden|france|germany|switzerland|italy|spain|poland|norway|uk|eu$"
        ),
        ("eu",),
    ),
    (re.compile(r"us-|us$|.*us\d?$|northamerica"), ("us",)),
)


@lru_cache(maxsize=1024)
def regions_to_try(region: str) -> tuple[str, ...]:
    """Regions of a price list in the order in which they fit a bill's region; only `global` for a global charge."""
    name = region.strip().lower()
    if name in {"", "global"}:
        return ("global",)
    for pattern, parts in _PARTS:
        if pattern.match(name):
            return (name, *parts, "regional", "global")
    return (name, "regional", "global")
