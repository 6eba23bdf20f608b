"""Oracle's price list: no key, one answer; GPUs are priced per card and hour."""

import re
from collections.abc import Mapping
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import listed, number, own_list

_CARD = re.compile(r"GPU\s*[-–]\s*(?P<card>.+)$")


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access, "/products/")
    sheet = own_list(connector, access, "oci", url)
    for item in listed(http.get_json(url, params={"currencyCode": "USD"}), "items"):
        name, card = str(item.get("displayName", "")), _CARD.search(str(item.get("displayName", "")))
        if item.get("metricName") != "GPU Per Hour" or card is None:
            continue
        gpu_type, _ = access.gpu(card["card"].replace("-v2", "").strip())
        if gpu_type is None:
            sheet.skip(name, f"unknown accelerator {card['card']!r}")
            continue
        sheet.machine(
            f"gpu-{card['card'].strip().lower().replace(' ', '-')}",
            _pay_as_you_go(item),
            gpu_type=gpu_type,
            gpu_count=1.0,
            region="global",
            notes=f"per card of a shape; part {item.get('partNumber')}",
        )
    return sheet.fetched()


def _pay_as_you_go(item: Mapping[str, Any]) -> float | None:
    """Return the price of the widest range: the first may be a free tier of zero."""
    for local in item.get("currencyCodeLocalizations") or ():
        if local.get("currencyCode") == "USD":
            prices = [
                number(price.get("value")) for price in local.get("prices", ()) if price.get("model") == "PAY_AS_YOU_GO"
            ]
            return max((price for price in prices if price is not None), default=None)
    return None


CONNECTOR = Connector(
    "oci", Tier.LIVE, "rented GPUs", "https://apexapps.oracle.com/pls/apex/cetools/api/v1", None, _read
)
