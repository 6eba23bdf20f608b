"""Google Cloud's standard usage cost export (BigQuery as CSV, JSON lines or Parquet). `cost` is before credits."""

import json
from collections.abc import Sequence
from decimal import Decimal

from tools.invoice.money import EXACT, NotANumber, parse_number
from tools.invoice.readers.base import Layout, Positions, RowReader, Style, one_amount_reader, optional_number
from tools.invoice.records import Entry, Kind, Subject
from tools.invoice.table import Row
from tools.invoice.wording import read_wording

COSTS = ("cost", "unrounded_cost")
# Columns of the console's report beside the cost.
REDUCTIONS = ("discounts", "promotions_and_others", "savings_programs", "other_savings", "negotiated_savings")
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
        return (
            columns >= {"service_description", "sku_description"} and Positions(sorted(columns)).money(*COSTS)[0] >= 0
        )

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        credits_at, reductions_at = at["credits"], [at.money(name)[0] for name in REDUCTIONS]
        cost, stated = at.money(*COSTS)

        def with_credits(row: Row, entry: Entry) -> tuple[Entry, ...]:
            text = row.cells[credits_at]
            listed = _credits(text, entry.subject) if len(text) > 2 else ()
            numbers = (optional_number(row.cells[place], style.mark) for place in reductions_at)
            return (entry, *listed, *(_credit(entry.subject, number) for number in numbers if number))

        layout = Layout(
            key=(
                *at.some("service_description", "sku_description", "cost_type", "currency"),
                at.first("usage_pricing_unit", "usage_unit"),
                at.first("location_region", "location_location"),
                at["credit_type"],
            ),
            subject=lambda cells: _subject(cells, stated or "USD"),
            amount=cost,
            quantity=at.first("usage_amount_in_pricing_units", "usage_amount"),
            day=at.first("usage_start_time", "usage_start_date"),
            end=at.first("usage_end_time", "usage_end_date"),
            end_is_inside=at["usage_end_time"] < 0,
            adjustments=with_credits,
        )
        return one_amount_reader(layout, style)


def _subject(cells: Sequence[str], usual_currency: str) -> Subject:
    service, sku, cost_type, currency, unit, region, credit = cells
    provider = SERVICES.get(service.lower(), "")
    wording = read_wording(sku)
    kind = "credit" if credit else KINDS.get(cost_type.lower().replace(" ", "_"), "usage")
    if kind == "usage" and sku.lower().startswith(("commitment", "committed")):
        kind = "commitment"
    counted = unit.lower() in {"count", "counts", ""} and wording.direction is not None
    noun = f"{wording.modality}_tokens" if wording.modality else "tokens"
    reason = "" if provider or kind != "usage" else f"{service or 'the service'} is not an AI service"
    if "gpu" in sku.lower() and service == "Compute Engine":
        reason = "the SKU is a GPU without its machine: a price per machine cannot be compared with it"
    return Subject(
        kind=kind,
        provider=provider or ("google_cloud" if service or sku else ""),
        model=wording.rest if provider else "",
        direction=wording.direction if provider else None,
        mode=wording.mode,
        long_context=wording.long_context,
        unit=noun if counted else unit,
        region=region,
        currency=currency.upper() or usual_currency,
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
        return (_credit(subject, Decimal(0), f"credits: {why}"),)
    return (_credit(subject, total),) if items else ()


def _credit(subject: Subject, amount: Decimal, problem: str = "") -> Entry:
    credit = Subject(
        kind="credit", provider=subject.provider, currency=subject.currency, description="credits", reason=problem
    )
    return Entry(credit, amount, None)
