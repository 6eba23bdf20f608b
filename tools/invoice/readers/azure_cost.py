"""Azure Cost Management's actual cost export (EA, MCA and the query API). Dates are US style; `1K` is a unit."""

import re
from collections.abc import Sequence

from tools.invoice.readers.base import Layout, Positions, RowReader, Style, one_amount_reader
from tools.invoice.records import Kind, Subject
from tools.invoice.wording import read_wording

KINDS: dict[str, Kind] = {
    "usage": "usage", "purchase": "commitment", "refund": "refund", "tax": "tax", "roundingadjustment": "fee",
    "unusedreservation": "commitment", "unusedsavingsplan": "commitment", "credit": "credit",
}  # fmt: skip
AMOUNTS = ("cost_in_billing_currency", "cost", "pre_tax_cost")
_AI = re.compile(
    r"openai|cognitive|foundry|ai services|machine learning|speech|vision|document intelligence", re.IGNORECASE
)
_VM = re.compile(r"virtual machines", re.IGNORECASE)
_VM_NAME = re.compile(r"(?P<size>N[A-Z]*\d+\w*)(?P<rest>(?:\s+\w+)*)")


class AzureCost:
    """Azure OpenAI meters read `gpt-4o-mini-0718-Inp-glbl Tokens`."""

    name = "azure_cost"
    title = "Azure cost export"

    def recognises(self, columns: frozenset[str]) -> bool:
        money, service = {*AMOUNTS, "cost_in_pricing_currency"}, {"meter_category", "service_name"}
        return bool(columns & money and columns & service and columns & {"meter_name", "meter"})

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        layout = Layout(
            key=(
                at.first("meter_category", "service_name"),
                at.first("meter_sub_category", "service_tier"),
                at.first("meter_name", "meter"),
                at.first("unit_of_measure", "uom"),
                at.first("billing_currency", "billing_currency_code", "currency"),
                at["charge_type"],
                at.first("resource_location", "meter_region", "location"),
                at.first("product", "product_name"),
                at.first("reservation_id", "reservation_name", "benefit_id"),
                at["pricing_model"],
            ),
            subject=_subject,
            amount=at.first(*AMOUNTS, "cost_in_pricing_currency"),
            quantity=at.first("quantity", "usage_quantity"),
            day=at.first("date", "usage_date", "usage_date_time"),
        )
        return one_amount_reader(layout, style)


def _subject(cells: Sequence[str]) -> Subject:
    category, sub_category, meter, unit, currency, charge, location, product, reservation, pricing = cells
    kind = KINDS.get(charge.lower().replace(" ", ""), "usage")
    if kind == "usage" and (reservation or pricing.lower() in {"reservation", "savingsplan"}):
        kind = "commitment"
    currency = currency.upper() or "USD"
    if _VM.search(category):
        machine = _machine(meter)
        spot = pricing.lower() == "spot" or "spot" in meter.lower()
        return Subject(
            kind=kind, provider="azure", mode="spot" if spot else "on_demand", unit=_hours(unit), region=location,
            currency=currency, instance=machine, description=product or meter,
            reason="" if machine or kind != "usage" else f"{meter} is not a machine with an accelerator",
        )  # fmt: skip
    wording = read_wording(meter)
    is_ai = bool(_AI.search(f"{category} {sub_category} {product}"))
    if kind == "usage" and wording.provisioned:
        kind = "commitment"
    return Subject(
        kind=kind,
        provider="azure",
        model=wording.rest if is_ai else "",
        direction=wording.direction,
        mode=wording.mode,
        long_context=wording.long_context,
        unit=_unit(unit, meter, wording.modality),
        region="global" if wording.reach == "global" else location,
        currency=currency,
        description=product or meter,
        reason="" if is_ai or kind != "usage" else f"{category or 'the meter'} is not an AI service",
    )


def _unit(unit: str, meter: str, modality: str) -> str:
    if re.fullmatch(r"1\s?[KM]", unit, re.IGNORECASE) and "token" in meter.lower():
        return f"{unit.lower().replace(' ', '')}_{modality + '_' if modality else ''}tokens"
    return unit


def _hours(unit: str) -> str:
    return "Hours" if "hour" in unit.lower() else unit


def _machine(meter: str) -> str:
    """`NC40ads H100 v5` is sold as `Standard_NC40ads_H100_v5`."""
    match = _VM_NAME.search(meter.replace(" Spot", "").replace(" Low Priority", ""))
    return "Standard_" + "_".join(match[0].split()) if match else ""
