"""Delimited text as a table: separator and header found by looking, broken quotes confined to their own line."""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from knowledge.errors import BadInput
from tools.invoice.records import Unreadable
from tools.invoice.table import HEADER_WITHIN_LINES, SAMPLE_ROWS, Row, Table, beginning, folded

DELIMITERS = ",;\t|"
LONGEST_RECORD_LINES = 64
TOO_LONG = "the line is longer than a million characters"

_TOTAL_WORD = re.compile(r"\b(?:sub|grand)?[ -]?total\b", re.IGNORECASE)


def read_delimited(lines: Iterator[str | None], name: str, is_header: Callable[[Sequence[str]], bool]) -> Table:
    """Find the header (it may stand below a title) and return the table; raise `BadInput` when there is none."""
    peeked = [line for _, line in zip(range(HEADER_WITHIN_LINES), lines, strict=False)]
    for position, line in enumerate(peeked):
        for delimiter in _likely_delimiters(line or ""):
            columns = tuple(folded(cell) for cell in _cells(line or "", delimiter) or ())
            if is_header(columns):
                stream = _Lines(peeked[position + 1 :], lines, first=position + 2)
                samples = _sample(peeked[position + 1 :], delimiter)
                kind = {",": "CSV", ";": "CSV with semicolons", "\t": "TSV", "|": "CSV with bars"}[delimiter]
                return Table(kind, columns, _rows(stream, delimiter, len(columns)), samples)
    seen = next((line for line in peeked if line and line.strip()), "")
    raise BadInput(
        f"{name}: no header of a known bill format in the first {HEADER_WITHIN_LINES} lines; "
        f"it begins {beginning(seen)!r}",
        "docs/invoices.md lists the formats; plain lines need at least the columns provider, quantity, unit and amount",
    )


class _Lines:
    """Numbered lines with push-back, so that a record that never closes gives back what it took."""

    def __init__(self, peeked: list[str | None], rest: Iterator[str | None], first: int) -> None:
        self._waiting: deque[str | None] = deque(peeked)
        self._rest = rest
        self.number = first - 1

    def take(self) -> str | None:
        """The next line; raise StopIteration at the end."""
        line = self._waiting.popleft() if self._waiting else next(self._rest)
        self.number += 1
        return line

    def give_back(self, taken: list[str | None]) -> None:
        self._waiting.extendleft(reversed(taken))
        self.number -= len(taken)


def _rows(lines: _Lines, delimiter: str, width: int) -> Iterator[Row | Unreadable]:
    while True:
        try:
            line = lines.take()
        except StopIteration:
            return
        number = lines.number
        if line is None:
            yield Unreadable(number, TOO_LONG)
        elif line.strip():
            yield _record(line, number, lines, delimiter, width)


def _record(line: str, number: int, lines: _Lines, delimiter: str, width: int) -> Row | Unreadable:
    if '"' not in line:
        cells: list[str] | None = line.split(delimiter)
    elif line.count('"') % 2 == 0:
        cells = _cells(line, delimiter)
    else:
        cells = _cells(line, delimiter) or _joined(line, lines, delimiter, width)
    if cells is None:
        return Unreadable(number, "a quote is never closed or stands in the wrong place", beginning(line))
    missing = width - len(cells)
    if missing < 0:
        if any(cell.strip() for cell in cells[width:]):
            return Unreadable(
                number, f"{len(cells)} fields where the header has {width}: an unquoted {delimiter!r}?", beginning(line)
            )
        del cells[width:]
    elif missing > 0:
        if missing > 0 and not _TOTAL_WORD.search(line) and len(cells) < 2:
            return Unreadable(number, f"1 field where the header has {width}", beginning(line))
        cells.extend([""] * missing)
    cells.append("")
    return Row(number, cells, hash(line))


def _joined(line: str, lines: _Lines, delimiter: str, width: int) -> list[str] | None:
    """A record whose quoted text runs over several lines; None (and nothing taken) when it does not close.

    Quotes are counted and the text is parsed once, so that a file of broken quotes costs no more than its length.
    """
    taken: list[str | None] = []
    quotes = line.count('"')
    while len(taken) < LONGEST_RECORD_LINES:
        try:
            following = lines.take()
        except StopIteration:
            break
        taken.append(following)
        if following is None:
            break
        quotes += following.count('"')
        if quotes % 2 == 0:
            cells = _cells("\n".join([line, *(each or "" for each in taken)]), delimiter)
            if cells is not None and len(cells) == width:
                return cells
            break
    lines.give_back(taken)
    return None


def _cells(line: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader((line,), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _likely_delimiters(line: str) -> list[str]:
    counts = {delimiter: line.count(delimiter) for delimiter in DELIMITERS}
    return sorted((delimiter for delimiter in DELIMITERS if counts[delimiter]), key=lambda d: -counts[d])


def _sample(lines: Sequence[str | None], delimiter: str) -> list[list[str]]:
    rows = (_cells(line, delimiter) for line in lines[:SAMPLE_ROWS] if line)
    return [row for row in rows if row]
