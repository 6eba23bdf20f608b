"""Rows of totals that no word gives away for sure: proven by arithmetic against the rows above them."""

import re
from dataclasses import replace

from tools.invoice.ledger import Ledger
from tools.invoice.money import exact_sum
from tools.invoice.records import Entry

# `OpenAI total` may be a total or a product; with the sum of the rows above as its amount it is a total.
_ENDS_AS_TOTAL = re.compile(r".*\b(?:sub-?)?(?:totals?|summe|gesamt|somme|suma|totale|totaal)\W*", re.IGNORECASE)


def without_total(entries: tuple[Entry, ...], above: Ledger) -> tuple[Entry, ...]:
    """The entries of a row, or the total of the rows `above` that it turns out to be."""
    subject = entries[0].subject
    if not (subject.kind == "total" or (subject.kind == "usage" and _may_be_total(entries[0]))):
        return entries
    if subject.currency not in above.control and len(above.control) == 1:  # such rows often leave the currency out
        subject = replace(subject, currency=next(iter(above.control)))
    stated = [entry.amount for entry in entries if entry.amount is not None]
    amount = exact_sum(stated) if stated else None
    if subject.kind == "usage":
        if not amount or amount not in above.sums_above(subject.currency):
            return entries
        subject = replace(subject, kind="total", reason="")
    return (Entry(subject, amount, None),)


def _may_be_total(entry: Entry) -> bool:
    """Whether a row names nothing, or ends in "total" and counts nothing of its own."""
    said = entry.subject.description or entry.subject.model or entry.subject.provider
    return not said or (entry.quantity is None and bool(_ENDS_AS_TOTAL.fullmatch(said)))
