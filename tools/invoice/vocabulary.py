"""Words of headers and units in bills that people and small sellers write: English and its neighbours, folded."""

import re
from collections.abc import Sequence
from functools import lru_cache

from knowledge.errors import BadInput
from tools.units import parse_unit

AMOUNT = (
    "amount", "net_amount", "net", "amount_excl_tax", "line_total", "line_amount", "total_amount", "amount_due",
    "pre_tax_cost", "cost_in_billing_currency", "cost", "total_cost",
    "cost_total", "spend", "charge", "charges", "total_charge", "fee", "price_total", "total_price", "subtotal",
    "total", "paid", "betrag", "nettobetrag", "netto", "gesamtbetrag", "gesamtpreis", "kosten", "montant", "montant_ht",
    "montant_total", "coût", "cout", "importe", "coste", "costo", "importo", "totale", "valor", "custo", "bedrag",
    "totaal", "kwota", "wartość", "belopp", "beløb", "金額", "料金", "金额", "费用",
)  # fmt: skip
DESCRIPTION = (
    "description", "line_item", "item", "product", "service", "sku", "sku_name", "product_name", "usage_type",
    "service_name", "resource", "details", "name", "beschreibung", "bezeichnung", "artikel", "leistung", "produkt",
    "désignation", "désignation_du_produit", "libellé", "descripción", "concepto", "producto", "servicio",
    "descrizione", "prodotto", "servizio", "descrição", "produto", "serviço", "omschrijving", "opis", "usługa",
    "beskrivning", "beskrivelse", "項目", "内容", "項目名", "项目", "描述",
)  # fmt: skip
MODEL = ("model", "model_name", "model_id", "model_key", "modell", "modèle", "modelo", "modello", "モデル", "模型")
DEVICE = (
    "instance", "instance_type", "gpu", "gpu_type", "gpu_type_id", "gpu_name", "machine", "machine_type", "accelerator",
    "accelerator_type", "hardware", "vm_size", "instanz", "instancia",
)  # fmt: skip
PROVIDER = (
    "provider", "provider_name", "vendor", "vendor_name", "supplier", "seller", "company", "cloud", "cloud_provider",
    "anbieter", "lieferant", "fournisseur", "proveedor", "fornitore", "fornecedor", "leverancier", "dostawca",
    "leverantör", "leverandør", "プロバイダー", "供应商", "提供商",
)  # fmt: skip
QUANTITY = (
    "quantity", "qty", "usage", "usage_qty", "usage_quantity", "usage_amount", "units", "count", "volume", "menge",
    "anzahl", "verbrauch", "quantité", "quantite", "cantidad", "quantità", "quantita", "quantidade", "aantal",
    "hoeveelheid", "ilość", "antal", "数量",
)  # fmt: skip
UNIT = (
    "unit", "usage_unit", "uom", "unit_of_measure", "unit_name", "quantity_unit", "units_of_measure", "einheit",
    "unité", "unite", "unidad", "unità", "unidade", "eenheid", "jednostka", "enhet", "enhed", "単位", "单位",
)  # fmt: skip
CURRENCY = (
    "currency", "currency_code", "billing_currency", "währung", "waehrung", "devise", "moneda", "valuta", "moeda",
    "waluta", "通貨", "币种",
)  # fmt: skip
TAX = ("tax", "tax_amount", "sales_tax", "vat", "vat_amount", "gst", "mwst", "ust", "tva", "iva", "btw")
DISCOUNT = (
    "discount",
    "discounts",
    "discount_amount",
    "rabatt",
    "remise",
    "descuento",
    "sconto",
    "desconto",
    "korting",
)
TOTAL = (
    "total", "total_incl_tax", "total_with_tax", "total_incl_vat", "gross", "gross_amount", "grand_total", "amount_due",
    "brutto", "bruttobetrag", "gesamt", "gesamtbetrag", "montant_ttc", "total_ttc", "ttc", "totale", "totaal",
)  # fmt: skip
DAY = (
    "date", "day", "usage_date", "period_start", "start_date", "start_time", "created_at", "created_utc", "created",
    "timestamp", "time", "datum", "tag", "von", "date_de_début", "fecha", "data", "dia", "month", "period",
    "billing_period", "monat", "zeitraum", "mois", "période", "mes", "mese", "mês", "日付", "日期", "月",
)  # fmt: skip
INVOICE_DAY = ("invoice_date", "bill_date", "rechnungsdatum", "date_de_facture", "fecha_factura")
LAST_DAY = ("period_end", "end_date", "end_time", "bis", "date_de_fin")
DIRECTION = ("direction", "token_type", "type", "token_direction", "richtung")
MODE = ("billing_mode", "tier", "service_tier", "mode", "pricing_tier", "plan_type")
REGION = ("region", "location", "region_id", "standort", "région", "región")
WORKLOAD = ("workload_type", "workload", "category", "kategorie", "catégorie", "categoría")

