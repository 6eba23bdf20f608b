"""From a stream of bytes to a reconciled bill: each line is handed on as it is read, the rest is a summary."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from knowledge.errors import BadInput
from tools.invoice import structured
from tools.invoice.days import date_order
from tools.invoice.delimited import read_delimited
from tools.invoice.judging import judge
from tools.invoice.ledger import Ledger
from tools.invoice.matching import Catalog, Matcher
from tools.invoice.money import DecimalMark, Rate, decimal_mark
from tools.invoice.readers import reader_for
from tools.invoice.readers.base import Style
from tools.invoice.records import BillLine, LineResult, PartResult, Unreadable
from tools.invoice.sharing import judge_together
from tools.invoice.source import Source
from tools.invoice.table import Table
from tools.invoice.totals import without_total
from tools.invoice.workbook import STORED_AS as EXCEL
from tools.invoice.workbook import read_workbook

IDENTITIES_KEPT = 2_000_000
PROGRESS_EVERY_LINES = 5_000


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may state about a bill."""

    rates: Mapping[str, Rate]
    default_provider: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file was read."""

    name: str
    format: str
    title: str
    stored_as: str
    decimal_mark: str
    notes: tuple[str, ...]


class Analysis:
    """One pass over one file. Iterate `lines()` to its end, then read `ledger`; `reading` is known from the start.

    Raises `BadInput` at once when the file is no bill that can be read; afterwards nothing but results per line.
    """

    def __init__(
        self, source: Source, catalog: Catalog, options: Options, progress: Callable[[int, int], None] | None = None
    ) -> None:
        self._source = source
        self._options = options
        self._matcher = Matcher(catalog)
        self._progress = progress
        self.ledger = Ledger()
        table = read_table(source)
        reader = reader_for(table.columns)
        if reader is None:
            seen = ", ".join(table.columns[:12])
            raise BadInput(
                f"{source.name}: no known bill format has the columns {seen}",
                "docs/invoices.md lists the formats",
            )
        mark, note = _mark_of(table)
        self._table = table
        order = date_order(
            (cell for row in table.samples for cell in row), "day first" if mark == "," else "month first"
        )
        self._read = reader.bind(table.columns, Style(mark, order, options.default_provider))
        notes = [each for each in (table.note, note) if each]
        self.reading = Reading(source.name, reader.name, reader.title, table.stored_as, mark, tuple(notes))
        self.late_notes: list[str] = []
        self._assumed: set[str] = set()

    def lines(self) -> Iterator[LineResult]:
        """Every line with what became of it, in the order of the file; the sums are asserted at the end."""
        seen: dict[int, int] = {}
        number = 0
        for count, row in enumerate(self._table.rows, start=1):
            number = row.number
            if isinstance(row, Unreadable):
                result = self._rejected(row)
            else:
                line = self._read(row)
                result = self._rejected(line) if isinstance(line, Unreadable) else self._judged(line, seen)
            self.ledger.add(result)
            yield result
            if self._progress and count % PROGRESS_EVERY_LINES == 0:
                self._progress(count, self._source.position)
        if self._source.problem:
            result = self._rejected(Unreadable(number + 1, self._source.problem))
            self.ledger.add(result)
            yield result
        if len(seen) >= IDENTITIES_KEPT:
            self.late_notes.append(f"duplicates were looked for in the first {IDENTITIES_KEPT:,} lines only")
        if self._assumed:
            sellers = ", ".join(sorted(self._assumed))
            self.late_notes.append(
                f"lines that name no seller were taken as sold by {sellers}; --provider says otherwise"
            )
        self.ledger.reconcile()

    def _judged(self, line: BillLine, seen: dict[int, int]) -> LineResult:
        duplicate_of = None
        if line.identity is not None:
            duplicate_of = seen.get(line.identity)
            if duplicate_of is None and len(seen) < IDENTITIES_KEPT:
                seen[line.identity] = line.number
        match, rates = self._matcher.match, self._options.rates
        entries = without_total(line.entries, self.ledger)
        if entries[0].subject.assumed_provider:
            self._assumed.add(entries[0].subject.provider)
        if line.together is not None:
            parts = judge_together(entries, [match(entry.subject) for entry in entries], line.together, rates)
            first = parts[0]
            return LineResult(
                line.number, line.day, line.until, parts, first.status, first.code, first.reason, duplicate_of
            )
        if len(entries) == 1:
            part = judge(entries[0], match(entries[0].subject), rates)
            return LineResult(
                line.number, line.day, line.until, (part,), part.status, part.code, part.reason, duplicate_of
            )
        parts = tuple(judge(entry, match(entry.subject), rates) for entry in entries)
        leading = _leading(parts)
        reasons = dict.fromkeys(part.reason for part in parts)
        return LineResult(
            line.number, line.day, line.until, parts, leading.status, leading.code, "; ".join(reasons), duplicate_of
        )

    def _rejected(self, row: Unreadable) -> LineResult:
        reason = f"{row.reason}: {row.beginning!r}" if row.beginning else row.reason
        return LineResult(row.number, "", "", (), "rejected", "unreadable", reason)


def read_table(source: Source) -> Table:
    """The file as a table, by its content."""
    if source.workbook is not None:
        return read_workbook(source.workbook, source.name, lambda columns: reader_for(columns) is not None)
    if source.is_parquet:
        return structured.read_parquet(source.read_all(structured.LARGEST_PARQUET_BYTES), source.name)
    lines = source.lines()
    first = next((line for line in lines if line is None or line.strip()), "")
    if first is not None and structured.looks_like_json(first):
        if structured.is_complete_json(first):
            return structured.read_json_lines(_again(first, lines), source.name)
        text = "\n".join(_bounded(_again(first, lines), source.name))
        return structured.read_json_document(text, source.name)
    return read_delimited(_again(first, lines), source.name, lambda columns: reader_for(columns) is not None)


def _again(first: str | None, rest: Iterator[str | None]) -> Iterator[str | None]:
    yield first
    yield from rest


def _bounded(lines: Iterator[str | None], name: str) -> Iterator[str]:
    size = 0
    for line in lines:
        size += len(line or "")
        if line is None or size > structured.LARGEST_DOCUMENT_BYTES:
            raise BadInput(
                f"{name}: a JSON document of more than {structured.LARGEST_DOCUMENT_BYTES >> 20} MB in one piece",
                "export it as JSON lines",
            )
        yield line


def _leading(parts: tuple[PartResult, ...]) -> PartResult:
    """The part that speaks for the line: a matched one before an unmatched one."""
    usage = [part for part in parts if part.match.subject.kind == "usage"] or list(parts)
    return next((part for part in usage if part.status == "matched"), usage[0])


def _mark_of(table: Table) -> tuple[DecimalMark, str]:
    if table.stored_as == EXCEL:  # numbers are stored, not written
        return ".", ""
    proven = decimal_mark(cell for row in table.samples for cell in row)
    if proven:
        return proven, ""
    cells = [cell for row in table.samples for cell in row]
    if table.stored_as == "CSV with semicolons" and any(_has_comma(cell) for cell in cells):
        return ",", "numbers such as 1,234 were read with a decimal comma, as files with semicolons are written"
    return ".", ""


def _has_comma(cell: str) -> bool:
    bare = cell.strip().lstrip("-+")
    return "," in bare and bare.replace(",", "").isdigit()
