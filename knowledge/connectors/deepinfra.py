"""DeepInfra's model list: no key; prices in cents per token or second, other rates as multiples of the input price."""

from collections.abc import Iterator, Mapping
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import MILLION, listed, number, own_list, record, whole, without_maker

_WORKLOADS = {"text-generation": "llm", "embeddings": "embeddings", "reranker": "rerank"}
_USD_PER_MILLION = MILLION / 100  # from cents per token
_TOKENS = {"tokens", "input_tokens"}
# (kind of model, kind of price) -> (workload, field, unit, USD per unit of one cent per character or second)
_OTHERS = {
    ("automatic-speech-recognition", "input_length"): ("speech_to_text", "cents_per_input_sec", "audio_min", 60 / 100),
    ("text-to-speech", "input_character_length"): ("text_to_speech", "cents_per_input_chars", "1k_chars", 1000 / 100),
}
_TIERS = ("flex", "priority")


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    sheet = own_list(connector, access, "deepinfra", connector.url(access, "/models/list"))
    for row in listed(http.get_json(sheet.source_url)):
        model, pricing, kind = str(row.get("model_name", "")).lower(), record(row.get("pricing")), str(row.get("type"))
        flags = ("deprecated",) if row.get("deprecated") else ()
        common: dict[str, Any] = {"flags": flags, "context_window_tokens": whole(row.get("max_tokens"))}
        other = _OTHERS.get((kind, str(pricing.get("type"))))
        if pricing.get("type") in _TOKENS and kind in _WORKLOADS and not pricing.get("table"):
            for mode, direction, cents in _rates(pricing, kind):
                sheet.price(
                    without_maker(model),
                    cents,
                    "1m_tokens",
                    workload_type=_WORKLOADS[kind],
                    billing_mode=mode,
                    direction=direction,
                    times=_USD_PER_MILLION,
                    **common,
                )
        elif other:
            workload, field, unit, times = other
            sheet.price(
                without_maker(model),
                pricing.get(field),
                unit,
                workload_type=workload,
                billing_mode="per_unit",
                direction="input",
                times=times,
                **common,
            )
        else:
            sheet.skip(model, f"priced by {pricing.get('type')!r}, for {kind!r}")
    return sheet.fetched()


def _rates(pricing: Mapping[str, Any], kind: str) -> Iterator[tuple[str, str, float | None]]:
    """Yield (billing mode, direction, cents per token). A discount that ends is no price."""
    discount = 0.0 if pricing.get("discount_ends_at") else number(pricing.get("discount")) or 0.0
    cents_in, cents_out = (
        cents * (1 - discount) if (cents := number(pricing.get(f"cents_per_{way}_token"))) is not None else None
        for way in ("input", "output")
    )
    yield "per_token", "input", cents_in
    if kind == "text-generation":
        yield "per_token", "output", cents_out
    for part, rate in (
        ("cache_read", "rate_per_input_token_cached"),
        ("cache_write", "rate_per_input_token_cache_write"),
    ):
        if cents_in and (share := number(pricing.get(rate))):
            yield "cached_input", part, cents_in * share
    for tier in _TIERS:
        if share := number(pricing.get(f"rate_per_service_tier_{tier}")):
            yield tier, "input", cents_in * share if cents_in else None
            yield tier, "output", cents_out * share if cents_out and kind == "text-generation" else None


CONNECTOR = Connector("deepinfra", Tier.LIVE, "LLM, embeddings, speech", "https://api.deepinfra.com", None, _read)
