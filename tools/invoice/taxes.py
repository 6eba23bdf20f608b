"""Columns of tax and discount beside an amount: entries of their own where the total of the row proves them."""

from dataclasses import replace
from decimal import Decimal

from tools.invoice.money import CENT, ZERO, DecimalMark, exact_sum
from tools.invoice.readers.base import Adjustments, Positions, optional_number
from tools.invoice.records import Entry, Kind
from tools.invoice.table import Row
from tools.invoice.vocabulary import DISCOUNT, TAX, TOTAL


def beside(at: Positions, amount_at: int, mark: DecimalMark) -> Adjustments | None:
    """What splits a row into its amount, tax and discount; None where the file has no such columns.

    Whether an amount leaves out tax and discount is for the row's total to say; without a total, tax comes on top.
    """
    tax_at, discount_at, total_at = (at.money(*names)[0] for names in (TAX, DISCOUNT, TOTAL))
    if (tax_at < 0 and discount_at < 0) or total_at == amount_at:
        return None

    def parts(row: Row, entry: Entry) -> tuple[Entry, ...]:
        amount = entry.amount
        tax, discount, total = (optional_number(row.cells[place], mark) for place in (tax_at, discount_at, total_at))
        if amount is None or entry.subject.kind == "total":
            return (entry,)
        added = [_apart(entry, "tax", tax)] if tax else []
        reduced = [_apart(entry, "credit", -abs(discount))] if discount else []
        if total is None:
            return (entry, *added)
        ways = (added + reduced, added, reduced)
        fits = (way for way in ways if abs(amount + exact_sum([part.amount or ZERO for part in way]) - total) <= CENT)
        return (entry, *next(fits, []))

    return parts


def _apart(entry: Entry, kind: Kind, amount: Decimal) -> Entry:
    subject = replace(entry.subject, kind=kind, model="", unit="", instance="", reason="")
    return Entry(subject, amount, None)
