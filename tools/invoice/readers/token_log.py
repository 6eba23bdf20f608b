"""Token counts with one amount for all of them: logs of gateways (LiteLLM, OpenRouter, Langfuse …), sheets by model.

A log without any amount (Fireworks' usage export) is priced from the catalog.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from tools.invoice.days import last_day, span_of
from tools.invoice.money import ZERO, NotANumber, currency_in, parse_number
from tools.invoice.names import seller_of
from tools.invoice.readers.base import SUBJECTS_REMEMBERED, Positions, RowReader, Style, is_total, read_quantity
from tools.invoice.records import BillLine, Entry, Subject, Unreadable
from tools.invoice.table import Row, beginning
from tools.invoice.vocabulary import AMOUNT, CURRENCY, DAY, LAST_DAY, MODEL, PROVIDER, REGION
from tools.invoice.wording import read_wording

MODELS = ("model_permaslug", "base_model_name", *MODEL, "snapshot_id", "provided_model_name", "model_group")
SELLERS = ("custom_llm_provider", *PROVIDER, "model_provider")
AMOUNTS = ("response_cost", "calculated_total_cost", *AMOUNT, "usage")
TIERS = ("service_tier", "batch", "call_type", "variant")
# Columns that only one exporter has -> who bills what it lists.
EXPORTERS = {"model_permaslug": "openrouter", "accelerator_seconds": "fireworks"}

_TOKENS = r"_?(?:text_)?(?:k|m)?_?tok(?:en)?s?(?:_.*)?"
_SIDES: Mapping[str, re.Pattern[str]] = {
    "cache_read": re.compile(rf"(?:.*_)?(?:cached|cache_read|cache_hit)_?(?:input|prompt)?{_TOKENS}|tokens_cached"),
    "cache_write": re.compile(rf"(?:.*_)?cache_(?:write|creation)_?(?:input|prompt)?{_TOKENS}"),
    "input": re.compile(
        rf"(?:n_|num_|total_)?(?:input|prompt|context|in|eingabe|entrada|entrée|ingresso){_TOKENS}"
        r"|(?:native_)?tokens_(?:prompt|input|in|d_entrée|de_entrada|di_ingresso)(?:_.*)?|m?tok_in"
    ),
    "output": re.compile(
        rf"(?:n_|num_|total_)?(?:output|completion|generated|out|ausgabe|salida|saída|sortie|uscita){_TOKENS}"
        r"|(?:native_)?tokens_(?:completion|output|out|de_sortie|de_salida|di_uscita)(?:_.*)?|m?tok_out"
    ),
}
_OF_MONEY = re.compile(r"(?:^|_)(?:costs?|price|usd|eur|rate|per|kosten|preis|prix|coût|precio)(?:_|$)")
_MILLIONS = re.compile(r"(?:^|_)(?:m|mtok|mtokens|millions?|mio)(?:_|$)")
_THOUSANDS = re.compile(r"(?:^|_)(?:k|ktok|ktokens|thousands?|tsd)(?:_|$)")


class TokenLog:
    """Cached tokens are part of the prompt where they are no more than it, as OpenAI counts; else they come beside."""

    name = "token_log"
    title = "token counts by request or model"

    def recognises(self, columns: frozenset[str]) -> bool:
        return bool(columns & set(MODELS)) and {"input", "output"} <= set(_sides(sorted(columns)))

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        return _Log(columns, style).read


class _Log:
    def __init__(self, columns: Sequence[str], style: Style) -> None:
        at, sides = Positions(columns), _sides(columns)
        self._style = style
        self._counts = tuple((side, at[name], _unit(name)) for side, name in sides.items())
        self._amount_at, self._currency = at.money(*AMOUNTS)
        self._about = tuple(at.first(*names) for names in (SELLERS, MODELS, CURRENCY, REGION, TIERS))
        self._exporter = next((seller for column, seller in EXPORTERS.items() if at[column] >= 0), "")
        self._rented = at.some("accelerator_type", "accelerator_seconds")
        self._day_at, self._end_at = at.first(*DAY), at.first(*LAST_DAY)
        self._remembered: dict[tuple[str, ...], dict[str, Subject]] = {}

    def read(self, row: Row) -> BillLine | Unreadable:
        """One record: its counts, and the amount that they have together."""
        cells, order = row.cells, self._style.order
        key = tuple(cells[place] for place in self._about)
        subjects = self._remembered.get(key)
        if subjects is None:
            if len(self._remembered) >= SUBJECTS_REMEMBERED:
                self._remembered.clear()
            subjects = self._remembered[key] = self._subjects(*map(str.strip, key))
        subject = subjects["input"]
        if not subject.model and any(map(is_total, cells)):
            subject = replace(subject, kind="total")
        try:
            amount = self._amount(cells, subject)
        except NotANumber as error:
            return Unreadable(row.number, f"amount: {error}", beginning(",".join(cells)))
        entries, problem = self._entries(cells, subjects, subject)
        if problem and amount is None:
            return Unreadable(row.number, problem, beginning(",".join(cells)))
        together = amount
        if amount is not None and (amount < 0 or not entries):
            entries, together = (_whole(subject, amount, problem),), None
        elif not entries:
            unused = Subject(kind="empty", provider=subject.provider, reason="no tokens were used")
            entries = (Entry(unused, ZERO, None),)
        span = span_of(cells[self._day_at], order)
        until = last_day(span, cells[self._end_at], order, True)
        identity = None if entries[0].subject.kind in {"total", "empty"} else row.identity
        return BillLine(row.number, entries, span[0], until, identity, together)

    def _amount(self, cells: Sequence[str], subject: Subject) -> Decimal | None:
        text = cells[self._amount_at]
        if self._amount_at < 0 or (subject.kind == "total" and not text.strip()):
            return None
        return parse_number(text, self._style.mark)

    def _entries(
        self, cells: Sequence[str], subjects: Mapping[str, Subject], subject: Subject
    ) -> tuple[tuple[Entry, ...], str]:
        """The counts of a record, or what is wrong with them."""
        if subject.kind == "total":
            return (), ""
        counts: dict[str, Decimal] = {}
        for side, place, _ in self._counts:
            number, problem = read_quantity(cells[place], self._style.mark)
            if problem or (number is not None and number < 0):
                return (), problem or f"quantity: {cells[place][:40]!r} tokens are fewer than none"
            counts[side] = number or ZERO
        cached = counts.get("cache_read", ZERO)
        if cached <= counts["input"]:
            counts["input"] -= cached
        device, seconds = (cells[place] for place in self._rented)
        if not any(counts.values()) and device:
            rented = replace(
                subject, model="", instance=device, direction=None, mode="on_demand", unit="gpu_seconds", reason=""
            )
            return (Entry(rented, None, read_quantity(seconds, self._style.mark)[0]),), ""
        return tuple(Entry(subjects[side], None, number) for side, number in counts.items() if number), ""

    def _subjects(self, seller: str, model: str, currency: str, region: str, tier: str) -> dict[str, Subject]:
        stated = self._exporter or seller or self._style.default_provider
        provider = stated or seller_of(model)
        said = read_wording(f"batch {tier}" if tier.lower() == "true" else tier)
        return {
            side: Subject(
                kind="total" if is_total(model or seller) else "usage",
                provider=provider,
                model=model,
                direction=side,
                mode=said.mode,
                unit=unit,
                region=region or "global",
                currency=currency_in(currency) or currency.upper()[:3] or self._currency or "USD",
                description=f"{model}, {side.replace('_', ' ')}" if model else "",
                reason="" if provider or not model else "the line names no provider (state one with --provider)",
                assumed_provider=bool(provider and not stated),
            )
            for side, _, unit in self._counts
        }


def _whole(subject: Subject, amount: Decimal, problem: str) -> Entry:
    """The amount of a record without usable counts."""
    if subject.kind == "usage" and amount < 0:
        subject = replace(subject, kind="refund")
    elif subject.kind == "usage" and not amount:
        subject = replace(subject, kind="empty")
    return Entry(subject, amount, None, None, problem or "quantity: billed for no tokens")


def _sides(columns: Sequence[str]) -> dict[str, str]:
    """The column of each direction: the first that counts it."""
    found: dict[str, str] = {}
    for column in columns:
        side = next((side for side, pattern in _SIDES.items() if pattern.fullmatch(column)), "")
        if side and not _OF_MONEY.search(column):
            found.setdefault(side, column)
    return found


def _unit(column: str) -> str:
    if _MILLIONS.search(column):
        return "1m_tokens"
    return "1k_tokens" if _THOUSANDS.search(column) else "tokens"
