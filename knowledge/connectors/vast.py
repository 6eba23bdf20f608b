"""Vast.ai's market: no key; asking prices of single machines, of which the median of a kind is the catalog's price."""

from collections import defaultdict
from collections.abc import Mapping
from statistics import median
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import Sheet, listed, number

_ASKED = {
    "num_gpus": {"gte": 1},
    "rentable": {"eq": True},
    "datacenter": {"eq": True},
    "order": [["score", "desc"]],
    "limit": 1000,
}
_DISK_GB = 100.0  # a machine is priced with this much disk; a month has 720 hours there
_MONTH_HOURS = 720.0


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access, "/bundles/")
    sheet = Sheet("vast_ai", connector.name, url, access.today.isoformat(), confidence="estimated")
    asked: dict[tuple[str, int, str], list[tuple[float, float | None]]] = defaultdict(list)
    for offer in listed(http.post_json(url, _ASKED), "offers"):
        name, count = str(offer.get("gpu_name")), int(number(offer.get("num_gpus")) or 0)
        gpu_type = access.gpu(name)[0]
        usd = _usd_per_hour(offer)
        if gpu_type is None or not count or not usd or usd < 0:
            sheet.skip(name, "unknown accelerator" if gpu_type is None else "no price")
            continue
        asked[name, count, gpu_type].append((usd, number(offer.get("min_bid"))))
    for (name, count, gpu_type), prices in sorted(asked.items()):
        bids = [bid for _, bid in prices if bid]
        for mode, usd in (("on_demand", median(ask for ask, _ in prices)), ("spot", median(bids) if bids else None)):
            sheet.machine(
                f"{count}x {name}",
                usd,
                billing_mode=mode,
                gpu_type=gpu_type,
                gpu_count=float(count),
                region="global",
                notes=f"median of {len(prices)} asking prices; {_DISK_GB:.0f} GB of disk",
            )
    return sheet.fetched()


def _usd_per_hour(offer: Mapping[str, Any]) -> float | None:
    """Price with a usual disk; an answer without its base price has one for the disk that it assumed itself."""
    base = number(offer.get("dph_base"))
    if base is None:
        return number(offer.get("dph_total"))
    return base + (number(offer.get("storage_cost")) or 0.0) * _DISK_GB / _MONTH_HOURS


CONNECTOR = Connector("vast", Tier.LIVE, "rented GPUs", "https://console.vast.ai/api/v0", None, _read)
