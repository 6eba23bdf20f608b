"""LiteLLM's cost map: one file of thousands of models, read as data and not as a dependency.

A field such as `cache_read_input_token_cost_above_272k_tokens_batches` names what is billed, from which prompt length
on, and the schedule. Regions and providers stand in the keys.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sellers import Seller, sellers
from knowledge.connectors.sheet import MILLION, Sheet, number, record, split_region, whole, without_maker
from knowledge.errors import Unavailable

PIXELS_PER_MEGAPIXEL = 1024 * 1024
_WORKLOADS = {
    "chat": "llm",
    "responses": "llm",
    "completion": "llm",
    "realtime": "llm",
    "embedding": "embeddings",
    "rerank": "rerank",
    "audio_transcription": "speech_to_text",
    "audio_speech": "text_to_speech",
    "image_generation": "image_generation",
    "image_edit": "image_generation",
    "video_generation": "video_generation",
    "ocr": "vision",
    "moderation": "moderation",
}
_FAMILIES = ("vertex_ai", "bedrock", "azure", "cohere", "fireworks_ai")  # also `vertex_ai-llama_models` and the like
# Sellers whose models carry their name.
_KEPT = {"bigmodel", "clf_ai_gateway", "cognition", "openinfer", "scaledown", "scx-ai", "text-completion-inception"} | {
    "transcribe",
    "v0",
    "xiaomi_mimo",
}
_SCHEDULE = r"(?:_(?P<schedule>batches|priority|flex|balanced|ultrafast|decisions|off_peak))?"
_ABOVE = r"(?:_above_(?P<above>\d+)k_tokens)?"
_TOKEN = re.compile(
    rf"(?P<way>input|output)_cost_per_(?P<kind>audio_|image_|video_|reasoning_)?token{_ABOVE}{_SCHEDULE}"
)
_CACHE = re.compile(
    rf"cache_(?P<way>read|creation)_input_(?P<kind>audio_|image_)?token_cost(?:_above_(?P<life>1|12)hr)?{_ABOVE}{_SCHEDULE}"
)
_OTHER = re.compile(
    rf"(?:(?P<way>input|output)_cost_per_(?P<what>character|second|image|pixel|query|video_per_second|audio_per_second)"
    rf"|(?P<page>ocr|annotation)_cost_per_page)(?:_(?P<size>\d+(?:\.\d+)?[pkK]?))?{_SCHEDULE}"
)
_SIZE = re.compile(r"(\d{3,4})-x-(\d{3,4})")
_REGION_PART = re.compile(r"(?:us|eu|ap|sa|ca|af|me)-(?:gov-)?[a-z]+-\d|us|eu|apac|us-gov|global|global-standard")
_COMMITMENT = "-commitment/"


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access)
    answer, etag = http.get_changed_json(url, access.etags.get(url))
    if answer is None:
        return Fetched((), unchanged=True)
    if not isinstance(answer, Mapping):
        raise Unavailable("LiteLLM's cost map is no record", "the file may have changed its format")
    sheet = Sheet("", connector.name, url, access.today.isoformat())
    for key, row in answer.items():
        if key != "sample_spec" and isinstance(row, Mapping):
            _add(sheet, str(key), row)
    return sheet.fetched(etags={url: etag} if etag else {})


def _add(sheet: Sheet, key: str, row: Mapping[str, Any]) -> None:
    seller, workload = _seller(str(row.get("litellm_provider"))), _WORKLOADS.get(str(row.get("mode")))
    if seller is None or workload is None:
        sheet.skip(key, f"seller {row.get('litellm_provider')!r}, mode {row.get('mode')!r}")
        return
    model, region = _model(key, str(row.get("litellm_provider")))
    retires = str(row.get("deprecation_date") or "")
    flags: tuple[str, ...] = ("reseller",) if seller.reseller else ()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", retires):
        flags += (f"retires:{retires}",)
    common = {
        "workload_type": workload,
        "provider": seller.provider,
        "region": region,
        "flags": flags,
        "context_window_tokens": whole(row.get("max_input_tokens")),
        "max_output_tokens": whole(row.get("max_output_tokens")),
    }
    for field, value in _fields(row):
        usd = number(value)
        if usd and "cost" in field:
            _add_field(sheet, model, field, usd, common)


def _fields(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the price fields of a model; those of nested tables under the names that plain ones have."""
    yield from row.items()
    for tier in row.get("tiered_pricing") or ():
        start = number((record(tier).get("range") or [0])[0]) or 0
        suffix = f"_above_{start / 1000:.0f}k_tokens" if start >= 1000 else ""
        yield from ((f"{name}{suffix}", value) for name, value in record(tier).items())
    yield from ((f"{name}_off_peak", value) for name, value in record(row.get("off_peak_pricing")).items())


