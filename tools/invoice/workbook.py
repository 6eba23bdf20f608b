"""Excel workbooks as rows of text cells. Only stored values are read: nothing is computed, run or resolved."""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Context, InvalidOperation
from itertools import chain, islice
from xml.etree import ElementTree as Xml

from knowledge.errors import BadInput
from tools.invoice.days import EXCEL_EPOCH
from tools.invoice.records import Unreadable
from tools.invoice.table import HEADER_WITHIN_LINES, SAMPLE_ROWS, Row, Table, beginning, folded

STORED_AS = "Excel"
LARGEST_EXPANSION = 200
FREE_EXPANSION_BYTES = 64 << 20
COLUMNS_READ = 1_000
DAMAGES = (
    Xml.ParseError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, IndexError, NotImplementedError,
    RuntimeError,
)  # fmt: skip
# Excel shows 15 digits; what stands beyond them is noise of binary fractions.
_SHOWN = Context(prec=15)
_BUILT_IN_DATES = {*range(14, 18), 22, *range(27, 32), 36, *range(50, 59)}
_NOT_CODE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')

IsHeader = Callable[[Sequence[str]], bool]
Numbered = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class _Sheet:
    columns: tuple[str, ...]
    peeked: list[Numbered]
    rest: Iterator[Numbered]


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether a zip archive is an Excel workbook."""
    return "xl/workbook.xml" in archive.namelist()


def read_workbook(archive: zipfile.ZipFile, name: str, is_header: IsHeader) -> Table:
    """The sheets with the first header of a bill, one after the other; raise `BadInput` when no sheet has one."""
    try:
        shared, dates = _shared_strings(archive), _date_styles(archive)
        parts = [part for part in archive.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", part)]
        sheets = [
            found
            for part in sorted(parts, key=lambda part: (len(part), part))
            if (found := _sheet(_rows(archive, part, shared, dates), is_header))
        ]
    except DAMAGES as error:
        raise BadInput(f"{name}: a damaged Excel workbook ({str(error)[:80]})", "save the sheet as CSV") from error
    if not sheets:
        raise BadInput(
            f"{name}: no sheet has a header of a known bill format in its first {HEADER_WITHIN_LINES} rows",
            "docs/invoices.md lists the formats; a sheet needs at least columns for what was bought and its amount",
        )
    columns = sheets[0].columns
    alike = [sheet for sheet in sheets if sheet.columns == columns]
    notes = []
    if len(alike) > 1:
        notes.append(f"{len(alike)} sheets with the same columns were read; their rows are numbered on")
    if others := len(sheets) - len(alike):
        notes.append(f"sheets with other columns were not read ({others}): save each as a file of its own")
    samples = [cells for sheet in alike for _, cells in sheet.peeked]
    return Table(STORED_AS, columns, _records(alike, len(columns)), samples, "; ".join(notes))


def _sheet(rows: Iterator[Numbered], is_header: IsHeader) -> _Sheet | None:
    peeked = list(islice(rows, HEADER_WITHIN_LINES + SAMPLE_ROWS))
    for place, (_, cells) in enumerate(peeked[:HEADER_WITHIN_LINES]):
        columns = tuple(folded(cell) for cell in cells)
        if is_header(columns):
            return _Sheet(columns, peeked[place + 1 :], rows)
    return None


def _records(sheets: Sequence[_Sheet], width: int) -> Iterator[Row | Unreadable]:
    last = 0
    for sheet in sheets:
        before = last
        try:
            for number, cells in chain(sheet.peeked, sheet.rest):
                last = before + number
                if any(cell.strip() for cell in cells):
                    yield _record(last, cells, width)
        except DAMAGES as error:
            yield Unreadable(last + 1, f"the sheet is damaged from here ({str(error)[:80]})")


def _record(number: int, cells: list[str], width: int) -> Row | Unreadable:
    if any(cell.strip() for cell in cells[width:]):
        return Unreadable(number, f"{len(cells)} cells where the header has {width}", beginning(" ".join(cells)))
    kept = [*cells[:width], *[""] * (width - len(cells))]
    return Row(number, [*kept, ""], hash(tuple(kept)))


def _rows(archive: zipfile.ZipFile, part: str, shared: Sequence[str], dates: frozenset[int]) -> Iterator[Numbered]:
    number = 0
    for element in _elements(archive, part, "row"):
        number = int(element.get("r") or number + 1)
        cells: list[str] = []
        for cell in element:
            place = _column(cell.get("r") or "", len(cells))
            if place < COLUMNS_READ:
                cells.extend([""] * (place + 1 - len(cells)))
                cells[place] = _value(cell, shared, dates)
        yield number, cells


def _column(reference: str, usual: int) -> int:
    """0 for `A7`, 27 for `AB7`."""
    place = 0
    for letter in reference.rstrip("0123456789"):
        place = place * 26 + ord(letter.upper()) - 64
    return place - 1 if place > 0 else usual


def _value(cell: Xml.Element, shared: Sequence[str], dates: frozenset[int]) -> str:
    kind, stored, formula = cell.get("t", "n"), "", ""
    for child in cell:
        match _local(child):
            case "v":
                stored = child.text or ""
            case "is":
                return _text_of(child)
            case "f":
                formula = child.text or ""
    if kind == "s":
        return shared[int(stored)]
    if kind != "n":
        return stored
    if not stored:
        return f"={formula}" if formula else ""  # a formula that was never computed has no value to read
    return _number(stored, int(cell.get("s") or 0) in dates)


def _number(stored: str, is_date: bool) -> str:
    try:
        number = _SHOWN.create_decimal(stored)
    except InvalidOperation:
        return stored
    if is_date and 1 <= number < 2_958_466:
        return (EXCEL_EPOCH + timedelta(days=int(number))).isoformat()
    return format(number, "f") if abs(number.adjusted()) < 40 else stored


def _shared_strings(archive: zipfile.ZipFile) -> list[str]:
    part = "xl/sharedStrings.xml"
    return [_text_of(item) for item in _elements(archive, part, "si")] if part in archive.namelist() else []


def _text_of(item: Xml.Element) -> str:
    """The text of an item, its pieces of other fonts joined; readings in other scripts (`rPh`) left out."""
    pieces = [item, *(child for child in item if _local(child) == "r")]
    return "".join(child.text or "" for piece in pieces for child in piece if _local(child) == "t")


def _date_styles(archive: zipfile.ZipFile) -> frozenset[int]:
    """Numbers of the cell styles that show a number as a date."""
    if "xl/styles.xml" not in archive.namelist():
        return frozenset()
    own, styles = set(), []
    for element in _elements(archive, "xl/styles.xml", "numFmt", "cellXfs"):
        if _local(element) == "cellXfs":
            styles = [int(style.get("numFmtId") or 0) for style in element]
        elif re.search(r"[dy]", _NOT_CODE.sub("", element.get("formatCode") or ""), re.IGNORECASE):
            own.add(int(element.get("numFmtId") or 0))
    return frozenset(place for place, style in enumerate(styles) if style in own | _BUILT_IN_DATES)


def _elements(archive: zipfile.ZipFile, part: str, *names: str) -> Iterator[Xml.Element]:
    """Elements of a part with one of these names, each forgotten after it was handed out; refuses bombs."""
    info = archive.getinfo(part)
    if info.file_size > max(FREE_EXPANSION_BYTES, info.compress_size * LARGEST_EXPANSION):
        raise ValueError(f"{part} expands more than {LARGEST_EXPANSION} times")
    with archive.open(part) as stream:
        for _, element in Xml.iterparse(stream, ("end",)):  # noqa: S314  expat bounds entities and fetches nothing
            if _local(element) in names:
                yield element
                element.clear()


def _local(element: Xml.Element) -> str:
    return element.tag.rpartition("}")[2]
