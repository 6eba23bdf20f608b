"""OpenAI's cost export and the answers of `/v1/organization/costs`: amounts by day and line item."""

import re
from collections.abc import Sequence

from tools.invoice.readers.base import Layout, Positions, RowReader, Style, is_total, one_amount_reader
from tools.invoice.records import Subject
from tools.invoice.wording import read_wording

# "gpt-5.5-2026-04-23, cached input", "priority | gpt-5.6-sol, output, long context", "batch | gpt-4o-mini, input"
_TOOL = re.compile(r"tool calls?|web search|file search|code interpreter|storage|sessions?|vector store", re.IGNORECASE)
_MODEL = re.compile(r"(?:[^|]*\|\s*)*([^,|]+?)\s*,\s*\S")


class OpenAICosts:
    """`line_item` is text; days without usage have empty amounts; amounts carry 30 digits of binary noise."""

    name = "openai_costs"
    title = "OpenAI cost export"

    def recognises(self, columns: frozenset[str]) -> bool:
        return columns >= {"amount_value", "line_item"} or columns >= {"amount_value", "amount_currency", "start_time"}

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        layout = Layout(
            at.some("line_item", "quantity_unit", "amount_currency"),
            _subject,
            at["amount_value"],
            at["quantity"],
            day=at.first("start_time_iso", "start_time"),
            end=at.first("end_time_iso", "end_time"),
        )
        return one_amount_reader(layout, style)


def _subject(cells: Sequence[str]) -> Subject:
    item, unit, currency = cells
    if not item and not currency:
        return Subject(kind="empty", provider="openai", reason="a day without usage")
    wording = read_wording(item)
    match = _MODEL.match(item)
    return Subject(
        kind="total" if is_total(item) else "usage",
        provider="openai",
        model=match[1] if match and wording.direction else wording.rest,
        workload=None,
        direction=wording.direction,
        mode=wording.mode,
        long_context=wording.long_context,
        unit=f"{wording.modality}_{unit}" if wording.modality and unit == "tokens" else unit or "tokens",
        region="global",
        currency=currency.upper() or "USD",
        description=item,
        reason=_reason(item),
    )


def _reason(item: str) -> str:
    if not item:
        return "no line item: group the cost export by line item"
    return f"{item[:60]} is a tool, not a model" if _TOOL.search(item) else ""
