"""Together's model list, with a key: a bare array, or `data`, with prices in USD per 1M tokens."""

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import listed, number, own_list, record, whole, without_maker

_WORKLOADS = {
    "chat": "llm",
    "language": "llm",
    "code": "llm",
    "embedding": "embeddings",
    "rerank": "rerank",
    "moderation": "moderation",
}
_PARTS = {
    "input": ("per_token", "input"),
    "output": ("per_token", "output"),
    "cached_input": ("cached_input", "cache_read"),
    "cachedInput": ("cached_input", "cache_read"),
}


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access, "/models")
    answer = http.get_json(url, headers={"Authorization": f"Bearer {access.keys[connector.name]}"})
    sheet = own_list(connector, access, "together_ai", url)
    for row in listed(answer) if isinstance(answer, list) else listed(answer, "data"):
        model, workload = without_maker(str(row.get("id", "")).lower()), _WORKLOADS.get(str(row.get("type")))
        if not workload:
            sheet.skip(model, f"unit of {row.get('type')!r} models is not stated")
            continue
        for part, (mode, direction) in _PARTS.items():
            usd = record(row.get("pricing")).get(part)
            if number(usd) == 0:
                continue  # dedicated-only models are listed with zeros
            sheet.price(
                model,
                usd,
                "1m_tokens",
                workload_type=workload,
                billing_mode=mode,
                direction=direction,
                name=str(row.get("display_name") or model),
                context_window_tokens=whole(row.get("context_length")),
            )
    return sheet.fetched()


CONNECTOR = Connector(
    "together", Tier.LIVE, "LLM, embeddings", "https://api.together.ai/v1", "SEXTANT_KEY_TOGETHER", _read
)