_SCALE_AT_END = re.compile(r"(.+?)_(?:in_)?(k|m|mm|thousands?|mio|millions?)")
_COUNTS_OF = re.compile(r"^(?:(?:number|no|anzahl|nombre|total|sum|used|billed|usage|quantity|qty|menge)_(?:of_)?)+")
_TRAILING = re.compile(r"_(?:used|billed|total|count|consumed)$")
_WORDS_OF_UNITS = (
    (re.compile(r"\b(?:mio\.?|mill?ionen|(?:millions?|millones|milioni|milhões)(?: d[ei]| d')?)\s*"), "1m "),
    (re.compile(r"\b(?:tsd\.?|tausend|milliers?(?: de| d')?|miles(?: de)?)\s*"), "1k "),
    (re.compile(r"\b(?:jetons?|tokens?)\b"), "tokens"),
    (re.compile(r"\b(?:stunden?|std\.?|heures?|horas?|ore|uur|godzin\w*|timmar|timer)(?!\w)"), "hours"),
    (re.compile(r"\bhours(?: de)? gpu\b"), "gpu hours"),
    (re.compile(r"\b(?:minuten|minutos|minuti|minut)\b"), "minutes"),
    (re.compile(r"\b(?:sekunden|secondes|segundos|secondi)\b"), "seconds"),
    (re.compile(r"\b(?:bilder|bild|imágenes|imagen|immagini|imagens|afbeeldingen)\b"), "images"),
    (re.compile(r"\b(?:zeichen|caractères|caracteres|caratteri|tekens)\b"), "characters"),
    (re.compile(r"\b(?:seiten?|páginas?|pagine)\b"), "pages"),
    (re.compile(r"\b(?:monate?|mois|mes|mese|mês|maand)\b"), "month"),
)  # fmt: skip


@lru_cache(maxsize=4096)
def unit_in_english(text: str) -> str:
    """`Mio. Tokens` as `1m tokens`; what is no known word of another language stays as it is."""
    words = text.strip().lower()
    for pattern, english in _WORDS_OF_UNITS:
        words = pattern.sub(english, words)
    return words if words != text.strip().lower() else text


def counted_in(column: str) -> str:
    """The unit that a folded header such as `gpu_hours` or `quantity_1m_tokens` counts; an empty text for none."""
    name = _TRAILING.sub("", _COUNTS_OF.sub("", unit_in_english(column.replace("_", " ")).replace(" ", "_")))
    if name.endswith("_ms"):
        return "0.001_seconds"
    scaled = _SCALE_AT_END.fullmatch(name)
    for candidate in (f"1{scaled[2][0]}_{scaled[1]}" if scaled else "", name):
        if candidate and _is_unit(candidate):
            return candidate
    return ""


def priced_per(columns: Sequence[str]) -> str:
    """The unit of a column of prices such as `price_per_1m_tokens` or `hourly_rate`; an empty text for none."""
    for column in columns:
        if re.search(r"hourly|per_(?:gpu_)?hour", column):
            return "gpu_hours" if "gpu" in column else "hours"
        _, per, unit = column.rpartition("per_")
        if per and _is_unit(unit):
            return unit
    return ""


def _is_unit(name: str) -> bool:
    try:
        parse_unit(name)
    except BadInput:
        return False
    return True
