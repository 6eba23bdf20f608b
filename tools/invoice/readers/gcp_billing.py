"""Google Cloud's standard usage cost export (BigQuery as CSV, JSON lines or Parquet). `cost` is before credits."""

import json
from collections.abc import Sequence
from decimal import Decimal

from tools.invoice.money import EXACT, NotANumber, parse_number
from tools.invoice.readers.base import Layout, Positions, RowReader, Style, one_amount_reader
from tools.invoice.records import Entry, Kind, Subject
from tools.invoice.table import Row
from tools.invoice.wording import read_wording

KINDS: dict[str, Kind] = {"regular": "usage", "tax": "tax", "adjustment": "refund", "rounding_error": "fee"}
SERVICES = {
    "vertex ai": "google_vertex", "gemini api": "google_gemini", "generative language api": "google_gemini",
    "cloud speech api": "google_cloud", "cloud text-to-speech api": "google_cloud", "cloud vision api": "google_cloud",
}  # fmt: skip


class GcpBilling:
    """Token SKUs are counted one by one; credits stand as a list inside the line they reduce."""

    name = "gcp_billing"
    title = "Google Cloud billing export"

    def recognises(self, columns: frozenset[str]) -> bool:
        return columns >= {"service_description", "sku_description", "cost", "currency"}

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        credits_at = at["credits"]

        def with_credits(row: Row, entry: Entry) -> tuple[Entry, ...]:
            text = row.cells[credits_at]
            if len(text) <= 2:
                return (entry,)
            return (entry, *_credits(text, entry.subject))

        layout = Layout(
            key=(
                *at.some("service_description", "sku_description", "cost_type", "currency"),
                at["usage_pricing_unit"],
                at.first("location_region", "location_location"),
            ),
            subject=_subject,
            amount=at["cost"],
            quantity=at["usage_amount_in_pricing_units"],
            day=at["usage_start_time"],
            end=at["usage_end_time"],
            adjustments=with_credits,
        )
        return one_amount_reader(layout, style.mark)


def _subject(cells: Sequence[str]) -> Subject:
    service, sku, cost_type, currency, unit, region = cells
    provider = SERVICES.get(service.lower(), "")
    wording = read_wording(sku)
    kind = KINDS.get(cost_type.lower(), "usage")
    if kind == "usage" and sku.lower().startswith(("commitment", "committed")):
        kind = "commitment"
    counted = unit.lower() in {"count", "counts", ""} and wording.direction is not None
    noun = f"{wording.modality}_tokens" if wording.modality else "tokens"
    reason = "" if provider or kind != "usage" else f"{service or 'the service'} is not an AI service"
    if "gpu" in sku.lower() and service == "Compute Engine":
        reason = "the SKU is a GPU without its machine: a price per machine cannot be compared with it"
    return Subject(
        kind=kind,
        provider=provider or "google_cloud",
        model=wording.rest if provider else "",
        direction=wording.direction if provider else None,
        mode=wording.mode,
        long_context=wording.long_context,
        unit=noun if counted else unit,
        region=region,
        currency=currency.upper() or "USD",
        description=sku,
        reason=reason,
    )


def _credits(text: str, subject: Subject) -> tuple[Entry, ...]:
    """The credits inside a line; one that cannot be read becomes an entry of zero with its problem."""
    try:
        items = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
        total = Decimal(0)
        for item in items if isinstance(items, list) else []:
            total = EXACT.add(total, parse_number(str(item["amount"])))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        why = str(error) if isinstance(error, NotANumber) else "not a list of credits"
        credit = Subject(kind="credit", provider=subject.provider, currency=subject.currency, reason=f"credits: {why}")
        return (Entry(credit, Decimal(0), None),)
    credit = Subject(kind="credit", provider=subject.provider, currency=subject.currency, description="credits")
    return (Entry(credit, total, None),) if items else ()
