"""The Hugging Face router: which partner serves which model, at what price and, as it measured, how fast. No key."""

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import listed, number, own_list, record, whole


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access, "/models")
    sheet = own_list(connector, access, "huggingface", url, flags=("reseller",))
    for model in listed(http.get_json(url), "data"):
        for partner in listed(model, "providers"):
            pricing = record(partner.get("pricing"))
            if partner.get("status") != "live" or not pricing:
                sheet.skip(f"{model.get('id')}@{partner.get('provider')}", "not live or without prices")
                continue
            for direction in ("input", "output"):
                sheet.price(
                    f"{model.get('id')}@{partner.get('provider')}".lower(),
                    pricing.get(direction),
                    "1m_tokens",
                    direction=direction,
                    name=str(model.get("id")),
                    free=partner.get("is_free") is True,
                    context_window_tokens=whole(partner.get("context_length")),
                    output_tok_s=number(partner.get("throughput")),
                    ttft_ms=number(partner.get("first_token_latency_ms")),
                )
    return sheet.fetched()


CONNECTOR = Connector("huggingface", Tier.LIVE, "LLM", "https://router.huggingface.co/v1", None, _read)
