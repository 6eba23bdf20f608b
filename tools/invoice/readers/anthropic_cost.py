"""Anthropic's cost export and the answers of `/v1/organizations/cost_report`, whose amounts are in cents."""

from collections.abc import Sequence
from decimal import Decimal

from tools.invoice.readers.base import Layout, Positions, RowReader, Style, is_total, one_amount_reader
from tools.invoice.records import Subject

TOKEN_TYPES: dict[str, tuple[str, int | None]] = {
    "input_no_cache": ("input", None),
    "uncached_input_tokens": ("input", None),
    "input_cache_read": ("cache_read", None),
    "cache_read_input_tokens": ("cache_read", None),
    "input_cache_write_5m": ("cache_write", None),
    "cache_creation_ephemeral_5m_input_tokens": ("cache_write", None),
    "input_cache_write_1h": ("cache_write", 1),
    "cache_creation_ephemeral_1h_input_tokens": ("cache_write", 1),
    "output": ("output", None),
    "output_tokens": ("output", None),
}


class AnthropicCost:
    """Models are display names; costs are rounded to cents and come without a quantity."""

    name = "anthropic_cost"
    title = "Anthropic cost export"

    def recognises(self, columns: frozenset[str]) -> bool:
        csv_export = {"usage_date_utc", "cost_usd", "token_type"}
        answer = {"amount", "currency", "cost_type", "token_type"}
        return columns >= csv_export or columns >= answer

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        from_api = at["cost_usd"] < 0
        layout = Layout(
            key=(
                at["model"],
                at.first("usage_type", "service_tier"),
                at["context_window"],
                at["token_type"],
                at["cost_type"],
                at["inference_geo"],
                at["speed"],
                at["currency"],
                at.first("usage_date_utc", "description"),
            )[: 8 + from_api],
            subject=_subject,
            amount=at["amount"] if from_api else at["cost_usd"],
            quantity=-1,
            list_amount=at["list_price_usd"],
            day=at.first("usage_date_utc", "starting_at"),
            amount_scale=Decimal("0.01") if from_api else Decimal(1),
        )
        return one_amount_reader(layout, style)


def _subject(cells: Sequence[str]) -> Subject:
    model, usage_type, context, token_type, cost_type, geo, speed, currency, *description = (c.strip() for c in cells)
    known = TOKEN_TYPES.get(token_type)
    if not (model or token_type or cost_type):
        return Subject(kind="empty", provider="anthropic", reason="a day without usage")
    return Subject(
        kind="total" if is_total(model, *description) else "usage",
        provider="anthropic",
        model=model if known else "",
        direction=known[0] if known else None,
        mode=anthropic_mode(usage_type, speed),
        cache_hours=known[1] if known else None,
        long_context=is_long_context(context),
        unit="tokens",
        region="us" if geo.lower() == "us" else "global",
        currency=currency.upper() or "USD",
        description=" ".join(part for part in (model, token_type or cost_type) if part) or " ".join(description),
        reason="" if known else f"{cost_type or token_type or 'a charge'} is not billed by the token",
    )


def anthropic_mode(usage_type: str, speed: str) -> str:
    """Billing mode of the catalog for Anthropic's usage type (`message`, `batch`, `priority` …) and speed."""
    if usage_type.lower() == "batch":
        return "batch"
    if speed.lower() == "fast":
        return "fast"
    return "priority" if usage_type.lower().startswith("priority") else "per_token"


def is_long_context(text: str) -> bool:
    """Whether a context window such as `> 200k` or `200k-1M` is above the line (`≤ 200k` and `0-200k` are not)."""
    folded = text.lower().replace(" ", "")
    return folded.startswith((">", "200k-", "≥")) and not folded.startswith("≤")
