"""The current view as files: CSV and JSON of the catalog's own columns, and a price sheet in the terms of FOCUS."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from knowledge.store.offer import GPU, Offer
from tools.catalog.billing import parse_billing_mode

COLUMNS = (
    "provider",
    "workload_type",
    "sku_key",
    "model_key",
    "billing_mode",
    "direction",
    "unit_price_usd",
    "unit_name",
    "region",
    "source_date",
    "source_url",
    "source_kind",
    "confidence",
    "sku_name",
    "last_verified",
    "context_tier_tokens",
    "context_window_tokens",
    "max_output_tokens",
    "gpu_count",
    "vcpus",
    "memory_gb",
    "model_slug",
    "corroborated_by",
    "flags",
    "notes",
)
# A cell that begins so is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def record(offer: Offer) -> dict[str, object]:
    """Return an offer under the columns of the export; lists are joined by `;`."""
    cells: dict[str, object] = asdict(offer)
    cells["context_tier_tokens"] = parse_billing_mode(offer.billing_mode).above_tokens or None
    cells["corroborated_by"] = ";".join(offer.corroborated_by)
    cells["flags"] = ";".join(offer.flags)
    return {column: cells[column] for column in COLUMNS}


def to_csv(offers: Iterable[Offer]) -> str:
    """Return offers as CSV that a spreadsheet reads as text and numbers only."""
    return table(COLUMNS, map(record, offers))


def to_json(offers: Iterable[Offer]) -> str:
    """Return offers as a JSON list of the same columns."""
    return json.dumps([record(offer) for offer in offers], ensure_ascii=False, allow_nan=False) + "\n"


def to_focus(offers: Iterable[Offer], charge_period: str) -> str:
    """Return a price sheet as CSV in the column names of FOCUS 1.2; `charge_period` is a date, `YYYY-MM-DD`.

    FOCUS describes charges, so quantities and costs are absent; model and token type stand in `SkuPriceDetails`, where
    the working group has proposed them (FOCUS_Spec PR 2605).
    """
    return table(_FOCUS, (_focus(offer, charge_period) for offer in offers))


def table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Write rows as CSV, with text that a spreadsheet would take for a formula quoted by an apostrophe."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_safe(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


_FOCUS = (
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceSubcategory",
    "ServiceName",
    "SkuId",
    "SkuPriceId",
    "SkuMeter",
    "SkuPriceDetails",
    "PricingCategory",
    "PricingUnit",
    "ListUnitPrice",
    "PricingCurrency",
    "BillingCurrency",
    "RegionId",
    "ChargePeriodStart",
)


def _focus(offer: Offer, charge_period: str) -> dict[str, object]:
    mode = parse_billing_mode(offer.billing_mode)
    details = {
        "x_ModelId": offer.model_key,
        "x_TokenType": offer.direction,
        "x_BillingMode": offer.billing_mode,
        "x_SourceDate": offer.source_date,
        "x_Confidence": offer.confidence,
    }
    rented = offer.workload_type == GPU
    return {
        "ProviderName": offer.provider,
        "PublisherName": offer.provider,
        "ServiceCategory": "Compute" if rented else "AI and Machine Learning",
        "ServiceSubcategory": "Virtual Machines" if rented else "Generative AI",
        "ServiceName": offer.sku_name if rented else offer.workload_type,
        "SkuId": offer.model_key,
        "SkuPriceId": offer.sku_key,
        "SkuMeter": f"{offer.model_key} {offer.direction}".removesuffix(" na"),
        "SkuPriceDetails": json.dumps(details, ensure_ascii=False),
        "PricingCategory": {"spot": "Dynamic", "reserved_1y": "Committed", "reserved_3y": "Committed"}.get(
            mode.schedule, "Standard"
        ),
        "PricingUnit": offer.unit_name,
        "ListUnitPrice": offer.unit_price_usd,
        "PricingCurrency": "USD",
        "BillingCurrency": "USD",
        "RegionId": None if offer.region == "global" else offer.region,
        "ChargePeriodStart": f"{charge_period}T00:00:00Z",
    }


def _safe(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell
