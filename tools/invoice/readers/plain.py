"""Plain invoice lines of any provider: whatever has an amount and says what it is for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.invoice.money import currency_in
from tools.invoice.names import seller_of
from tools.invoice.prices import unit_named
from tools.invoice.readers.base import Layout, Positions, RowReader, Style, is_total, one_amount_reader
from tools.invoice.records import Kind, Subject
from tools.invoice.taxes import beside
from tools.invoice.vocabulary import (
    AMOUNT,
    CURRENCY,
    DAY,
    DESCRIPTION,
    DEVICE,
    DIRECTION,
    INVOICE_DAY,
    LAST_DAY,
    MODE,
    MODEL,
    PROVIDER,
    QUANTITY,
    REGION,
    UNIT,
    WORKLOAD,
    counted_in,
    priced_per,
    unit_in_english,
)  # fmt: skip
from tools.invoice.wording import read_wording
from tools.invoice.workloads import workload_of

_WORDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"\b(?:sales tax|tax|vat|gst|mwst|ust|tva|iva|umsatzsteuer)\b", re.IGNORECASE), "tax"),
    (re.compile(r"\b(?:refund|reversal|chargeback|erstattung|gutschrift|remboursement)\b", re.IGNORECASE), "refund"),
    (
        re.compile(r"\b(?:promo\w*|coupon|rebate|discount|rabatt|credits? applied|\w* ?credit)\b", re.IGNORECASE),
        "credit",
    ),
    (
        re.compile(r"\b(?:commit\w*|reserv\w*|savings plan|provisioned|prepaid|pre-?paid)\b", re.IGNORECASE),
        "commitment",
    ),
    (re.compile(r"\b(?:subscription|plan|seats?|membership|abonnement|abo)\b", re.IGNORECASE), "subscription"),
    (
        re.compile(r"\b(?:platform fee|service fee|support|setup fee|minimum charge|late fee|fee)\b", re.IGNORECASE),
        "fee",
    ),
)
# A column that only one exporter has -> who bills it.
EXPORTERS = {"gpu_type_id": "runpod"}
_GPU_UNIT = re.compile(
    r"\b(?:gpu|instance|machine|node|vm)[\s_-]*(?:hours?|hrs?|minutes?|seconds?)\b|^h(?:ou)?rs?$", re.IGNORECASE
)
_PERIODS = re.compile(r"^(?:month|months|monat|year|jahr|seat|seats|user|users)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Usual:
    """What holds for lines that do not say it themselves."""

    provider: str
    unit: str
    currency: str


class PlainLines:
    """Together, Fireworks, ElevenLabs, RunPod and the like, and the sheets that people keep."""

    name = "plain"
    title = "plain provider lines"

    def recognises(self, columns: frozenset[str]) -> bool:
        at = Positions(sorted(columns))
        says_what = columns & {*DESCRIPTION, *MODEL, *DEVICE}
        says_who_and_how_much = columns & {*PROVIDER} and (columns & {*QUANTITY} or any(map(counted_in, columns)))
        return at.money(*AMOUNT)[0] >= 0 and bool(says_what or says_who_and_how_much)

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        amount, currency = at.money(*AMOUNT)
        quantity, unit = _quantity(columns, at)
        exporter = next((seller for column, seller in EXPORTERS.items() if column in columns), "")
        usual = _Usual(style.default_provider or exporter, unit or priced_per(columns), currency or "USD")
        layout = Layout(
            key=tuple(
                at.first(*names)
                for names in (PROVIDER, DESCRIPTION, MODEL, DEVICE, UNIT, CURRENCY, DIRECTION, MODE, REGION, WORKLOAD)
            ),
            subject=lambda cells: _subject(cells, usual),
            amount=amount,
            quantity=quantity,
            day=at.first(*DAY, *INVOICE_DAY),
            end=at.first(*LAST_DAY),
            end_is_inside=True,
            states_currency=at.first(*CURRENCY) >= 0,
            adjustments=beside(at, amount, style.mark),
        )
        return one_amount_reader(layout, style)


def _quantity(columns: Sequence[str], at: Positions) -> tuple[int, str]:
    """Where the quantity stands, and its unit where the header says it."""
    if (plain := at.first(*QUANTITY)) >= 0:
        return plain, ""
    counted = next((column for column in columns if counted_in(column)), "")
    return (at[counted], counted_in(counted)) if counted else (-1, "")


def _subject(cells: Sequence[str], usual: _Usual) -> Subject:
    provider, description, model, device, unit, currency, *others = (cell.strip() for cell in cells)
    direction, mode, region, workload = others
    unit = unit_in_english(unit or usual.unit or (direction if unit_named(direction, "llm") else ""))
    words = read_wording(description)
    said = read_wording(f"{direction} {mode}")
    known, _ = workload_of(workload)
    rented = (device or description or model) if _GPU_UNIT.search(unit) or (device and _is_time(unit)) else ""
    named = "" if rented else model or words.rest
    stated = provider or (usual.provider if named or rented or unit else "")
    assumed = "" if stated else seller_of(named)
    total = is_total(provider, description, model, device)
    return Subject(
        kind="total" if total else _kind(description or model or device or provider, unit),
        provider=stated or assumed,
        model=named,
        workload=known,
        direction=said.direction or words.direction,
        mode=_rental_mode(f"{description} {mode}")
        if rented
        else (said.mode if said.mode != "per_token" else words.mode),
        cache_hours=words.cache_hours or said.cache_hours,
        long_context=words.long_context,
        unit=_unit(unit, words.modality or said.modality),
        region=region,
        currency=currency_in(currency) or currency.upper()[:3] or usual.currency,
        instance=rented,
        description=description or model or device,
        reason="" if stated or assumed else "the line names no provider (state one with --provider)",
        assumed_provider=bool(assumed),
    )


def _kind(description: str, unit: str) -> Kind:
    for pattern, kind in _WORDS:
        if pattern.search(description):
            return kind
    return "subscription" if _PERIODS.match(unit) else "usage"


def _is_time(unit: str) -> bool:
    held = unit_named(unit, "gpu")
    return held is not None and held.dimension in {"gpu_second", "instance_second"}


def _unit(unit: str, modality: str) -> str:
    if modality and unit.lower().endswith("tokens"):
        return re.sub(r"(?:text_)?tokens$", f"{modality}_tokens", unit.lower())
    return unit


def _rental_mode(description: str) -> str:
    text = description.lower()
    if "spot" in text or "interruptible" in text or "preemptible" in text:
        return "spot"
    return "reserved_1y" if "reserv" in text else "on_demand"
