"""DeepInfra's model list: no key; prices in cents per token. Only prices per token are read."""

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import MILLION, listed, number, own_list, record, whole, without_maker

_WORKLOADS = {"text-generation": "llm", "embeddings": "embeddings", "reranker": "rerank"}
_USD_PER_MILLION = MILLION / 100  # from cents per token


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access, "/models/list")
    sheet = own_list(connector, access, "deepinfra", url)
    for row in listed(http.get_json(url)):
        model, pricing = without_maker(str(row.get("model_name", "")).lower()), record(row.get("pricing"))
        workload = _WORKLOADS.get(str(row.get("type")))
        if pricing.get("type") != "tokens" or not workload:
            sheet.skip(model, f"priced by {pricing.get('type')!r}, for {row.get('type')!r}")
            continue
        cents_in, cached = number(pricing.get("cents_per_input_token")), pricing.get("rate_per_input_token_cached")
        share = number(cached)
        parts = {
            ("per_token", "input"): cents_in,
            ("per_token", "output"): pricing.get("cents_per_output_token") if workload == "llm" else None,
            ("cached_input", "cache_read"): cents_in * share if cents_in and share else None,
        }
        for (mode, direction), cents in parts.items():
            sheet.price(
                model,
                cents,
                "1m_tokens",
                workload_type=workload,
                billing_mode=mode,
                direction=direction,
                times=_USD_PER_MILLION,
                flags=("deprecated",) if row.get("deprecated") else (),
                max_output_tokens=None,
                context_window_tokens=whole(row.get("max_tokens")),
            )
    return sheet.fetched()


CONNECTOR = Connector("deepinfra", Tier.LIVE, "LLM, embeddings", "https://api.deepinfra.com", None, _read)
