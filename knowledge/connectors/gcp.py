"""Google Cloud's billing catalog, with an API key: accelerator cards of Compute Engine, and Cloud Vision.

A machine is the sum of its CPU, memory and GPU prices. Only the price of the card is read here; it is flagged
`card_only`, so that no ranking takes it for the price of a machine.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import Sheet, listed, number, own_list, record
from knowledge.errors import Unavailable

_SERVICES = {"Compute Engine", "Cloud Vision API"}
_PAGES_AT_MOST = 200
_MODES = {"OnDemand": "on_demand", "Preemptible": "spot", "Commit1Yr": "reserved_1y", "Commit3Yr": "reserved_3y"}
_NOT_PLAIN = re.compile(r"dws|calendar|workstation|vws|vgpu|reserved", re.IGNORECASE)
_CARD = re.compile(r"(?:commitment v1: )?(?:nvidia |tesla )*(?P<card>.+?) gpu", re.IGNORECASE)


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    key = access.keys[connector.name]
    sheet = own_list(connector, access, "gcp", connector.url(access, "/services"))
    for service in _pages(http, connector.url(access, "/services"), key, "services"):
        if service.get("displayName") not in _SERVICES:
            continue
        for sku in _pages(http, connector.url(access, f"/{service['name']}/skus"), key, "skus"):
            if service["displayName"] == "Compute Engine":
                _add_card(sheet, sku, access)
            else:
                _add_vision(sheet, sku)
    return sheet.fetched()


def _pages(http: Http, url: str, key: str, name: str) -> Iterator[Mapping[str, Any]]:
    token = ""
    for _ in range(_PAGES_AT_MOST):
        page = http.get_json(url, params={"key": key, "pageSize": 5000, "pageToken": token})
        yield from listed(page, name)
        token = page.get("nextPageToken") or ""
        if not token:
            return
    raise Unavailable(f"Google lists more than {_PAGES_AT_MOST} pages of {name}")


def _add_card(sheet: Sheet, sku: Mapping[str, Any], access: Access) -> None:
    category, description = record(sku.get("category")), str(sku.get("description", ""))
    mode, card = _MODES.get(str(category.get("usageType"))), _CARD.match(description)
    if category.get("resourceGroup") != "GPU" or mode is None or card is None or _NOT_PLAIN.search(description):
        return
    gpu_type, _ = access.gpu(card["card"])
    for _, usd, unit in _tiers(sku):
        if gpu_type is None or unit != "h":
            sheet.skip(description, f"accelerator {card['card']!r} per {unit!r}")
            continue
        for region in sku.get("serviceRegions") or ():
            sheet.machine(
                f"gpu-{card['card'].lower().replace(' ', '-')}",
                usd,
                billing_mode=mode,
                gpu_type=gpu_type,
                gpu_count=1.0,
                region=str(region),
                notes="the card alone; CPU and memory are billed beside it",
                flags=("card_only",),
            )


def _add_vision(sheet: Sheet, sku: Mapping[str, Any]) -> None:
    description = str(sku.get("description", ""))
    for start, usd, unit in _tiers(sku):
        if unit != "count":
            sheet.skip(description, f"unit {unit!r}")
        elif usd or start:
            sheet.price(
                description.lower().replace(" ", "-"),
                usd,
                "image",
                workload_type="vision",
                billing_mode="per_unit",
                provider="google_cloud",
                variant=f"from {start:.0f}" if start > 1000 else "",
                name=description,
                flags=("volume_tier",) if start > 1000 else (),
            )


def _tiers(sku: Mapping[str, Any]) -> Iterator[tuple[float, float, str]]:
    """Yield (quantity from which it counts, USD for one, unit) of the price that holds now."""
    infos = sku.get("pricingInfo") or [{}]
    expression = record(record(infos[-1]).get("pricingExpression"))
    for rate in expression.get("tieredRates") or ():
        price = record(record(rate).get("unitPrice"))
        if price.get("currencyCode") == "USD":
            usd = (number(price.get("units")) or 0) + (number(price.get("nanos")) or 0) / 1e9
            yield number(rate.get("startUsageAmount")) or 0.0, usd, str(expression.get("usageUnit"))


CONNECTOR = Connector(
    "gcp", Tier.LIVE, "GPU cards, vision", "https://cloudbilling.googleapis.com/v1", "SEXTANT_KEY_GCP", _read
)
