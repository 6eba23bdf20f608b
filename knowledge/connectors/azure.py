"""Azure's retail prices: no key; a thousand items a page, region by region because offsets shift while data changes."""

from collections.abc import Iterator, Mapping
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import Sheet, listed, number, own_list
from knowledge.errors import Unavailable

_API_VERSION = "2023-01-01-preview"
_REGIONS = ("eastus", "eastus2", "westus3", "southcentralus", "westeurope", "swedencentral", "uksouth")
_PAGES_AT_MOST = 400
_NOT_PLAIN = ("Windows", "Low Priority", "Dedicated", "CloudServices")
_TERM_HOURS = {"1 Year": ("reserved_1y", 8760.0), "3 Years": ("reserved_3y", 26280.0)}


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    sheet = own_list(connector, access, "azure", connector.url(access))
    for region in access.regions.get(connector.name) or _REGIONS:
        for kind in ("Consumption", "Reservation"):
            for item in _items(connector, http, access, region, kind):
                _add(sheet, item, region, access)
    return sheet.fetched()


def _items(connector: Connector, http: Http, access: Access, region: str, kind: str) -> Iterator[Mapping[str, Any]]:
    url: str | None = connector.url(access)
    wanted = f"serviceName eq 'Virtual Machines' and priceType eq '{kind}' and armRegionName eq '{region}'"
    params: Mapping[str, str] | None = {"api-version": _API_VERSION, "$filter": wanted}
    for _ in range(_PAGES_AT_MOST):
        if not url:
            return
        page = http.get_json(url, params=params)
        yield from listed(page, "Items")
        url, params = page.get("NextPageLink"), None
    raise Unavailable(f"Azure lists more than {_PAGES_AT_MOST} pages for {region}")


def _add(sheet: Sheet, item: Mapping[str, Any], region: str, access: Access) -> None:
    names = f"{item.get('productName', '')} {item.get('meterName', '')} {item.get('skuName', '')}"
    instance_type = str(item.get("armSkuName", ""))
    if any(word in names for word in _NOT_PLAIN) or item.get("currencyCode") != "USD":
        return
    gpu_type, count = access.gpu(instance_type)
    if gpu_type is None or not count:
        return
    mode, usd = _price(item, names)
    if mode is None:
        sheet.skip(instance_type, f"unit {item.get('unitOfMeasure')!r}, term {item.get('reservationTerm')!r}")
        return
    sheet.machine(instance_type, usd, billing_mode=mode, gpu_type=gpu_type, gpu_count=count, region=region)


def _price(item: Mapping[str, Any], names: str) -> tuple[str | None, float | None]:
    """A reservation is priced for its whole term."""
    usd = number(item.get("retailPrice"))
    if term := item.get("reservationTerm"):
        mode, hours = _TERM_HOURS.get(str(term), (None, 1.0))
        return mode, usd / hours if usd is not None else None
    if item.get("unitOfMeasure") != "1 Hour":
        return None, None
    return ("spot" if "Spot" in names else "on_demand"), usd


CONNECTOR = Connector("azure", Tier.LIVE, "rented GPUs", "https://prices.azure.com/api/retail/prices", None, _read)
