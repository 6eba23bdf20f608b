"""Long lists, a page at a time."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query

from ui.answers import paging

Row = TypeVar("Row")
Limit = Annotated[int, Query(ge=1, le=1000, description="How many to return.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="How many to skip.")]


def page(rows: Sequence[Row], limit: int, offset: int) -> tuple[Sequence[Row], dict[str, Any]]:
    """The rows of one page, and `{"total", "offset", "next_offset"}`; the last is null on the last page."""
    return rows[offset : offset + limit], paging(len(rows), limit, offset)
