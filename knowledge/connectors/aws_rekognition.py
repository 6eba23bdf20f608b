"""Image and video analysis of AWS, from the bulk price list of Rekognition. Volume steps become variants."""

from collections.abc import Mapping

from knowledge.connectors.aws_price_list import BASE_URL, regions, rows
from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import Sheet, number, own_list

_UNITS = {
    "images": ("image", 1.0),
    "image": ("image", 1.0),
    "minutes": ("video_min", 1.0),
    "minute": ("video_min", 1.0),
    "checks": ("check", 1.0),
}

_COLUMNS = frozenset(["usageType", "StartingRange"])


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access, "/AmazonRekognition")
    sheet = own_list(connector, access, "aws_rekognition", url)
    for region in regions(connector, access):
        for row in rows(connector, http, access, "AmazonRekognition", region=region, needed=_COLUMNS):
            if row["TermType"] == "OnDemand" and row["Currency"] == "USD":
                _add(sheet, row, region)
    return sheet.fetched()


def _add(sheet: Sheet, row: Mapping[str, str], region: str) -> None:
    usage = row.get("usageType", "")
    unit = _UNITS.get(row["Unit"].lower())
    if unit is None:
        sheet.skip(usage, f"unit {row['Unit']!r}")
        return
    model = usage.partition("-")[2] or usage  # what follows the code of the region
    step = number(row.get("StartingRange")) or 0
    sheet.price(
        model.lower(),
        row["PricePerUnit"],
        unit[0],
        workload_type="moderation" if "moderation" in usage.lower() else "vision",
        billing_mode="per_unit",
        times=unit[1],
        region=region,
        variant=f"from {step:.0f}" if step else "",
        name=row.get("PriceDescription") or model,
        flags=("volume_tier",) if step else (),
        free=False,
    )


CONNECTOR = Connector("aws_rekognition", Tier.LIVE, "vision, moderation", BASE_URL, None, _read)
