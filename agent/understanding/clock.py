"""Hours of the day: "9am-5pm", "between midnight and 6am", "von 8 bis 18 Uhr"."""

import re
from dataclasses import dataclass

_TIME = (
    r"(?:\d{1,2}(?:[:.h]\d{2})?\s?(?:am|pm|a\.m\.|p\.m\.|h|uhr|o'clock)?"
    r"|midnight|noon|mitternacht|minuit|midi|medianoche)"
)
_WINDOW = re.compile(
    rf"(?<![\w.,$€£])(?P<start>{_TIME})\s?(?:-|to|until|till|and|bis|und|a|et|y|h?\s?-)\s?(?:las\s|les\s)?(?P<end>{_TIME})(?![\w%$€])"
)
_PARTS = re.compile(r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2}))?\s?(?P<half>am|pm|a\.m\.|p\.m\.)?")
_SURE = re.compile(r"am\b|pm\b|a\.m|p\.m|uhr|\d:\d\d|midnight|noon|mitternacht|minuit|medianoche|\dh\b|\dh\d\d|o'clock")
_NAMED = {"midnight": 0.0, "mitternacht": 0.0, "minuit": 0.0, "medianoche": 0.0, "noon": 12.0, "midi": 12.0}


@dataclass(frozen=True, slots=True)
class HoursOfDay:
    """A window of the day at characters `start` to `end`; `hours` is its length."""

    start: int
    end: int
    hours: float
    at_night: bool


def _hour(text: str) -> float | None:
    if text.strip() in _NAMED:
        return _NAMED[text.strip()]
    match = _PARTS.match(text.strip())
    if not match:
        return None
    hour = float(match["hour"]) + float(match["minute"] or 0) / 60
    said = (match["half"] or "").replace(".", "")
    if said == "pm" and hour < 12:
        hour += 12
    if said == "am" and hour >= 12:
        hour -= 12
    return hour if hour <= 24 else None


def find_hours(folded: str) -> tuple[HoursOfDay, ...]:
    """Windows of the day that are said with am, pm, a colon or the like."""
    found = []
    for match in _WINDOW.finditer(folded):
        if not _SURE.search(match.group()):
            continue
        end = _hour(match["end"])
        start = _hour(match["start"])
        if start is None or end is None or start == end:
            continue
        at_night = start < 5 or (start >= 18 and 0 < end < start)
        found.append(HoursOfDay(match.start(), match.end(), (end - start) % 24, at_night))
    return tuple(found)
