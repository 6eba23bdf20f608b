"""OpenRouter's model list: no key, no pages; prices are texts in USD per token, per request or per image."""

from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import MILLION, Sheet, listed, number, own_list, record, whole, without_maker

# Field of `pricing` -> (billing mode, direction, unit, how many of the field's unit make one of ours).
_PARTS = {
    "prompt": ("per_token", "input", "1m_tokens", MILLION),
    "completion": ("per_token", "output", "1m_tokens", MILLION),
    "input_cache_read": ("cached_input", "cache_read", "1m_tokens", MILLION),
    "input_cache_write": ("cached_input", "cache_write", "1m_tokens", MILLION),
    "internal_reasoning": ("per_token_reasoning", "output", "1m_tokens", MILLION),
    "audio": ("per_token", "input", "1m_audio_tokens", MILLION),
    "image": ("per_unit", "input", "image", 1.0),
    "request": ("per_unit", "na", "1k_requests", 1000.0),
}
_ALWAYS = {"prompt", "completion"}  # a zero in any other field means that it is not billed


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access, "/models")
    sheet = own_list(connector, access, "openrouter", url, flags=("reseller",))
    for row in listed(http.get_json(url), "data"):
        _add(sheet, without_maker(str(row.get("id", "")).lower()), row)
    return sheet.fetched()


def _add(sheet: Sheet, model: str, row: Any) -> None:
    pricing = record(row.get("pricing"))
    if not model or not pricing:
        sheet.skip(model or "a model without id", "no prices")
        return
    made = record(row.get("architecture")).get("output_modalities") or ["text"]
    for field, (mode, direction, unit, times) in _PARTS.items():
        if field not in _ALWAYS and number(pricing.get(field)) == 0:
            continue
        sheet.price(
            model,
            pricing.get(field),
            unit,
            workload_type="image_generation" if "image" in made else "llm",
            billing_mode=mode,
            direction=direction,
            times=times,
            name=str(row.get("name") or model),
            free=model.endswith(":free"),
            context_window_tokens=whole(row.get("context_length")),
            max_output_tokens=whole(record(row.get("top_provider")).get("max_completion_tokens")),
        )


CONNECTOR = Connector("openrouter", Tier.LIVE, "LLM", "https://openrouter.ai/api/v1", None, _read)
