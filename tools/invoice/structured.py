"""JSON documents, JSON lines and Parquet as a table: nested objects become dotted names, answers of APIs unroll."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from knowledge.errors import BadInput
from tools.invoice.records import Unreadable
from tools.invoice.table import Row, Table, beginning, folded

LARGEST_DOCUMENT_BYTES = 64 << 20
LARGEST_PARQUET_BYTES = 256 << 20
COLUMNS_FROM_RECORDS = 500
PARQUET_BATCH_ROWS = 4096
# Where the answers of billing APIs keep their rows.
CONTAINERS = (
    "data",
    "results",
    "items",
    "rows",
    "records",
    "value",
    "line_items",
    "lineItems",
    "lines",
    "charges",
    "invoices",
)

_Numbered = tuple[int, Mapping[str, str]]


def looks_like_json(text: str) -> bool:
    """Whether a file that begins so is JSON."""
    return text.lstrip()[:1] in ("{", "[")


def is_complete_json(line: str) -> bool:
    """Whether one line is a whole JSON object, as in JSON lines; a list, or the opening of a document, is not."""
    if not line.lstrip().startswith("{"):
        return False
    try:
        _decode(line)
    except (ValueError, RecursionError):
        return line.rstrip().endswith("}") and len(line) > 2  # a broken record of JSON lines, not a pretty-printed one
    return True


def read_json_lines(lines: Iterator[str | None], name: str) -> Table:
    """One JSON object per line; a line that is none is unreadable by itself."""
    return _table("JSON lines", _parsed_lines(lines), name)


def read_json_document(text: str, name: str) -> Table:
    """A JSON document: a list of records, or the answer of an API with its pages and buckets."""
    try:
        document = _decode(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{name}: not valid JSON ({_short(error)})") from error
    records = _unrolled(document, {}, 0)
    return _table("JSON", ((number, record) for number, record in enumerate(records, start=1)), name)


def read_parquet(content: bytes, name: str) -> Table:
    """A Parquet file, read in batches."""
    import pyarrow as pa  # noqa: PLC0415  a heavy import that only Parquet needs
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(io.BytesIO(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(f"{name}: not a readable Parquet file ({_short(error)})") from error

    def records() -> Iterator[_Numbered | Unreadable]:
        number = 0
        try:
            for batch in file.iter_batches(PARQUET_BATCH_ROWS):
                for record in batch.to_pylist():
                    number += 1
                    yield number, _flat(record)
        except (pa.ArrowException, OSError, ValueError) as error:
            yield Unreadable(number + 1, f"the Parquet data are damaged from here ({_short(error)})")

    return _table("Parquet", records(), name, [field.name for field in file.schema_arrow])


def _table(stored_as: str, records: Iterator[_Numbered | Unreadable], name: str, known: Sequence[str] = ()) -> Table:
    peeked = list(islice(records, COLUMNS_FROM_RECORDS))
    names = dict.fromkeys(known)
    for item in peeked:
        if not isinstance(item, Unreadable):
            names.update(dict.fromkeys(item[1]))
    if not names:
        raise BadInput(f"{name}: the {stored_as} holds no records")
    keys = tuple(names)
    return Table(stored_as, tuple(map(folded, keys)), _rows(chain(peeked, records), keys))


def _rows(records: Iterable[_Numbered | Unreadable], keys: Sequence[str]) -> Iterator[Row | Unreadable]:
    for item in records:
        if isinstance(item, Unreadable):
            yield item
            continue
        number, record = item
        cells = [record.get(key, "") for key in keys]
        identity = hash(tuple(cells))
        cells.append("")
        yield Row(number, cells, identity)


def _parsed_lines(lines: Iterator[str | None]) -> Iterator[_Numbered | Unreadable]:
    for number, line in enumerate(lines, start=1):
        if line is None:
            yield Unreadable(number, "the line is longer than a million characters")
        elif line.strip():
            try:
                record = _decode(line)
                unrolled = list(_unrolled(record, {}, 0))
            except (ValueError, RecursionError) as error:
                yield Unreadable(number, f"not valid JSON ({_short(error)})", beginning(line))
                continue
            for item in unrolled:
                yield number, item


def _decode(text: str) -> Any:
    # Numbers stay text so that no digit is lost and no NaN slips through.
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


def _unrolled(value: Any, above: Mapping[str, str], depth: int) -> Iterator[dict[str, str]]:
    if depth > 8:
        raise ValueError("nested too deep for a bill")
    if isinstance(value, list):
        for item in value:
            yield from _unrolled(item, above, depth + 1)
        return
    if not isinstance(value, dict):
        raise ValueError(f"a record must be an object, not {beginning(str(value))!r}")  # noqa: TRY004  bad JSON, not a bug
    if rows := _columns_and_rows(value):
        for row in rows:
            yield {**above, **row}
        return
    for container in CONTAINERS:
        held = value.get(container)
        if isinstance(held, list) and all(isinstance(item, (dict, list)) for item in held):
            own = {**above, **_flat({key: item for key, item in value.items() if key != container})}
            if not held:
                yield own
            for item in held:
                yield from _unrolled(item, own, depth + 1)
            return
    yield {**above, **_flat(value)}


def _columns_and_rows(value: Mapping[str, Any]) -> list[dict[str, str]]:
    """Azure's cost query answers with column names and bare rows."""
    inner = value.get("properties", value)
    if not (isinstance(inner, dict) and isinstance(inner.get("columns"), list) and isinstance(inner.get("rows"), list)):
        return []
    names = [str(column.get("name", "")) for column in inner["columns"] if isinstance(column, dict)]
    return [dict(zip(names, map(_text, row), strict=False)) for row in inner["rows"] if isinstance(row, list)]


def _flat(record: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and depth < 4:
            flat.update(_flat(value, f"{name}.", depth + 1))
            if depth == 0:
                flat[name] = _text(value)
        else:
            flat[name] = _text(value)
    return flat


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (dict, list, tuple)):
        if value and isinstance(value, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
            value = {str(key): item for key, item in value}  # a map column of Parquet
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _short(error: BaseException) -> str:
    return beginning(str(error).splitlines()[0] if str(error) else type(error).__name__)
