"""Model prices of AWS: Bedrock's own list and that of models sold through the Marketplace.

Native models are priced per 1K or 1M tokens with the model in a column; Marketplace ones per `Units` of 1M tokens with
the model in the service's name and the part in the usage type.
"""

import re
from collections.abc import Mapping

from knowledge.connectors.aws_price_list import BASE_URL, regions, rows
from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import Sheet, own_list

_PER_MILLION = {"1K tokens": 1000.0, "1M tokens": 1.0, "Units": 1.0}
# What a usage type or inference type says, folded to letters -> (billed, direction); the first that fits counts.
_PARTS = (
    (re.compile(r"cachereadinputtoken|promptcacheread|cacheread"), "cached_input", "cache_read"),
    (re.compile(r"cachewrite1hinputtoken|cachewrite1h"), "cached_input_1h", "cache_write"),
    (re.compile(r"cachewriteinputtoken|promptcachewrite|cachewrite"), "cached_input", "cache_write"),
    (re.compile(r"inputtoken"), "per_token", "input"),
    (re.compile(r"outputtoken|responsetoken"), "per_token", "output"),
)
_NOT_PLAIN = re.compile(r"custom|provisioned|latencyoptimized|longcontext|image|audio|video|speech|flex|priority")

_COLUMNS = frozenset(["usageType"])


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    sheet = own_list(connector, access, "aws_bedrock", connector.url(access, "/AmazonBedrock"))
    for region in regions(connector, access):
        for code in ("AmazonBedrock", "AmazonBedrockFoundationModels"):
            for row in rows(connector, http, access, code, region=region, needed=_COLUMNS):
                if row["TermType"] == "OnDemand" and row["Currency"] == "USD":
                    _add(sheet, row, region)
    return sheet.fetched()


def _add(sheet: Sheet, row: Mapping[str, str], region: str) -> None:
    usage = row.get("usageType", "")
    said = re.sub(r"[^a-z0-9]", "", f"{row.get('Inference Type', '')} {row.get('inferenceType', '')} {usage}".lower())
    times, part = _PER_MILLION.get(row["Unit"]), next((known for known in _PARTS if known[0].search(said)), None)
    if times is None or part is None or _NOT_PLAIN.search(said):
        sheet.skip(usage, f"not a plain price per token: unit {row['Unit']!r}")
        return
    _, mode, direction = part
    if "batch" in said:
        mode = "batch" if mode == "per_token" else f"batch_{mode}"
    sheet.price(
        _model(row),
        row["PricePerUnit"],
        "1m_tokens",
        billing_mode=mode,
        direction=direction,
        times=times,
        region="global" if "global" in said else region,
    )


def _model(row: Mapping[str, str]) -> str:
    name = row.get("Model") or row.get("model") or row.get("serviceName", "")
    return re.sub(r"\s*\(Amazon Bedrock Edition\)", "", name).strip().lower().replace(" ", "-")


CONNECTOR = Connector("aws_bedrock", Tier.LIVE, "LLM", BASE_URL, None, _read)
