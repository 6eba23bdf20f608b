"""Vercel's AI gateway: no key; prices are texts in USD per token, with tiers by the length of the prompt."""

from collections.abc import Iterator, Mapping
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import MILLION, listed, number, own_list, record, whole, without_maker

_WORKLOADS = {
    "language": "llm",
    "realtime": "llm",
    "embedding": "embeddings",
    "reranking": "rerank",
    "image": "image_generation",
    "video": "video_generation",
    "transcription": "speech_to_text",
    "speech": "text_to_speech",
}
_PARTS = {
    "input": ("per_token", "input"),
    "output": ("per_token", "output"),
    "input_cache_read": ("cached_input", "cache_read"),
    "input_cache_write": ("cached_input", "cache_write"),
}


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access, "/models")
    sheet = own_list(connector, access, "vercel_ai_gateway", url, flags=("reseller",))
    for row in listed(http.get_json(url), "data"):
        model, workload = without_maker(str(row.get("id", "")).lower()), _WORKLOADS.get(str(row.get("type")))
        if not workload:
            sheet.skip(model, f"unknown type {row.get('type')!r}")
            continue
        for mode, direction, usd in _rates(record(row.get("pricing"))):
            sheet.price(
                model,
                usd,
                "1m_tokens",
                workload_type=workload,
                billing_mode=mode,
                direction=direction,
                times=MILLION,
                name=str(row.get("name") or model),
                context_window_tokens=whole(row.get("context_window")),
                max_output_tokens=whole(row.get("max_tokens")),
            )
        if number(record(row.get("pricing")).get("image")):
            sheet.price(
                model,
                row["pricing"]["image"],
                "image",
                workload_type=workload,
                billing_mode="per_unit",
                direction="output",
            )
    return sheet.fetched()


def _rates(pricing: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield the base rates, then those of longer prompts: a tier counts from `min` tokens on."""
    for part, (mode, direction) in _PARTS.items():
        if number(pricing.get(part)) != 0:
            yield mode, direction, pricing.get(part)
        for tier in pricing.get(f"{part}_tiers") or []:
            above = number(record(tier).get("min")) or 0
            if above >= 1000:
                yield f"{mode}_above_{above / 1000:.0f}k", direction, tier.get("cost")


CONNECTOR = Connector("vercel", Tier.LIVE, "LLM, embeddings, images", "https://ai-gateway.vercel.sh/v1", None, _read)
