"""A bill read once: its JSON to a stream, its report to a file, both while the lines go by."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from knowledge.errors import BadInput
from tools.invoice.bill import Bill
from tools.invoice.line_csv import LineTable
from tools.invoice.line_json import json_text
from tools.invoice.page import html_page
from tools.invoice.records import LineResult
from tools.invoice.report import Report, reading_json
from ui.output import SCHEMA_VERSION


def read_bill(bill: Bill, snapshot: str, *, json_to: IO[str] | None, report_file: Path | None) -> Report:
    """Read every line, write what is asked for, and return the report. A report file is whole or not there."""
    kind = report_file.suffix.lower() if report_file else ""
    with ExitStack() as files:
        sheet = files.enter_context(_unfinished(report_file)) if report_file and kind != ".html" else None
        lines = bill.lines()
        if sheet is not None and kind == ".csv":
            lines = _also_as_csv(lines, sheet)
        targets = [target for target in (json_to, sheet if kind == ".json" else None) if target is not None]
        report = _read(bill, snapshot, lines, targets)
    if report_file and kind == ".html":
        with _unfinished(report_file) as page:
            page.write(html_page(report, snapshot))
    return report


def _read(bill: Bill, snapshot: str, lines: Iterator[LineResult], targets: list[IO[str]]) -> Report:
    if not targets:
        for _ in lines:
            pass
        return bill.report()
    made: list[Report] = []
    for chunk in json_text(_head(bill, snapshot), lines, _tail(bill, made)):
        for target in targets:
            target.write(chunk)
    return made[0]


def _head(bill: Bill, snapshot: str) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, "snapshot": snapshot, "file": reading_json(bill.reading)}


def _tail(bill: Bill, made: list[Report]) -> Iterator[dict[str, Any]]:
    report = bill.report()
    made.append(report)
    yield report.to_json()


def _also_as_csv(lines: Iterator[LineResult], sheet: IO[str]) -> Iterator[LineResult]:
    table = LineTable(sheet)
    for line in lines:
        table.add(line)
        yield line


@contextmanager
def _unfinished(path: Path) -> Iterator[IO[str]]:
    """A file that takes its name only when it is complete."""
    draft = path.with_name(path.name + ".unfinished")
    try:
        file = draft.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}", "choose another place", field="report") from error
    try:
        with file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
