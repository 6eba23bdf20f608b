"""Anthropic's usage export and `/v1/organizations/usage_report/messages`: tokens without money."""

from collections.abc import Sequence
from decimal import Decimal
from operator import itemgetter

from tools.invoice.days import span_of
from tools.invoice.readers.anthropic_cost import anthropic_mode, is_long_context
from tools.invoice.readers.base import Positions, RowReader, Style, read_quantity
from tools.invoice.records import BillLine, Entry, Subject, Unreadable
from tools.invoice.table import Row, beginning

# Columns of the export, of the API's answer, and what they count.
COUNTS: tuple[tuple[str, str, str, int | None], ...] = (
    ("usage_input_tokens_no_cache", "uncached_input_tokens", "input", None),
    ("usage_input_tokens_cache_write_5m", "cache_creation_ephemeral_5m_input_tokens", "cache_write", None),
    ("usage_input_tokens_cache_write_1h", "cache_creation_ephemeral_1h_input_tokens", "cache_write", 1),
    ("usage_input_tokens_cache_read", "cache_read_input_tokens", "cache_read", None),
    ("usage_output_tokens", "output_tokens", "output", None),
    ("web_search_count", "server_tool_use_web_search_requests", "web_search", None),
)


class AnthropicUsage:
    """Each row has up to five token counts and a number of web searches."""

    name = "anthropic_usage"
    title = "Anthropic usage export"

    def recognises(self, columns: frozenset[str]) -> bool:
        return columns >= {"usage_input_tokens_no_cache", "usage_output_tokens"} or columns >= {
            "uncached_input_tokens",
            "output_tokens",
        }

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        about = itemgetter(
            at.first("model_version", "model"), at.first("usage_type", "service_tier"),
            *at.some("context_window", "inference_geo", "speed"), -1,
        )  # fmt: skip
        counts = [at.first(export, answer) for export, answer, _, _ in COUNTS]
        day_at = at.first("usage_date_utc", "starting_at")
        remembered: dict[tuple[str, ...], tuple[Subject, ...]] = {}

        def read(row: Row) -> BillLine | Unreadable:
            key = about(row.cells)
            subjects = remembered.get(key)
            if subjects is None:
                subjects = remembered[key] = _subjects(*key[:-1])
            entries = []
            for subject, position in zip(subjects, counts, strict=True):
                number, problem = read_quantity(row.cells[position], style.mark)
                if problem or (number is not None and number < 0):
                    reason = problem or f"quantity: {row.cells[position][:40]!r} is fewer than none"
                    return Unreadable(row.number, reason, beginning(",".join(row.cells)))
                if number:
                    entries.append(Entry(subject, None, number))
            if not entries:
                entries = [
                    Entry(Subject(kind="empty", provider="anthropic", reason="no tokens were used"), Decimal(0), None)
                ]
            day, _ = span_of(row.cells[day_at], style.order)
            return BillLine(row.number, tuple(entries), day, day, row.identity)

        return read


def _subjects(model: str, usage_type: str, context: str, geo: str, speed: str) -> tuple[Subject, ...]:
    return tuple(
        Subject(
            kind="usage",
            provider="anthropic",
            model="" if direction == "web_search" else model,
            direction=direction,
            mode=anthropic_mode(usage_type, speed),
            cache_hours=hours,
            long_context=is_long_context(context),
            unit="searches" if direction == "web_search" else "tokens",
            region="us" if geo.lower() == "us" else "global",
            description=f"{model}, {direction.replace('_', ' ')}",
            reason="web search is not billed by the token" if direction == "web_search" else "",
        )
        for _, _, direction, hours in COUNTS
    )
