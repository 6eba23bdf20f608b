"""Long lists, a page at a time."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query

Row = TypeVar("Row")
Limit = Annotated[int, Query(ge=1, le=1000, description="How many to return.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="How many to skip.")]


def page(rows: Sequence[Row], limit: int, offset: int) -> tuple[Sequence[Row], dict[str, Any]]:
    """The rows of one page, and `{"total", "offset", "next_offset"}`; the last is null on the last page."""
    return rows[offset : offset + limit], paging(len(rows), limit, offset)


def paging(total: int, limit: int, offset: int) -> dict[str, Any]:
    """Where a page stands in a list of `total` rows."""
    end = offset + limit
    return {"total": total, "offset": offset, "next_offset": end if end < total else None}
