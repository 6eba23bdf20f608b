"""OpenAI's usage export and `/v1/organization/usage/completions`: tokens without money, cached ones part of input."""

from collections.abc import Sequence
from decimal import Decimal
from operator import itemgetter

from tools.invoice.money import DecimalMark
from tools.invoice.readers.base import Positions, RowReader, Style, day_of, read_quantity
from tools.invoice.records import BillLine, Entry, Subject, Unreadable
from tools.invoice.table import Row, beginning

# OpenAI's words for a service tier -> billing mode of the catalog.
TIERS = {"": "per_token", "default": "per_token", "auto": "per_token", "standard": "per_token", "scale": "provisioned"}


class OpenAIUsage:
    """Each row has up to five token counts; `input_tokens` holds cached and audio tokens too."""

    name = "openai_usage"
    title = "OpenAI usage export"

    def recognises(self, columns: frozenset[str]) -> bool:
        return columns >= {"num_model_requests", "input_tokens", "model"}

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        about = itemgetter(*at.some("model", "batch", "service_tier"), -1)
        counts = at.some(
            "input_tokens", "input_cached_tokens", "output_tokens", "input_audio_tokens", "output_audio_tokens"
        )
        remembered: dict[tuple[str, ...], tuple[Subject, ...]] = {}
        day_at = at.first("start_time_iso", "start_time")

        def read(row: Row) -> BillLine | Unreadable:
            key = about(row.cells)
            subjects = remembered.get(key)
            if subjects is None:
                subjects = remembered[key] = _subjects(*key[:-1])
            numbers = _counts([row.cells[position] for position in counts], style.mark)
            if isinstance(numbers, str):
                return Unreadable(row.number, numbers, beginning(",".join(row.cells)))
            entries = tuple(
                Entry(subject, None, number) for subject, number in zip(subjects, numbers, strict=True) if number
            )
            if not entries:
                empty = Subject(kind="empty", provider="openai", reason="no tokens were used")
                entries = (Entry(empty, Decimal(0), None),)
            day = day_of(row.cells[day_at])
            return BillLine(row.number, entries, day, day, row.identity)

        return read


def _counts(cells: Sequence[str], mark: DecimalMark) -> list[Decimal] | str:
    numbers = []
    for cell in cells:
        number, problem = read_quantity(cell, mark)
        if problem or (number is not None and number < 0):
            return problem or f"quantity: {cell[:40]!r} tokens are fewer than none"
        numbers.append(number or Decimal(0))
    total_input, cached, output, audio_input, audio_output = numbers
    text_input = total_input - cached - audio_input
    if text_input < 0:
        return "quantity: more cached and audio tokens than input tokens, of which they are part"
    if audio_output > output:
        return "quantity: more output audio tokens than output tokens, of which they are part"
    return [text_input, cached, output - audio_output, audio_input, audio_output]


def _subjects(model: str, batch: str, tier: str) -> tuple[Subject, ...]:
    mode = "batch" if batch.lower() in {"true", "1"} else TIERS.get(tier.lower(), tier.lower())
    return tuple(
        Subject(
            kind="usage",
            provider="openai",
            model=model,
            direction=direction,
            mode=mode,
            unit=unit,
            region="global",
            description=f"{model}, {direction}",
        )
        for direction, unit in (
            ("input", "tokens"),
            ("cache_read", "tokens"),
            ("output", "tokens"),
            ("input", "audio_tokens"),
            ("output", "audio_tokens"),
        )
    )
