"""AWS Cost and Usage Report, 2.0 and legacy: their headers fold to the same names; maps come as JSON or as columns."""

import re
from collections.abc import Sequence

from tools.invoice.readers.base import Layout, Positions, RowReader, Style, json_object, one_amount_reader, split_camel
from tools.invoice.records import Kind, Subject
from tools.invoice.wording import Wording, read_wording

KINDS: dict[str, Kind] = {
    "usage": "usage", "tax": "tax", "credit": "credit", "refund": "refund", "fee": "fee",
    "rifee": "commitment", "discountedusage": "commitment", "savingsplancoveredusage": "commitment",
    "savingsplannegation": "commitment", "savingsplanupfrontfee": "commitment", "savingsplanrecurringfee": "commitment",
    "bundleddiscount": "credit", "edpdiscount": "credit", "privateratediscount": "credit",
    "spprivateratediscount": "credit",
}  # fmt: skip
AI_PRODUCTS = {
    "amazonbedrock": "aws_bedrock", "amazonbedrockservice": "aws_bedrock", "amazonrekognition": "aws_rekognition",
    "amazonpolly": "aws_polly", "amazontranscribe": "aws_transcribe", "transcribe": "aws_transcribe",
}  # fmt: skip
_REGION_CODE = re.compile(r"^[A-Z]{2,4}\d?-")
_INSTANCE = re.compile(
    r"(?:BoxUsage|SpotUsage|HostBoxUsage|DedicatedUsage|UnusedBox)(?:[\w-]*):([\w.-]+)|\b(ml\.[\w.]+)"
)


class AwsCur:
    """Bedrock Marketplace models bill as software: product name in the product map, unit `Units` = 1M tokens."""

    name = "aws_cur"
    title = "AWS Cost and Usage Report"

    def recognises(self, columns: frozenset[str]) -> bool:
        return columns >= {"line_item_unblended_cost", "line_item_line_item_type", "line_item_usage_type"}

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        layout = Layout(
            key=(
                *at.some("line_item_line_item_type", "line_item_product_code", "line_item_usage_type"),
                *at.some("line_item_line_item_description", "pricing_unit", "product"),
                at.first("product_region_code", "product_region"),
                at.first("line_item_currency_code", "pricing_currency"),
                at["product_instance_type"],
                at.first("product_product_name", "product_model"),
            ),
            subject=_subject,
            amount=at["line_item_unblended_cost"],
            quantity=at["line_item_usage_amount"],
            day=at["line_item_usage_start_date"],
            end=at["line_item_usage_end_date"],
        )
        return one_amount_reader(layout, style)


def _subject(cells: Sequence[str]) -> Subject:
    line_type, product_code, usage_type, description, unit, product, region, currency, instance, name = cells
    details = json_object(product)
    kind = KINDS.get(line_type.lower(), "fee")
    text = f"{description.rsplit('|', 1)[-1]} {split_camel(_REGION_CODE.sub('', usage_type)).replace(':', ' ')}"
    text = f"{text} {details.get('inferenceType', '')}"
    wording = read_wording(text)
    provider = AI_PRODUCTS.get(product_code.lower(), "")
    named = details.get("product_name") or name
    if not provider and ("bedrock" in named.lower() or "bedrock" in product_code.lower()):
        provider = "aws_bedrock"
    rented = instance or details.get("instance_type", "") or _instance(usage_type)
    if not provider and product_code in {"AmazonEC2", "AmazonSageMaker"} and rented:
        return Subject(
            kind=kind, provider="aws", mode="spot" if "SpotUsage" in usage_type else "on_demand", unit=unit or "Hrs",
            region=region, currency=currency or "USD", instance=rented, description=description,
        )  # fmt: skip
    return Subject(
        kind="commitment" if kind == "usage" and wording.provisioned else kind,
        provider=provider or "aws",
        model=_model(details, named, usage_type) if provider else "",
        direction=wording.direction,
        mode=wording.mode,
        cache_hours=wording.cache_hours,
        long_context=wording.long_context,
        unit=_unit(unit, description, wording),
        region="global" if wording.reach == "global" else region,
        currency=currency or "USD",
        description=description,
        reason="" if provider or kind != "usage" else f"{product_code or 'the product'} is not an AI service",
    )


def _model(details: dict[str, str], named: str, usage_type: str) -> str:
    if model := details.get("model"):
        return model
    if named:
        return re.sub(r"\s*\((?:Amazon )?Bedrock Edition\)", "", named, flags=re.IGNORECASE)
    bare = _REGION_CODE.sub("", usage_type)
    return read_wording(re.sub(r"-(?:input|output|cache)\b.*", "", bare)).rest


def _unit(unit: str, description: str, wording: Wording) -> str:
    noun = f"{wording.modality}_tokens" if wording.modality else "tokens"
    if unit.lower() in {"units", "unit"} and re.search(r"\bmillion\b", description, re.IGNORECASE):
        return f"1m_{noun}"
    if match := re.fullmatch(r"(1[KM]) tokens", unit, re.IGNORECASE):
        return f"{match[1].lower()}_{noun}"
    return unit


def _instance(usage_type: str) -> str:
    match = _INSTANCE.search(usage_type)
    return (match[1] or match[2]) if match else ""
