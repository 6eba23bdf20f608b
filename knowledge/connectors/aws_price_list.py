"""The AWS bulk price list, region by region: small services as JSON, EC2 as a CSV of hundreds of megabytes by line.

Not a connector of its own: the EC2, Bedrock and Rekognition connectors read through it.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Http
from knowledge.connectors.sheet import number, record
from knowledge.errors import Unavailable

BASE_URL = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws"
DEFAULT_REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1")
_DISCLAIMER_LINES = 20  # at most; the file begins with a handful of lines about itself
_NEEDED = frozenset(["SKU", "TermType", "Unit", "PricePerUnit", "Currency"])


def rows(
    connector: Connector, http: Http, access: Access, offer_code: str, *, region: str, needed: frozenset[str]
) -> Iterator[Mapping[str, str]]:
    """Yield the rows of one service in one region, under the names of the file's header.

    Raises `Unavailable` when there is no header with the columns that a price needs and the `needed` ones, or when the
    file breaks off.
    """
    wanted = _NEEDED | needed
    lines = http.lines(connector.url(access, f"/{offer_code}/current/{region}/index.csv"))
    header: list[str] = []
    for line in islice(lines, _DISCLAIMER_LINES):
        header = next(csv.reader([line]), [])
        if wanted <= set(header):
            break
    else:
        raise Unavailable(f"the AWS price list of {offer_code} has no header with {', '.join(sorted(wanted))}")
    for cells in csv.reader(lines):
        if len(cells) != len(header):
            raise Unavailable(f"the AWS price list of {offer_code} in {region} breaks off after {len(cells)} cells")
        yield dict(zip(header, cells, strict=True))


@dataclass(frozen=True, slots=True)
class Priced:
    """One on-demand price of a product: USD for one `unit`, from the quantity `start` on."""

    attributes: Mapping[str, Any]
    usd: float
    unit: str
    start: float
    description: str


def on_demand(connector: Connector, http: Http, access: Access, offer_code: str, region: str) -> Iterator[Priced]:
    """Yield the on-demand prices in USD of one service in one region. Raises `Unavailable` for another shape."""
    answer = http.get_json(connector.url(access, f"/{offer_code}/current/{region}/index.json"))
    products, terms = (
        record(record(answer).get("products")),
        record(record(record(answer).get("terms")).get("OnDemand")),
    )
    if not products or not terms:
        raise Unavailable(f"the AWS price list of {offer_code} in {region} has no products with on-demand terms")
    for sku, product in products.items():
        for term in record(terms.get(sku)).values():
            for price in record(record(term).get("priceDimensions")).values():
                usd = number(record(record(price).get("pricePerUnit")).get("USD"))
                if usd is not None:
                    yield Priced(
                        attributes=record(record(product).get("attributes")),
                        usd=usd,
                        unit=str(price.get("unit", "")),
                        start=number(price.get("beginRange")) or 0.0,
                        description=str(price.get("description", "")),
                    )


def regions(connector: Connector, access: Access) -> tuple[str, ...]:
    """Return the regions to read: those of the settings, else six common ones."""
    return access.regions.get(connector.name) or access.regions.get("aws") or DEFAULT_REGIONS
