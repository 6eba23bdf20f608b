"""A file as a header and rows of text cells, whatever it was stored as: delimited text, JSON, JSON lines or Parquet."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from tools.invoice.records import Unreadable

BEGINNING_CHARS = 120


class Row(NamedTuple):
    """One record: where it starts in the file, its cells in the order of the header, and one empty cell more.

    The empty last cell is what a reader gets for a column that the file does not have (index -1).
    """

    number: int
    cells: list[str]
    identity: int


@dataclass(frozen=True, slots=True)
class Table:
    """Columns (folded names), the records, and samples of the cells for finding the decimal mark."""

    stored_as: str
    columns: tuple[str, ...]
    rows: Iterator[Row | Unreadable]
    samples: Sequence[Sequence[str]] = field(default=())


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """A column name for comparing: `lineItem/UnblendedCost` and `line_item_unblended_cost` are one."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.strip())
    return re.sub(r"[^0-9a-zà-ÿ]+", "_", spaced.lower()).strip("_")


def beginning(text: str) -> str:
    """How a record begins, for messages: short and without control characters."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text[:BEGINNING_CHARS])
