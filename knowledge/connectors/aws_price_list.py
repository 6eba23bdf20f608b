"""The AWS bulk price list: region by region a CSV of up to hundreds of megabytes, read line by line.

Not a connector of its own: the EC2, Bedrock and Rekognition connectors read through it.
"""

import csv
from collections.abc import Iterator, Mapping
from itertools import islice

from knowledge.connectors.protocol import Access, Connector, Http
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


def regions(connector: Connector, access: Access) -> tuple[str, ...]:
    """Return the regions to read: those of the settings, else six common ones."""
    return access.regions.get(connector.name) or access.regions.get("aws") or DEFAULT_REGIONS
