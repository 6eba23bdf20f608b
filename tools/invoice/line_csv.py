"""Lines as CSV, safe to open in a spreadsheet: no text of a bill can become a formula."""

import csv
from typing import IO

from tools.invoice.records import LineResult, PartResult

COLUMNS = (
    "line", "status", "code", "reason", "date", "kind", "provider", "model", "workload", "direction", "billing_mode",
    "region",
    "quantity", "unit", "amount", "currency", "amount_usd", "estimated", "effective_price_usd", "list_price_low_usd",
    "list_price_high_usd", "price_unit", "sku_key", "source_date", "duplicate_of", "description",
)  # fmt: skip
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def guarded(text: str) -> str:
    """Text that a spreadsheet shows as text: an apostrophe before whatever would start a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS_A_FORMULA) else text


class LineTable:
    """Writes the table to a text stream, one row for every part of every line."""

    def __init__(self, stream: IO[str]) -> None:
        self._writer = csv.writer(stream)
        self._writer.writerow(COLUMNS)

    def add(self, line: LineResult) -> None:
        """Write one line."""
        for part in line.parts or (None,):
            self._writer.writerow(_cells(line, part))


def _cells(line: LineResult, part: PartResult | None) -> list[object]:
    about = [
        line.number,
        line.status,
        part.code if part else line.code,
        guarded(part.reason if part else line.reason),
        line.day,
    ]
    if part is None:
        return [*about, *[""] * (len(COLUMNS) - len(about))]
    match, subject, quote = part.match, part.match.subject, part.match.quote
    texts = (
        match.provider or subject.provider,
        match.model,
        match.workload or "",
        subject.direction or "",
        subject.mode,
    )
    return [
        *about,
        subject.kind,
        *map(guarded, texts),
        guarded(subject.region),
        _plain(part.quantity),
        guarded(subject.unit),
        _plain(part.amount),
        guarded(subject.currency),
        _plain(part.amount_usd),
        "yes" if part.estimated else "",
        "" if part.effective_usd is None else f"{float(part.effective_usd):.10g}",
        _plain(quote.low_usd) if quote else "",
        _plain(quote.high_usd) if quote else "",
        quote.unit if quote else "",
        guarded(quote.sku) if quote else "",
        quote.source_date if quote else "",
        line.duplicate_of or "",
        guarded(subject.description),
    ]


def _plain(value: object) -> str:
    return "" if value is None else format(value, "f")
