"""models.dev's api.json: one file, no key, USD per 1M tokens. Its copy has been older than its own sources before."""

from collections.abc import Iterator, Mapping
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sellers import Seller, sellers
from knowledge.connectors.sheet import Sheet, number, record, whole, without_maker
from knowledge.errors import Unavailable

_PARTS = {
    "input": ("per_token", "input", "1m_tokens"),
    "output": ("per_token", "output", "1m_tokens"),
    "cache_read": ("cached_input", "cache_read", "1m_tokens"),
    "cache_write": ("cached_input", "cache_write", "1m_tokens"),
    "reasoning": ("per_token_reasoning", "output", "1m_tokens"),
    "input_audio": ("per_token", "input", "1m_audio_tokens"),
    "output_audio": ("per_token", "output", "1m_audio_tokens"),
}
_LONG = "context_over_200k"


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access)
    answer, etag = http.get_changed_json(url, access.etags.get(url))
    if answer is None:
        return Fetched((), unchanged=True)
    if not isinstance(answer, Mapping):
        raise Unavailable("models.dev's list is no record", "the service may have changed its format")
    sheet = Sheet("", connector.name, url, access.today.isoformat())
    for name, provider in record(answer.get("providers") or answer).items():
        seller = sellers("models_dev").get(name)
        if seller is None:
            sheet.skip(name, "a seller or plan that the catalog does not follow")
            continue
        for model, row in record(record(provider).get("models")).items():
            _add(sheet, seller, without_maker(str(model).lower()), record(row))
    return sheet.fetched(etags={url: etag} if etag else {})


def _add(sheet: Sheet, seller: Seller, model: str, row: Mapping[str, Any]) -> None:
    cost, made = record(row.get("cost")), record(row.get("modalities")).get("output") or ["text"]
    if made == ["audio"]:
        sheet.skip(f"{seller.name}/{model}", "speech, whose unit is not stated and often is no token")
        return
    workload = "image_generation" if "image" in made else "embeddings" if "embed" in model else "llm"
    flags = (("reseller",) if seller.reseller else ()) + (("deprecated",) if row.get("status") == "deprecated" else ())
    limit = record(row.get("limit"))
    for suffix, table in _tables(cost):
        for part, (mode, direction, unit) in _PARTS.items():
            if not number(table.get(part)):
                continue  # a zero here is mostly a plan that is paid otherwise
            sheet.price(
                model,
                table[part],
                unit,
                workload_type=workload,
                billing_mode=mode + suffix,
                direction=direction,
                provider=seller.provider,
                name=str(row.get("name") or model),
                flags=flags,
                context_window_tokens=whole(limit.get("context")),
                max_output_tokens=whole(limit.get("output")),
            )


def _tables(cost: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (suffix of the billing mode, prices): ordinary prompts, then longer ones by tier, or in the older form."""
    yield "", cost
    tiers = [record(tier) for tier in cost.get("tiers") or ()]
    for tier in tiers:
        size = number(record(tier.get("tier")).get("size"))
        if size and record(tier.get("tier")).get("type") == "context":
            yield f"_above_{size / 1000:.0f}k", tier
    if not tiers:
        yield "_above_200k", record(cost.get(_LONG))


CONNECTOR = Connector("models_dev", Tier.FEED, "LLM", "https://models.dev/api.json", None, _read)
