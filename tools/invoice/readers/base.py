"""What readers share: the protocol, column positions, and the reading of one entry with its subject remembered."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Protocol

from tools.invoice.money import (
    EXACT,
    LARGEST_QUANTITY,
    DecimalMark,
    NotANumber,
    currency_in,
    parse_number,
)
from tools.invoice.records import BillLine, Entry, Subject, Unreadable
from tools.invoice.table import Row, beginning

SUBJECTS_REMEMBERED = 20_000

RowReader = Callable[[Row], BillLine | Unreadable]

_TOTAL = re.compile(
    r"\W*(?:sub|grand|invoice|running|net|gross|monthly)?[\s_-]*"
    r"(?:totals?|summe|gesamt(?:betrag|summe)?|zwischensumme|amount due|balance due|somme|montant total)\b"
    r"\W*(?:$|usd\b|eur\b|due\b|amount\b|charges?\b|cost\b|before\b|after\b|for\b|of\b|excl|incl|\().*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Style:
    """How the file writes numbers, and the seller of lines that name none."""

    mark: DecimalMark = "."
    default_provider: str = ""


class Reader(Protocol):
    """Knows one format by its header and turns its records into lines of a bill."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    def recognises(self, columns: frozenset[str]) -> bool: ...

    def bind(self, columns: Sequence[str], style: Style) -> RowReader: ...


class Positions:
    """Where columns stand; a column that is not there is at the empty last cell of every row (-1)."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._at: dict[str, int] = {}
        for position, column in enumerate(columns):
            self._at.setdefault(column, position)

    def __getitem__(self, name: str) -> int:
        return self._at.get(name, -1)

    def first(self, *names: str) -> int:
        """Position of the first of these columns that the file has."""
        return next((self._at[name] for name in names if name in self._at), -1)

    def some(self, *names: str) -> tuple[int, ...]:
        """Positions of all these, -1 where missing."""
        return tuple(self[name] for name in names)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a one-amount-per-row format keeps its parts. `subject` builds from the cells at `key`, once per key."""

    key: tuple[int, ...]
    subject: Callable[[Sequence[str]], Subject]
    amount: int
    quantity: int
    list_amount: int = -1
    day: int = -1
    end: int = -1
    end_is_inside: bool = False
    identity: int = -1
    states_currency: bool = True
    amount_scale: Decimal = Decimal(1)
    adjustments: Callable[[Row, Entry], tuple[Entry, ...]] | None = None


def one_amount_reader(layout: Layout, mark: DecimalMark) -> RowReader:
    """Read rows of one amount each. Subjects are remembered: a large bill costs little more than its numbers."""
    key_of = itemgetter(*layout.key, -1)
    remembered: dict[tuple[str, ...], Subject] = {}
    amount_at, quantity_at, list_at, day_at, identity_at = (
        layout.amount, layout.quantity, layout.list_amount, layout.day, layout.identity,
    )  # fmt: skip

    def read(row: Row) -> BillLine | Unreadable:
        cells = row.cells
        key = key_of(cells)
        subject = remembered.get(key)
        if subject is None:
            if len(remembered) >= SUBJECTS_REMEMBERED:
                remembered.clear()
            subject = remembered[key] = layout.subject(key[:-1])
        text = cells[amount_at]
        try:
            if not text.strip() and subject.kind in {"empty", "total"}:
                amount: Decimal | None = _any_number(cells, mark) if subject.kind == "total" else Decimal(0)
            else:
                amount = parse_number(text, mark)
            if layout.amount_scale != 1 and amount is not None:
                amount = EXACT.multiply(amount, layout.amount_scale)
        except NotANumber as error:
            return Unreadable(row.number, f"amount: {error}", beginning(",".join(cells)))
        if not layout.states_currency and (currency := currency_in(text)) and currency != subject.currency:
            subject = replace(subject, currency=currency)
        if amount is not None and amount < 0 and subject.kind == "usage":
            subject = replace(subject, kind="refund")
        quantity, problem = read_quantity(cells[quantity_at], mark)
        entry = Entry(subject, amount, quantity, _optional(cells[list_at], mark) if list_at >= 0 else None, problem)
        entries = layout.adjustments(row, entry) if layout.adjustments else (entry,)
        identity = hash(cells[identity_at]) if identity_at >= 0 and cells[identity_at] else row.identity
        day = day_of(cells[day_at])
        until = last_day(day, cells[layout.end], layout.end_is_inside)
        return BillLine(row.number, entries, day, until, None if subject.kind in {"total", "empty"} else identity)

    return read


def read_quantity(text: str, mark: DecimalMark) -> tuple[Decimal | None, str]:
    """A quantity, or none with what is wrong: a bad quantity never costs a line its money."""
    if not text.strip():
        return None, ""
    try:
        return parse_number(text, mark, limit=LARGEST_QUANTITY), ""
    except NotANumber as error:
        return None, f"quantity: {error}"


def day_of(text: str) -> str:
    """The ISO day at the start of a date, time or epoch second; an empty text when there is none."""
    if len(text) >= 10 and text[4] == "-" and text[7] == "-":
        return text[:10]
    return _unusual_day(text)


@lru_cache(maxsize=4096)
def last_day(day: str, end: str, end_is_inside: bool) -> str:
    """The last day that a charge is for: its end, less one day where the end is the start of the next period."""
    until = day_of(end)
    if not until or until <= day:
        return day
    return until if end_is_inside else _day_before(until)


def is_total(*texts: str) -> bool:
    """Whether the first words of a row say that it sums up others."""
    first = next((text for text in texts if text.strip()), "")
    return bool(_TOTAL.fullmatch(first.strip()))


def json_object(text: str) -> dict[str, str]:
    """The top level of a JSON object in a cell, values as text; empty when it is none."""
    if not text.startswith("{"):
        return {}
    try:
        value = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return {}
    return {str(key): str(item) for key, item in value.items() if item is not None} if isinstance(value, dict) else {}


def split_camel(text: str) -> str:
    """`CacheReadInputTokenCount` as separate words."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)


def _optional(text: str, mark: DecimalMark) -> Decimal | None:
    try:
        return parse_number(text, mark) if text.strip() else None
    except NotANumber:
        return None


def _any_number(cells: Sequence[str], mark: DecimalMark) -> Decimal | None:
    for cell in reversed(cells):
        if any(character.isdigit() for character in cell):
            try:
                return parse_number(cell, mark)
            except NotANumber:
                continue
    return None


def _unusual_day(text: str) -> str:
    if match := re.match(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):  # US order, as Azure and AWS write
        month, day = int(match[1]), int(match[2])
        if month > 12:
            month, day = day, month
        return f"{match[3]}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else ""
    if match := re.match(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
        return f"{match[3]}-{int(match[2]):02}-{int(match[1]):02}"
    if match := re.match(r"(20\d{2})(\d{2})(\d{2})(?!\d)", text):
        return f"{match[1]}-{match[2]}-{match[3]}"
    if re.fullmatch(r"1[5-9]\d{8}|2\d{9}", text):
        return _epoch_day(int(text))
    return ""


def _day_before(day: str) -> str:
    try:
        return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day


def _epoch_day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
