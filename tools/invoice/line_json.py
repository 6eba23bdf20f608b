"""Lines as JSON text, written one by one: what is the same for all lines of a subject is encoded once."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from tools.invoice.money import EXACT, ZERO
from tools.invoice.records import LineResult, Match, PartResult

_FRAGMENTS_KEPT = 50_000
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class LineEncoder:
    """Encodes line results; remembers the constant part of every match, and every reason."""

    def __init__(self) -> None:
        self._constant: dict[int, tuple[Match, str]] = {}
        self._texts: dict[str, str] = {}

    def encode(self, line: LineResult) -> str:
        """One line as a JSON object."""
        head = (
            f'{{"line":{line.number},"status":"{line.status}","code":"{line.code}",'
            f'"reason":{self._text(line.reason)},"date":{self._text(line.day) if line.day else "null"},'
            f'"duplicate_of":{line.duplicate_of or "null"}'
        )
        if not line.parts:
            return head + ',"amount":null,"amount_usd":null,"currency":null}'
        if len(line.parts) == 1:
            return f"{head},{self._part(line.parts[0])}}}"
        amount, usd = _sum(part.amount for part in line.parts), _sum(part.amount_usd for part in line.parts)
        first = line.parts[0].match
        parts = ",".join(f'{{"code":"{part.code}",{self._part(part)}}}' for part in line.parts)
        return (
            f'{head},"amount":{_number(amount)},"amount_usd":{_number(usd)},'
            f'"currency":{self._text(first.subject.currency)},"provider":{self._text(first.provider)},'
            f'"model":{self._text(first.model)},"finding":{self._text(first.bundle)},"parts":[{parts}]}}'
        )

    def _part(self, part: PartResult) -> str:
        effective = part.effective_usd
        return (
            f'"amount":{_number(part.amount)},"amount_usd":{_number(part.amount_usd)},'
            f'"estimated":{"true" if part.estimated else "false"},"quantity":{_number(part.quantity)},'
            f'"effective_price_usd":{"null" if effective is None else f"{float(effective):.10g}"},'
            f"{self._fragment(part.match)}"
        )

    def _fragment(self, match: Match) -> str:
        held = self._constant.get(id(match))
        if held is not None and held[0] is match:
            return held[1]
        if len(self._constant) >= _FRAGMENTS_KEPT:
            self._constant.clear()
        text = _encode(_constant_fields(match))[1:-1]
        self._constant[id(match)] = (match, text)
        return text

    def _text(self, text: str) -> str:
        held = self._texts.get(text)
        if held is None:
            if len(self._texts) >= _FRAGMENTS_KEPT:
                self._texts.clear()
            held = self._texts[text] = _encode(text)
        return held


def _constant_fields(match: Match) -> dict[str, Any]:
    subject, quote = match.subject, match.quote
    fields: dict[str, Any] = {
        "kind": subject.kind,
        "currency": subject.currency,
        "provider": match.provider or subject.provider or None,
        "model": match.model or None,
        "workload": match.workload,
        "direction": subject.direction,
        "billing_mode": subject.mode,
        "region": subject.region or None,
        "unit": subject.unit or None,
        "description": subject.description or None,
        "finding": match.bundle if match.matched else None,
    }
    if quote is not None:
        fields["list_price_usd"] = float(quote.high_usd) if quote.low_usd == quote.high_usd else None
        fields["list_price_low_usd"] = float(quote.low_usd)
        fields["list_price_high_usd"] = float(quote.high_usd)
        fields["price_unit"] = quote.unit
        fields["sku_key"] = quote.sku
        fields["source_date"] = quote.source_date
        fields["confidence"] = quote.confidence
    return fields


def _number(value: Decimal | None) -> str:
    return "null" if value is None else format(value, "f")


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    total = ZERO
    for value in known:
        total = EXACT.add(total, value)
    return total if known else None


def json_text(head: dict[str, Any], lines: Iterable[LineResult], tail: Iterator[dict[str, Any]]) -> Iterator[str]:
    """A JSON object in pieces: the fields of `head`, then `lines`, then the fields that `tail` yields at the end."""
    encoder = LineEncoder()
    yield _encode(head)[:-1] + ',"lines":['
    separator = "\n"
    batch: list[str] = []
    for line in lines:
        batch.append(encoder.encode(line))
        if len(batch) >= 1000:
            yield separator + ",\n".join(batch)
            separator = ",\n"
            batch.clear()
    if batch:
        yield separator + ",\n".join(batch)
    yield "\n]"
    for fields in tail:
        yield "," + _encode(fields)[1:-1]
    yield "}\n"
