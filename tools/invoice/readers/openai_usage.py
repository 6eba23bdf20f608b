"""OpenAI's usage export and `/v1/organization/usage/completions`: tokens without money, cached ones part of input."""

from collections.abc import Sequence
from decimal import Decimal
from operator import itemgetter

from tools.invoice.days import span_of
from tools.invoice.money import DecimalMark, NotANumber
from tools.invoice.readers.base import Positions, RowReader, Style, read_quantity
from tools.invoice.records import BillLine, Entry, Subject, Unreadable
from tools.invoice.table import Row, beginning

# OpenAI's words for a service tier -> billing mode of the catalog.
TIERS = {"": "per_token", "default": "per_token", "auto": "per_token", "standard": "per_token", "scale": "provisioned"}


# Counts of the other usage reports (images, speech, transcription) and their units.
OTHER_COUNTS = (("images", "images"), ("characters", "characters"), ("seconds", "audio_seconds"))
# Parts of the text counts that are billed apart.
MODALITIES = ("audio", "image")


class OpenAIUsage:
    """Each row has several counts; `input_tokens` holds cached, audio and image tokens too."""

    name = "openai_usage"
    title = "OpenAI usage export"

    def recognises(self, columns: frozenset[str]) -> bool:
        counted = columns & {"input_tokens", *(column for column, _ in OTHER_COUNTS)}
        return columns >= {"num_model_requests", "model"} and bool(counted)

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        about = itemgetter(*at.some("model", "batch", "service_tier"), -1)
        counts = at.some("input_tokens", "input_cached_tokens", "output_tokens")
        parts = at.some(*(f"{side}_{kind}_tokens" for kind in MODALITIES for side in ("input", "output")))
        others = at.some(*(column for column, _ in OTHER_COUNTS))
        remembered: dict[tuple[str, ...], tuple[Subject, ...]] = {}
        day_at = at.first("start_time_iso", "start_time")

        def read(row: Row) -> BillLine | Unreadable:
            key = about(row.cells)
            subjects = remembered.get(key)
            if subjects is None:
                subjects = remembered[key] = _subjects(*key[:-1])
            try:
                text, apart, other = (_counts(row.cells, places, style.mark) for places in (counts, parts, others))
                numbers = (*_without_parts(text, apart), *apart, *other)
            except NotANumber as error:
                return Unreadable(row.number, str(error), beginning(",".join(row.cells)))
            entries = tuple(
                Entry(subject, None, number) for subject, number in zip(subjects, numbers, strict=True) if number
            )
            if not entries:
                empty = Subject(kind="empty", provider="openai", reason="no tokens were used")
                entries = (Entry(empty, Decimal(0), None),)
            day, _ = span_of(row.cells[day_at], style.order)
            return BillLine(row.number, entries, day, day, row.identity)

        return read


def _counts(cells: Sequence[str], places: Sequence[int], mark: DecimalMark) -> list[Decimal]:
    numbers = []
    for place in places:
        number, problem = read_quantity(cells[place], mark)
        if problem or (number is not None and number < 0):
            raise NotANumber(problem or f"quantity: {cells[place][:40]!r} tokens are fewer than none")
        numbers.append(number or Decimal(0))
    return numbers


def _without_parts(text: Sequence[Decimal], apart: Sequence[Decimal]) -> tuple[Decimal, Decimal, Decimal]:
    total_input, cached, total_output = text
    uncached = total_input - cached - sum(apart[::2])
    output = total_output - sum(apart[1::2])
    if uncached < 0:
        raise NotANumber("quantity: more cached and audio tokens than input tokens, of which they are part")
    if output < 0:
        raise NotANumber("quantity: more output audio tokens than output tokens, of which they are part")
    return uncached, cached, output


def _subjects(model: str, batch: str, tier: str) -> tuple[Subject, ...]:
    mode = "batch" if batch.lower() in {"true", "1"} else TIERS.get(tier.lower(), tier.lower())
    text = (("input", "tokens"), ("cache_read", "tokens"), ("output", "tokens"))
    apart = tuple((side, f"{kind}_tokens") for kind in MODALITIES for side in ("input", "output"))
    others = tuple((None, unit) for _, unit in OTHER_COUNTS)
    return tuple(
        Subject(
            kind="usage",
            provider="openai",
            model=model,
            direction=direction,
            mode=mode,
            unit=unit,
            region="global",
            description=f"{model}, {(direction or unit).replace('_', ' ')}",
        )
        for direction, unit in (*text, *apart, *others)
    )
