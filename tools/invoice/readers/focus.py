"""FOCUS 1.0 to 1.3 (FinOps Open Cost and Usage Specification), CSV, Parquet or JSON lines."""

from collections.abc import Mapping, Sequence

from tools.invoice.names import squeezed
from tools.invoice.readers.base import Layout, Positions, RowReader, Style, json_object, one_amount_reader
from tools.invoice.records import Kind, Subject
from tools.invoice.wording import Wording, read_wording

KINDS: dict[str, Kind] = {
    "usage": "usage", "tax": "tax", "credit": "credit", "purchase": "commitment", "adjustment": "refund",
}  # fmt: skip
SERVICES = {
    "amazonbedrock": "aws_bedrock", "amazonrekognition": "aws_rekognition", "amazonpolly": "aws_polly",
    "amazontranscribe": "aws_transcribe", "vertexai": "google_vertex", "geminiapi": "google_gemini",
    "azureopenai": "azure", "azureopenaiservice": "azure", "foundrymodels": "azure", "cognitiveservices": "azure",
}  # fmt: skip
CLOUD_SELLERS = {
    "aws",
    "amazonwebservices",
    "microsoft",
    "microsoftazure",
    "azure",
    "google",
    "googlecloud",
    "gcp",
    "oracle",
}


class Focus:
    """No column holds model or token type yet: both come from SkuPriceDetails, else from the words."""

    name = "focus"
    title = "FOCUS"

    def recognises(self, columns: frozenset[str]) -> bool:
        return columns >= {"billed_cost", "charge_category"}

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        priced = at["pricing_quantity"] >= 0
        layout = Layout(
            key=(
                *at.some("charge_category", "charge_class", "charge_description"),
                at.first("provider_name", "service_provider_name", "publisher_name"),
                at["service_name"],
                at["sku_price_details"],
                at["sku_meter"],
                at["sku_id"],
                at["pricing_unit"] if priced else at["consumed_unit"],
                at["region_id"],
                at["billing_currency"],
                at["pricing_category"],
                at["commitment_discount_id"],
            ),
            subject=_subject,
            amount=at["billed_cost"],
            quantity=at["pricing_quantity"] if priced else at["consumed_quantity"],
            day=at["charge_period_start"],
            end=at["charge_period_end"],
        )
        return one_amount_reader(layout, style)


def _subject(cells: Sequence[str]) -> Subject:
    category, charge_class, description, provider, service, raw, meter, sku, unit, region, currency, pricing, plan = (
        cells
    )
    details = {squeezed(key).removeprefix("x"): value for key, value in json_object(raw).items()}
    kind = KINDS.get(category.lower(), "fee")
    if charge_class.lower() == "correction" and kind == "usage":
        kind = "refund"
    if kind == "usage" and (plan or pricing.lower() == "committed"):
        kind = "commitment"
    wording = read_wording(" ".join((details.get("tokentype", ""), meter, description, sku)))
    ai_service = SERVICES.get(squeezed(service), "")
    is_cloud = squeezed(provider) in CLOUD_SELLERS
    model = details.get("modelid") or details.get("model") or details.get("modelname") or ""
    if not model and kind == "usage" and (ai_service or not is_cloud):
        said = read_wording(description).rest
        model = "" if squeezed(said) in squeezed(f"{provider} {service}") else said
    instance = details.get("instancetype", "") if "hour" in unit.lower() else ""
    return Subject(
        kind=kind,
        provider=ai_service or provider,
        model=model,
        direction=read_wording(details.get("tokentype", "")).direction or wording.direction,
        mode=_mode(details, wording, pricing, instance),
        cache_hours=wording.cache_hours,
        long_context=wording.long_context,
        unit=unit,
        region=region or ("" if is_cloud else "global"),
        currency=currency.upper() or "USD",
        instance=instance,
        description=description or service,
        reason="" if model or instance or kind != "usage" else _why_no_model(ai_service, is_cloud, service),
    )


def _mode(details: Mapping[str, str], wording: Wording, pricing: str, instance: str) -> str:
    if instance:
        return "spot" if pricing.lower() == "dynamic" else "on_demand"
    return "batch" if "batch" in details.get("servicetier", "").lower() else wording.mode


def _why_no_model(ai_service: str, is_cloud: bool, service: str) -> str:
    if is_cloud and not ai_service:
        return f"{service or 'the service'} is not an AI service"
    return "the line names no model (SkuPriceDetails holds none)"
