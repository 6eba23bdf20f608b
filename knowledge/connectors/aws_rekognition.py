"""Image and video analysis of AWS, from the price list of Rekognition. Steps of volume discounts become variants."""

from knowledge.connectors.aws_price_list import BASE_URL, Priced, on_demand, regions
from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import Sheet, own_list

_UNITS = {
    "images": "image",
    "image": "image",
    "minutes": "video_min",
    "minute": "video_min",
    "checks": "check",
}


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    sheet = own_list(connector, access, "aws_rekognition", connector.url(access, "/AmazonRekognition"))
    for region in regions(connector, access):
        for price in on_demand(connector, http, access, "AmazonRekognition", region):
            _add(sheet, price, region)
    return sheet.fetched()


def _add(sheet: Sheet, price: Priced, region: str) -> None:
    usage = str(price.attributes.get("usagetype", ""))
    unit = _UNITS.get(price.unit.lower())
    if unit is None:
        sheet.skip(usage, f"unit {price.unit!r}")
        return
    model = usage.partition("-")[2] or usage  # what follows the code of the region
    sheet.price(
        model.lower(),
        price.usd,
        unit,
        workload_type="moderation" if "moderation" in usage.lower() else "vision",
        billing_mode="per_unit",
        region=region,
        variant=f"from {price.start:.0f}" if price.start else "",
        name=price.description or model,
        flags=("volume_tier",) if price.start else (),
    )


CONNECTOR = Connector("aws_rekognition", Tier.LIVE, "vision, moderation", BASE_URL, None, _read)