def _add_field(sheet: Sheet, model: str, field: str, usd: float, common: Mapping[str, Any]) -> None:
    if match := _TOKEN.fullmatch(field):
        reasoning = match["kind"] == "reasoning_"
        unit = "1m_tokens" if reasoning or not match["kind"] else f"1m_{match['kind']}tokens"
        mode = _mode("per_token_reasoning" if reasoning else "per_token", match)
        sheet.price(model, usd, unit, billing_mode=mode, direction=match["way"], times=MILLION, **common)
    elif match := _CACHE.fullmatch(field):
        life = f"_{match['life']}h" if match["life"] else ""
        mode, way = _mode(f"cached_input{life}", match), "cache_read" if match["way"] == "read" else "cache_write"
        sheet.price(
            model, usd, f"1m_{match['kind'] or ''}tokens", billing_mode=mode, direction=way, times=MILLION, **common
        )
    elif (match := _OTHER.fullmatch(field)) and (unit_times := _unit(model, match, str(common["workload_type"]))):
        unit, times, direction = unit_times
        sheet.price(
            model,
            usd,
            unit,
            billing_mode="provisioned" if unit == "model_unit_hour" else _mode("per_unit", match),
            direction=direction,
            times=times,
            variant=match["size"] or "",
            **common,
        )
    else:
        sheet.skip(f"{model} {field}", "not a price that the catalog compares")


def _unit(model: str, match: re.Match[str], workload: str) -> tuple[str, float, str] | None:
    """Return (unit, how many of the field's unit make it, direction)."""
    if match["page"]:
        return ("1k_pages" if match["page"] == "ocr" else "1k_annotated_pages"), 1000.0, "na"
    way, what = str(match["way"]), match["what"]
    if _COMMITMENT in model:
        return ("model_unit_hour", 3600.0, "na") if (way, what) == ("input", "second") else None
    if what == "pixel":
        size = _SIZE.search(model)
        return (
            ("image", float(size[1]) * float(size[2]), "output") if size else ("megapixel", PIXELS_PER_MEGAPIXEL, way)
        )
    if what == "second":
        return ("video_second", 1.0, way) if workload == "video_generation" else ("audio_min", 60.0, way)
    known = {
        "character": ("1k_chars", 1000.0, way),
        "image": ("image", 1.0, way),
        "query": ("1k_searches", 1000.0, "na"),
        "video_per_second": ("video_second", 1.0, way),
        "audio_per_second": ("audio_min", 60.0, way),
    }
    return known[str(what)]


def _mode(base: str, match: re.Match[str]) -> str:
    groups = match.groupdict()
    schedule = {"batches": "batch"}.get(groups["schedule"] or "", groups["schedule"] or "")
    above = f"_above_{groups['above']}k" if groups.get("above") else ""
    if not schedule:
        return base + above
    rest = base.removeprefix("per_token").removeprefix("per_unit")
    return f"{schedule}_{rest.strip('_')}".rstrip("_") + above


def _seller(name: str) -> Seller | None:
    known = sellers("litellm")
    return known.get(name) or next((known[family] for family in _FAMILIES if name.startswith(family)), None)


def _model(key: str, provider: str) -> tuple[str, str]:
    """Split a key into (model, region): `bedrock/us-gov-west-1/m`, `azure/eu/m` and `us.m` carry a region."""
    parts = key.lower().split("/")
    own = {provider, provider.partition("-")[0], "azure_ai", "bedrock", "vertex_ai"} - _KEPT
    if len(parts) > 1 and parts[0] in own:
        parts = parts[1:]
    region = next((part for part in parts[:-1] if _REGION_PART.fullmatch(part)), "")
    if region:
        parts.remove(region)
    if parts[:2] == ["accounts", "fireworks"]:
        parts = parts[3:]
    model = without_maker("/".join(parts))
    model, named = split_region(model)
    region = named if named != "global" else region
    return model, "global" if region.startswith("global") else region or "global"


CONNECTOR = Connector(
    "litellm",
    Tier.FEED,
    "all workloads",
    "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json",
    None,
    _read,
)
