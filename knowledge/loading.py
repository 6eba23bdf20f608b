"""Read and write tables of facts: a CSV file (plain or gzip) whose columns are the fields of a frozen record.

Decoding goes by column, not by cell: a table of 18,000 prices loads in about a tenth of a second.
"""

import csv
import dataclasses
import gc
import gzip
import io
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

from knowledge.errors import BadInput
from knowledge.files import write_whole

Record = TypeVar("Record")
Decoder = Callable[[Sequence[str]], Iterable[Any]]


def _booleans(column: Sequence[str]) -> list[bool]:
    if not set(column) <= {"true", "false"}:
        raise ValueError(f"neither true nor false: {next(iter(set(column) - {'true', 'false'}))!r}")
    return [cell == "true" for cell in column]


def _tuples(column: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(cell.split(";")) if cell else () for cell in column]


_DECODERS: Mapping[Any, Decoder] = {
    str: lambda column: column,
    float: lambda column: map(float, column),
    int: lambda column: map(int, column),
    bool: _booleans,
    tuple[str, ...]: _tuples,
}


def _optional(decode: Decoder) -> Decoder:
    def decode_where_filled(column: Sequence[str]) -> list[Any]:
        filled = iter(decode([cell for cell in column if cell]))
        return [next(filled) if cell else None for cell in column]

    return decode_where_filled


def _decoder(annotation: Any) -> Decoder:
    if typing.get_origin(annotation) is typing.Literal:
        allowed = set(typing.get_args(annotation))
        if not all(isinstance(value, str) for value in allowed):
            return _decoder(int)
        return lambda column: _checked(column, allowed)
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        (inner,) = (part for part in typing.get_args(annotation) if part is not types.NoneType)
        return _optional(_decoder(inner))
    return _DECODERS[annotation]


def _checked(column: Sequence[str], allowed: set[str]) -> Sequence[str]:
    if strange := set(column) - allowed:
        raise ValueError(f"{min(strange)!r} is none of {', '.join(sorted(allowed))}")
    return column


@contextmanager
def _without_collection() -> Iterator[None]:
    # Rows are all kept, so that looking for garbage among them is 40 % of the time and finds none.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _opened(path: Path) -> TextIO:
    # Decoding as it is read keeps one wide character from quadrupling the memory of the whole text.
    raw = path.read_bytes()
    unpacked = gzip.decompress(raw) if path.suffix == ".gz" else raw
    return io.TextIOWrapper(io.BytesIO(unpacked), encoding="utf-8", newline="")


def read_text(path: Path) -> str:
    """The text of a plain or gzip file, by its suffix."""
    return _opened(path).read()


def decoded_rows(name: str, rows: Iterable[Mapping[str, str]], record: type[Record]) -> tuple[Record, ...]:
    """Rows of text cells as `record`s; cells under other names are ignored. `name` stands in the messages."""
    names = [field.name for field in dataclasses.fields(typing.cast(Any, record))]
    return _records(name, iter([names, *([row[column] for column in names] for row in rows)]), record)


def read_records(path: Path, record: type[Record]) -> tuple[Record, ...]:
    """Every row of `path` as a `record`, a dataclass whose fields are the columns.

    A blank cell is None where the field may be None, else an empty text. Raises BadInput when the header or a value
    does not fit.
    """
    with _without_collection():
        return _records(path.name, csv.reader(_opened(path)), record)


def _records(name: str, reader: Iterator[list[str]], record: type[Record]) -> tuple[Record, ...]:
    fields = dataclasses.fields(typing.cast(Any, record))
    names = [field.name for field in fields]
    header = next(reader, [])
    if header != names:
        wrong = sorted(set(header) ^ set(names)) or ["their order"]
        raise BadInput(f"{name}: the columns differ from those of {record.__name__}: {', '.join(wrong)}")
    rows = list(reader)
    uneven = [number for number, row in enumerate(rows, start=2) if len(row) != len(names)]
    if uneven:
        raise BadInput(f"{name}: row {uneven[0]} has not {len(names)} cells")
    if not rows:
        return ()
    columns = []
    for field, column in zip(fields, zip(*rows, strict=True), strict=True):
        try:
            columns.append(list(_decoder(field.type)(column)))
        except ValueError as error:
            raise BadInput(f"{name}: column {field.name}: {error}") from error
    return tuple(map(record, *columns))


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case tuple():
            return ";".join(map(str, value))
        case float():
            return format(value, ".15g")
        case _:
            return str(value)


def write_text(path: Path, text: str) -> None:
    """Write `path` whole or not at all; gzip by its suffix, the same bytes for the same text."""
    raw = text.encode("utf-8")
    if path.suffix == ".gz":
        raw = gzip.compress(raw, compresslevel=9, mtime=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, raw)


def write_rows(path: Path, record: type[Any], rows: Iterable[Mapping[str, str]]) -> None:
    """Write rows of cells under the columns of `record`; a column that a row lacks is blank."""
    names = [field.name for field in dataclasses.fields(record)]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def write_records(path: Path, record: type[Record], rows: Iterable[Record]) -> None:
    """Write `rows` so that `read_records` gives them back."""
    names = [field.name for field in dataclasses.fields(typing.cast(Any, record))]
    write_rows(path, record, ({name: _cell(getattr(row, name)) for name in names} for row in rows))
