"""What readers share: the protocol, column positions, and the reading of one entry with its subject remembered."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Protocol

from tools.invoice.days import DateOrder, last_day, span_of
from tools.invoice.money import (
    CURRENCIES,
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
Adjustments = Callable[[Row, Entry], tuple[Entry, ...]]

_TOTAL = re.compile(
    r"\W*(?:sub|sous|grand|invoice|running|net|gross|monthly)?[\s_-]*"
    r"(?:totals?|totaux|totale|totaal|subtotale|summe|gesamt(?:betrag|summe)?|zwischensumme|rechnungsbetrag|amount due"
    r"|balance due|somme|montant total|suma|razem|celkem|összesen|toplam|yhteensä|summa|итого"
    r"|合計|小計|総計|合计|小计|总计)\b"
    r"\W*(?:$|usd\b|eur\b|due\b|amount\b|charges?\b|cost\b|before\b|after\b|for\b|of\b|excl|incl|\().*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Style:
    """How the file writes numbers and dates, and the seller of lines that name none."""

    mark: DecimalMark = "."
    order: DateOrder = "month first"
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

    def money(self, *names: str) -> tuple[int, str]:
        """Position of the first column with one of these names, also with a currency at its end, and that currency.

        US dollars come first where a file states one amount in several currencies.
        """
        for name in names:
            if name in self._at:
                return self._at[name], ""
            stated = [(column, match[1].upper()) for column in self._at if (match := _in_currency(name, column))]
            for column, currency in sorted(stated, key=lambda pair: pair[1] != "USD"):
                return self._at[column], currency
        return -1, ""

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
    adjustments: Adjustments | None = None


def one_amount_reader(layout: Layout, style: Style) -> RowReader:
    """Read rows of one amount each. Subjects are remembered: a large bill costs little more than its numbers."""
    mark, order = style.mark, style.order
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
            if not any(map(str.isdecimal, "".join(cells))):
                return Unreadable(row.number, "no amount: a heading or a note", beginning(",".join(cells)))
            return Unreadable(row.number, f"amount: {error}", beginning(",".join(cells)))
        if not layout.states_currency and (currency := currency_in(text)) and currency != subject.currency:
            subject = replace(subject, currency=currency)
        if subject.kind == "usage" and not (subject.description or subject.model) and any(map(is_total, cells)):
            subject = replace(subject, kind="total")  # the word may stand in a column that says nothing else
        if amount is not None and amount < 0 and subject.kind == "usage":
            subject = replace(subject, kind="refund")
        quantity, problem = read_quantity(cells[quantity_at], mark)
        entry = Entry(
            subject, amount, quantity, optional_number(cells[list_at], mark) if list_at >= 0 else None, problem
        )
        entries = layout.adjustments(row, entry) if layout.adjustments else (entry,)
        identity = hash(cells[identity_at]) if identity_at >= 0 and cells[identity_at] else row.identity
        span = span_of(cells[day_at], order)
        until = last_day(span, cells[layout.end], order, layout.end_is_inside)
        return BillLine(row.number, entries, span[0], until, None if subject.kind in {"total", "empty"} else identity)

    return read


def read_quantity(text: str, mark: DecimalMark) -> tuple[Decimal | None, str]:
    """A quantity, or none with what is wrong: a bad quantity never costs a line its money."""
    if not text.strip():
        return None, ""
    try:
        return parse_number(text, mark, limit=LARGEST_QUANTITY), ""
    except NotANumber as error:
        return None, f"quantity: {error}"


@lru_cache(maxsize=4096)
def _in_currency(name: str, column: str) -> re.Match[str] | None:
    return (
        re.fullmatch(rf"{re.escape(name)}_(?:in_)?({CURRENCIES.lower()})", column) if column.startswith(name) else None
    )


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


def optional_number(text: str, mark: DecimalMark) -> Decimal | None:
    """A number, or None for anything else."""
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
