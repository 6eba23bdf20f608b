"""Tables: Slack's own block, and the same aligned in a fixed-width font where a workspace does not take that block.

Limits: https://docs.slack.dev/reference/block-kit/blocks/table-block. That a message may have one table, and that no
cell may be empty, is not written there; Slack answers `only_one_table_allowed` and "must be more than 0 characters".
"""

import json
from collections.abc import Collection, Iterable, Sequence

from ui.slack.blocks import SECTION_CHARS, Block, context, section
from ui.slack.wording import cut, escaped, storable

MOST_ROWS = 100
MOST_CHARS = 8_000
"""Of its JSON, which leaves room for what stands beside it in a message."""
CELL_CHARS = 200
NOTHING = "–"

Cell = str | tuple[str, str]
"""Text, or text with the address that it leads to."""


def table(rows: Iterable[Sequence[Cell]], numbers: Collection[int] = ()) -> list[Block]:
    """Rows, the first of them the heading; `numbers`: columns that are aligned to the right. As many rows as fit."""
    made = [[_cell(each) for each in row] for row in rows]
    kept, used = list[list[Block]](), 0
    for row in made[:MOST_ROWS]:
        used += len(json.dumps(row, ensure_ascii=False))
        if used > MOST_CHARS:
            break
        kept.append(row)
    columns = [{"align": "right" if place in numbers else "left", "is_wrapped": True} for place in range(len(made[0]))]
    return [{"type": "table", "rows": kept, "column_settings": columns}, *_more(len(made) - len(kept))]


def without_tables(blocks: Iterable[Block]) -> list[Block]:
    """The same message without Slack's table block."""
    return [shown for block in blocks for shown in (_aligned(block) if block["type"] == "table" else [block])]


def _cell(cell: Cell) -> Block:
    text, url = (cell, "") if isinstance(cell, str) else cell
    shown = cut(text.strip(), CELL_CHARS) or NOTHING
    if not url:
        return {"type": "raw_text", "text": shown}
    link = {"type": "link", "url": storable(url), "text": shown}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [link]}]}


def _text(cell: Block) -> str:
    return str(cell["text"] if cell["type"] == "raw_text" else cell["elements"][0]["elements"][0]["text"])


def _aligned(block: Block) -> list[Block]:
    rows = [[_text(cell) for cell in row] for row in block["rows"]]
    right = [column["align"] == "right" for column in block["column_settings"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    kept, used = list[str](), 0
    for row in rows:
        cells = [cell.rjust(width) if number else cell.ljust(width)
                 for cell, width, number in zip(row, widths, right, strict=True)]  # fmt: skip
        line = escaped("  ".join(cells).rstrip().replace("`", "'"), SECTION_CHARS)
        used += len(line) + 1
        if used > SECTION_CHARS - 10:
            break
        kept.append(line)
    shown = "\n".join(kept)
    return [section(f"```{shown}```"), *_more(len(rows) - len(kept))]


def _more(left_out: int) -> list[Block]:
    return [context(f"{left_out} more rows")] if left_out else []
