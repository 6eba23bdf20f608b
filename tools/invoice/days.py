"""Days and months as bills write them: ISO, US or European order, names of months, epochs, days counted by Excel."""

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

DateOrder = Literal["month first", "day first"]
Span = tuple[str, str]

NO_DAYS: Span = ("", "")
EXCEL_EPOCH = date(1899, 12, 30)
# How names of months begin in the languages that bills here come in.
_MONTHS = {
    "juin": 6, "juil": 7,
    "jan": 1, "ene": 1, "gen": 1, "feb": 2, "fév": 2, "fev": 2, "mar": 3, "mär": 3, "mrz": 3, "maa": 3,
    "apr": 4, "avr": 4, "abr": 4, "may": 5, "mai": 5, "mag": 5, "mei": 5, "jun": 6, "giu": 6, "jul": 7, "lug": 7,
    "aug": 8, "aoû": 8, "aou": 8, "ago": 8, "sep": 9, "set": 9, "oct": 10, "okt": 10, "ott": 10, "out": 10,
    "nov": 11, "dec": 12, "dez": 12, "dic": 12, "déc": 12,
}  # fmt: skip
_NUMBERS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(20\d{2}|\d{2})(?!\d)")
_YEAR_FIRST = re.compile(r"(20\d{2})[/.](\d{1,2})[/.](\d{1,2})(?!\d)")
_COMPACT = re.compile(r"(20\d{2})(\d{2})(\d{2})?(?!\d)")
_YEAR_MONTH = re.compile(r"(20\d{2})[-/](\d{1,2})$")
_MONTH_YEAR = re.compile(r"(\d{1,2})/(20\d{2})$")
_DAY_NAMED = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|\.|er)?[\s-]+(?:de\s+)?([^\W\d_]{3,})\.?,?[\s-]+(?:de\s+)?(20\d{2}|\d{2})\b"
)
_NAMED_DAY = re.compile(r"([^\W\d_]{3,})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(20\d{2})\b")
_NAMED_MONTH = re.compile(r"([^\W\d_]{3,})\.?[\s-]+(?:de\s+)?(20\d{2}|\d{2})$")


def span_of(text: str, order: DateOrder = "month first") -> Span:
    """First and last ISO day that a date, a time, an epoch or a month stands for; two empty texts when it is none."""
    if len(text) >= 10 and text[4] == "-" and text[7] == "-":
        return text[:10], text[:10]
    return _unusual(text.strip(), order)


def date_order(samples: Iterable[str], usual: DateOrder) -> DateOrder:
    """The order of day and month that dates such as `25/10/2026` prove; `usual` without proof or in conflict."""
    found = [match for text in samples if (match := _NUMBERS.match(text.strip())) and match[2] != "."]
    days_first = any(int(match[1]) > 12 for match in found)
    months_first = any(int(match[3]) > 12 for match in found)
    if days_first == months_first:
        return usual
    return "day first" if days_first else "month first"


@lru_cache(maxsize=4096)
def last_day(span: Span, end: str, order: DateOrder, end_is_inside: bool) -> str:
    """The last day that a charge is for: its end, less one day where the end is the start of the next period."""
    until = span_of(end, order)[1]
    if not until or until <= span[0]:
        return span[1]
    return until if end_is_inside else _day_before(until)


@lru_cache(maxsize=4096)
def _unusual(text: str, order: DateOrder) -> Span:
    if match := _NUMBERS.match(text):
        first, second = int(match[1]), int(match[3])
        swapped = match[2] == "." or order == "day first"
        month, day = (second, first) if swapped else (first, second)
        if month > 12:
            month, day = day, month
        return _day(match[4], month, day)
    if match := _YEAR_FIRST.match(text):
        return _day(match[1], int(match[2]), int(match[3]))
    if match := _YEAR_MONTH.match(text):
        return _month(match[1], int(match[2]))
    if match := _MONTH_YEAR.match(text):
        return _month(match[2], int(match[1]))
    if match := _COMPACT.match(text):
        return _day(match[1], int(match[2]), int(match[3])) if match[3] else _month(match[1], int(match[2]))
    return _counted(text) if text.isdecimal() else _named(text)


def _named(text: str) -> Span:
    if match := _DAY_NAMED.match(text):
        return _day(match[3], _month_named(match[2]), int(match[1]))
    if match := _NAMED_DAY.match(text):
        return _day(match[3], _month_named(match[1]), int(match[2]))
    if match := _NAMED_MONTH.match(text):
        return _month(match[2], _month_named(match[1]))
    return NO_DAYS


def _counted(text: str) -> Span:
    """Seconds, milliseconds or microseconds since 1970, or days as Excel counts them."""
    if len(text) == 5 and 40_000 <= int(text) <= 60_000:
        day = (EXCEL_EPOCH + timedelta(days=int(text))).isoformat()
        return day, day
    if len(text) in {10, 13, 16} and text[0] in "12":
        day = datetime.fromtimestamp(int(text[:10]), UTC).date().isoformat()
        return day, day
    return NO_DAYS


def _month_named(name: str) -> int:
    folded = name.lower()
    return _MONTHS.get(folded[:4]) or _MONTHS.get(folded[:3], 0)


def _day(year: str, month: int, day: int) -> Span:
    try:
        found = date(_year(year), month, day).isoformat()
    except ValueError:
        return NO_DAYS
    return found, found


def _month(year: str, month: int) -> Span:
    if not 1 <= month <= 12:
        return NO_DAYS
    full = _year(year)
    return f"{full}-{month:02}-01", f"{full}-{month:02}-{monthrange(full, month)[1]}"


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _day_before(day: str) -> str:
    try:
        return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day
