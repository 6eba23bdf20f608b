"""The installed genai-prices package: maintained prices of language models, read without the network."""

from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sellers import sellers
from knowledge.connectors.sheet import Sheet, split_region, without_maker

# Field of a price record -> (billing mode, direction, unit).
_PARTS = {
    "input_mtok": ("per_token", "input", "1m_tokens"),
    "output_mtok": ("per_token", "output", "1m_tokens"),
    "cache_read_mtok": ("cached_input", "cache_read", "1m_tokens"),
    "cache_write_mtok": ("cached_input", "cache_write", "1m_tokens"),
    "cache_write_1h_mtok": ("cached_input_1h", "cache_write", "1m_tokens"),
    "input_audio_mtok": ("per_token", "input", "1m_audio_tokens"),
    "output_audio_mtok": ("per_token", "output", "1m_audio_tokens"),
    "input_image_mtok": ("per_token", "input", "1m_image_tokens"),
    "output_image_mtok": ("per_token", "output", "1m_image_tokens"),
    "requests_kcount": ("per_unit", "na", "1k_requests"),
}
_BATCH = {"processing": "batch"}
_ROUTED = "huggingface_"  # partners of the Hugging Face router are listed as sellers of their own
_RELEASED = {"0.2.3": "2026-11-10"}  # days of releases whose date is known; of others only that they are installed


def _read(connector: Connector, _http: Http, access: Access) -> Fetched:
    from genai_prices.data import providers  # noqa: PLC0415 - two megabytes of Python, for a sync only

    released = version("genai-prices")
    date_of = _RELEASED.get(released, access.today.isoformat())
    sheet = Sheet("", connector.name, f"https://github.com/pydantic/genai-prices/tree/v{released}", date_of)
    for provider in providers:
        partner = provider.id.removeprefix(_ROUTED) if provider.id.startswith(_ROUTED) else ""
        seller = sellers("genai_prices").get(provider.id)
        if seller is None and not partner:
            sheet.skip(provider.id, "a seller or plan that the catalog does not follow")
            continue
        for model in provider.models:
            name = f"{model.id}@{partner}".lower() if partner else without_maker(model.id.lower())
            name, region = split_region(name) if provider.id == "aws" else (name, "global")
            for mode, direction, unit, usd in _all_rates(model, access.today):
                sheet.price(
                    name,
                    usd,
                    unit,
                    billing_mode=mode,
                    direction=direction,
                    region=region,
                    provider="huggingface" if partner else seller.provider if seller else "",
                    name=model.name or model.id,
                    flags=("reseller",) if partner or (seller and seller.reseller) else (),
                    free=model.id.endswith(":free"),
                    context_window_tokens=getattr(model, "context_window", None),
                    workload_type="embeddings" if "embed" in name else "llm",
                )
    return sheet.fetched()


def _all_rates(model: Any, today: date) -> Iterator[tuple[str, str, str, float]]:
    """Yield the ordinary rates, then those of batches."""
    yield from _rates(model.prices, today)
    for variant in model.price_variants or ():
        if variant.when == _BATCH and (variant.constraint is None or _begun(variant.constraint, today)):
            for mode, direction, unit, usd in _rates(variant.prices, today):
                yield f"batch_{mode.removeprefix('per_token').lstrip('_')}".rstrip("_"), direction, unit, usd


def _rates(prices: Any, today: date) -> Iterator[tuple[str, str, str, float]]:
    """Yield (billing mode, direction, unit, USD) of the prices that hold today, tiers of long prompts included."""
    active = _active(prices, today) if isinstance(prices, list) else prices
    for part, (mode, direction, unit) in _PARTS.items():
        usd = getattr(active, part, None)
        if usd is None:
            continue
        yield mode, direction, unit, float(getattr(usd, "base", usd))
        for tier in getattr(usd, "tiers", ()):
            if tier.start >= 1000:
                yield f"{mode}_above_{tier.start / 1000:.0f}k", direction, unit, float(tier.price)


def _active(prices: list[Any], today: date) -> Any:
    """Return the ordinary price: the last that has begun, leaving out those of some hours of the day."""
    dated = [one for one in prices if one.constraint is None or hasattr(one.constraint, "start_date")]
    begun = [one for one in dated if one.constraint is None or _begun(one.constraint, today)]
    return (begun or dated or prices)[-1].prices


def _begun(constraint: Any, today: date) -> bool:
    return hasattr(constraint, "start_date") and bool(constraint.start_date <= today)


CONNECTOR = Connector("genai_prices", Tier.PACKAGE, "LLM", "", None, _read)
