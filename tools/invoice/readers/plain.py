"""Plain invoice lines of any provider: whatever has an amount and says what it is for."""

import re
from collections.abc import Sequence

from tools.invoice.readers.base import Layout, Positions, RowReader, Style, is_total, one_amount_reader
from tools.invoice.records import Kind, Subject
from tools.invoice.wording import Wording, read_wording
from tools.invoice.workloads import workload_of

# Folded column names in the languages that bills here come in.
AMOUNT = (
    "amount", "amount_usd", "total_amount", "line_total", "line_amount", "cost", "cost_usd", "total_cost", "charge",
    "charges",
    "total", "price_total", "net_amount", "amount_due", "betrag", "gesamtbetrag", "gesamtpreis", "kosten", "montant",
    "importe",
)  # fmt: skip
DESCRIPTION = (
    "description", "line_item", "item", "product", "service", "sku", "sku_name", "product_name", "usage_type",
    "details",
    "beschreibung", "bezeichnung", "artikel", "leistung", "produkt", "désignation", "descripción",
)  # fmt: skip
MODEL = ("model", "model_name", "model_id", "model_key", "modell", "modèle")
PROVIDER = ("provider", "vendor", "supplier", "seller", "company", "anbieter", "lieferant", "fournisseur", "proveedor")
QUANTITY = (
    "quantity",
    "qty",
    "usage",
    "usage_qty",
    "usage_quantity",
    "units",
    "count",
    "menge",
    "anzahl",
    "quantité",
    "cantidad",
)
UNIT = ("unit", "usage_unit", "uom", "unit_of_measure", "unit_name", "quantity_unit", "einheit", "unité", "unidad")
CURRENCY = ("currency", "currency_code", "billing_currency", "währung", "waehrung", "devise", "moneda")
DAY = ("date", "day", "usage_date", "period_start", "start_date", "start_time", "invoice_date", "datum", "von")
LAST_DAY = ("period_end", "end_date", "end_time", "bis")
DIRECTION = ("direction", "token_type", "type", "token_direction")
MODE = ("billing_mode", "tier", "service_tier", "mode")
REGION = ("region", "location", "region_id")
WORKLOAD = ("workload_type", "workload", "category")

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
_GPU_UNIT = re.compile(
    r"\b(?:gpu|instance|machine|node|vm)[\s_-]*(?:hours?|hrs?|minutes?|seconds?)\b|^h(?:ou)?rs?$", re.IGNORECASE
)
_PERIODS = re.compile(r"^(?:month|months|monat|year|jahr|seat|seats|user|users)$", re.IGNORECASE)


class PlainLines:
    """Together, Fireworks, ElevenLabs, RunPod and the like; a file without a provider column needs one named."""

    name = "plain"
    title = "plain provider lines"

    def recognises(self, columns: frozenset[str]) -> bool:
        says_what = columns & {*DESCRIPTION, *MODEL, *PROVIDER}
        return bool(columns & set(AMOUNT)) and bool(says_what) and bool(columns & {*QUANTITY, *MODEL, *DESCRIPTION})

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        amount = at.first(*AMOUNT)
        key = tuple(
            at.first(*names)
            for names in (PROVIDER, DESCRIPTION, MODEL, UNIT, CURRENCY, DIRECTION, MODE, REGION, WORKLOAD)
        )
        layout = Layout(
            key=key,
            subject=lambda cells: _subject(cells, style.default_provider),
            amount=amount,
            quantity=at.first(*QUANTITY),
            day=at.first(*DAY),
            end=at.first(*LAST_DAY),
            end_is_inside=True,
            states_currency=at.first(*CURRENCY) >= 0,
        )
        return one_amount_reader(layout, style.mark)


def _subject(cells: Sequence[str], default_provider: str) -> Subject:
    provider, description, model, unit, currency, direction, mode, region, workload = (cell.strip() for cell in cells)
    words = read_wording(description)
    said = read_wording(f"{direction} {mode}")
    known, _ = workload_of(workload)
    rented = _rented(description, model, unit)
    provider = provider or default_provider
    kind: Kind = "total" if is_total(provider, description, model) else _kind(description, unit)
    return Subject(
        kind=kind,
        provider=provider,
        model="" if rented else model or words.rest,
        workload=known,
        direction=said.direction or words.direction,
        mode=_rental_mode(description) if rented else (said.mode if said.mode != "per_token" else words.mode),
        cache_hours=words.cache_hours or said.cache_hours,
        long_context=words.long_context,
        unit=_unit(unit, words),
        region=region,
        currency=currency.upper()[:3] or "USD",
        instance=rented,
        description=description or model,
        reason="" if provider else "the line names no provider (state one with --provider)",
    )


def _kind(description: str, unit: str) -> Kind:
    for pattern, kind in _WORDS:
        if pattern.search(description):
            return kind
    return "subscription" if _PERIODS.match(unit) else "usage"


def _unit(unit: str, words: Wording) -> str:
    if words.modality and unit.lower().endswith("tokens"):
        return re.sub(r"tokens$", f"{words.modality}_tokens", unit.lower())
    return unit


def _rented(description: str, model: str, unit: str) -> str:
    return (description or model) if _GPU_UNIT.search(unit) else ""


def _rental_mode(description: str) -> str:
    text = description.lower()
    if "spot" in text or "interruptible" in text or "preemptible" in text:
        return "spot"
    return "reserved_1y" if "reserv" in text else "on_demand"
