"""Model prices of AWS: Bedrock's own list and that of models sold through the Marketplace.

Native models are priced per 1K or 1M tokens and named in an attribute; Marketplace ones per `Units` of 1M tokens, named
by the service, with the part in the usage type (`USE1-MP:USE1_InputTokenCount_Global-Units`).
"""

import re

from knowledge.connectors.aws_price_list import BASE_URL, Priced, on_demand, regions
from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import Sheet, own_list

_PER_MILLION = {"1k tokens": 1000.0, "1m tokens": 1.0, "units": 1.0}
# What a usage type says, folded to letters -> (billed, direction); the first that fits counts.
_PARTS = (
    (re.compile(r"cacheread"), "cached_input", "cache_read"),
    (re.compile(r"cachewrite1h"), "cached_input_1h", "cache_write"),
    (re.compile(r"cachewrite"), "cached_input", "cache_write"),
    (re.compile(r"inputtoken"), "per_token", "input"),
    (re.compile(r"outputtoken|responsetoken"), "per_token", "output"),
)
_SCHEDULE = re.compile(r"batch|flex|priority")
_NOT_PLAIN = re.compile(r"custom|provisioned|latencyoptimized|longcontext|lctx|image|audio|video|speech|reserved")


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    sheet = own_list(connector, access, "aws_bedrock", connector.url(access, "/AmazonBedrock"))
    for region in regions(connector, access):
        for code in ("AmazonBedrock", "AmazonBedrockFoundationModels"):
            for price in on_demand(connector, http, access, code, region):
                _add(sheet, price, region)
    return sheet.fetched()


def _add(sheet: Sheet, price: Priced, region: str) -> None:
    usage, inference = str(price.attributes.get("usagetype", "")), price.attributes.get("inferenceType") or ""
    said = re.sub(r"[^a-z0-9]", "", f"{usage} {inference}".lower())
    times = _PER_MILLION.get(price.unit.lower())
    part = next((known for known in _PARTS if known[0].search(said)), None)
    if times is None or part is None or _NOT_PLAIN.search(said):
        sheet.skip(usage, f"not a plain price per token: unit {price.unit!r}")
        return
    _, mode, direction = part
    if schedule := _SCHEDULE.search(said):
        mode = schedule[0] if mode == "per_token" else f"{schedule[0]}_{mode}"
    sheet.price(
        _model(price),
        price.usd,
        "1m_tokens",
        billing_mode=mode,
        direction=direction,
        times=times,
        region="global" if "global" in said else region,
    )


def _model(price: Priced) -> str:
    name = str(price.attributes.get("model") or price.attributes.get("servicename") or "unnamed")
    return re.sub(r"\s*\(Amazon Bedrock Edition\)", "", name).strip().lower().replace(" ", "-")


CONNECTOR = Connector("aws_bedrock", Tier.LIVE, "LLM", BASE_URL, None, _read)
