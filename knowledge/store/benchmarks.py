"""Measured points that somebody added: one table per import beside the bundled ones, with where each is from."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

from knowledge.errors import BadInput, Conflict, NotFound, StateUnusable
from knowledge.facts import Benchmark
from knowledge.loading import read_records, read_text, write_records, write_text

FOLDER = "benchmarks"
LIST = "imports.json"
VERSION = 1
MOST_ROWS = 3000
"""Rows of all imports together: predictions take every one of them into account."""

Whose = Literal["own", "vendor", "community"]
WHOSE: tuple[Whose, ...] = get_args(Whose)


@dataclass(frozen=True, slots=True)
class Import:
    """One file of measurements: whose they are, its name and digest, when it was added (UTC), and how many rows."""

    import_id: str
    whose: Whose
    file: str
    sha256: str
    rows: int
    added_at: str
    note: str = ""


def read_imports(home: Path) -> tuple[Import, ...]:
    """All imports, oldest first; none where nobody added any. Raises StateUnusable for a list that cannot be read."""
    path = home / FOLDER / LIST
    if not path.exists():
        return ()
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["version"] > VERSION:
            raise StateUnusable(f"{path} is from a newer Sextant", "use the newer Sextant")
        return tuple(Import(**row) for row in body["imports"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise StateUnusable(f"{path} cannot be read: {error}", "mend or delete the file") from error


def read_benchmarks(home: Path) -> tuple[Benchmark, ...]:
    """The measured points of all imports; `source` names whose they are and the file."""
    return tuple(row for each in read_imports(home) for row in _rows(home, each))


def _rows(home: Path, each: Import) -> Iterator[Benchmark]:
    path = home / FOLDER / f"{each.import_id}.csv"
    try:
        yield from read_records(path, Benchmark)
    except (OSError, UnicodeDecodeError, BadInput) as error:
        cure = f"sextant benchmarks remove {each.import_id}, then add {each.file} again"
        raise StateUnusable(f"{path} cannot be read: {error}", cure) from error


def add_benchmarks(home: Path, entry: Import, rows: Sequence[Benchmark]) -> None:
    """Keep the rows of an import. Raises Conflict when this file is there already, BadInput when it is too much."""
    known = read_imports(home)
    if any(each.import_id == entry.import_id for each in known):
        raise Conflict(f"{entry.file} was added before as {entry.import_id}", "nothing was changed")
    held = sum(each.rows for each in known)
    if held + len(rows) > MOST_ROWS:
        raise BadInput(
            f"{len(rows)} rows on top of {held}: at most {MOST_ROWS:,} are kept",
            "remove an import or thin the file out",
        )
    try:
        write_records(home / FOLDER / f"{entry.import_id}.csv", Benchmark, rows)
    except OSError as error:
        raise StateUnusable(f"{home / FOLDER} cannot be written: {error.strerror}") from error
    _write(home, (*known, entry))


def remove_benchmarks(home: Path, import_id: str) -> Import:
    """Forget an import; the entry that is gone. Raises NotFound."""
    known = {each.import_id: each for each in read_imports(home)}
    if import_id not in known:
        raise NotFound("import", import_id, tuple(known)[:5])
    _write(home, tuple(each for each in known.values() if each.import_id != import_id))
    (home / FOLDER / f"{import_id}.csv").unlink(missing_ok=True)
    return known[import_id]


def _write(home: Path, entries: Sequence[Import]) -> None:
    body = {"version": VERSION, "imports": [asdict(each) for each in entries]}
    try:
        write_text(home / FOLDER / LIST, json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise StateUnusable(f"{home / FOLDER} cannot be written: {error.strerror}") from error


def read_table(path: Path) -> tuple[list[dict[str, str]], str]:
    """The rows of a CSV file (plain or gzip) by column, and its digest. Raises BadInput."""
    try:
        text = read_text(path)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise BadInput(f"cannot read {path}: {reason}", "give a CSV file", field="file") from error
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True, restkey="", restval=""))
    except csv.Error as error:
        raise BadInput(f"{path.name} is no CSV: {error}", field="file") from error
    return rows, sha256(text.encode()).hexdigest()
