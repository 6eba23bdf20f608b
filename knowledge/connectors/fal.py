"""fal's prices, with a key: endpoints are listed page by page, then priced in batches; units vary in spelling."""

from collections.abc import Iterator, Mapping
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import Sheet, listed, own_list, record, without_maker
from knowledge.errors import Unavailable

_BATCH = 50
_PAGES_AT_MOST = 200
# Spelling of a unit, without plural -> (our unit, direction). Spellings that are not here are refused.
_UNITS = {
    "image": ("image", "output"),
    "megapixel": ("megapixel", "output"),
    "processed megapixel": ("megapixel", "output"),
    "video": ("video", "na"),
    "video second": ("video_second", "output"),
    "1000 character": ("1k_chars", "input"),
    "1k character": ("1k_chars", "input"),
    "audio minute": ("audio_min", "input"),
    "request": ("request", "na"),
    "generation": ("generation", "na"),
    "1m token": ("1m_tokens", "input"),
}
# A bare second or minute is of what the endpoint makes or hears.
_CLOCK = {
    "video_generation": {"second": ("video_second", "output"), "minute": ("video_min", "output")},
    "speech_to_text": {"second": ("audio_second", "input"), "minute": ("audio_min", "input")},
    "text_to_speech": {"second": ("audio_second", "output"), "minute": ("audio_min", "output")},
}


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    headers = {"Authorization": f"Key {access.keys[connector.name]}"}
    categories = {
        str(row["endpoint_id"]): str(record(row.get("metadata")).get("category", ""))
        for row in _endpoints(connector, http, access, headers)
        if row.get("endpoint_id")
    }
    url = connector.url(access, "/models/pricing")
    sheet = own_list(connector, access, "fal_ai", url)
    endpoints = sorted(categories)
    for first in range(0, len(endpoints), _BATCH):
        answer = http.get_json(url, params={"endpoint_id": endpoints[first : first + _BATCH]}, headers=headers)
        for row in listed(answer, "prices"):
            _add(sheet, row, _workload(categories.get(str(row.get("endpoint_id")), "")))
    return sheet.fetched()


def _endpoints(
    connector: Connector, http: Http, access: Access, headers: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    params: dict[str, Any] = {"limit": 100}
    for _ in range(_PAGES_AT_MOST):
        answer = http.get_json(connector.url(access, "/models"), params=params, headers=headers)
        yield from listed(answer, "models")
        if not answer.get("has_more") or not answer.get("next_cursor"):
            return
        params["cursor"] = answer["next_cursor"]
    raise Unavailable(f"fal lists more than {_PAGES_AT_MOST} pages of models")


def _add(sheet: Sheet, row: Mapping[str, Any], workload: str) -> None:
    endpoint, spelling = (
        without_maker(str(row.get("endpoint_id", "")).lower()),
        str(row.get("unit", "")).lower().rstrip("s"),
    )
    unit = _UNITS.get(spelling) or _CLOCK.get(workload, {}).get(spelling)
    if row.get("currency", "USD") != "USD" or unit is None:
        sheet.skip(endpoint, f"priced in {row.get('currency')} per {row.get('unit')!r}")
        return
    name, direction = unit
    mode = "per_token" if name.endswith("tokens") else "per_unit"
    sheet.price(endpoint, row.get("unit_price"), name, workload_type=workload, billing_mode=mode, direction=direction)


def _workload(category: str) -> str:
    if category.endswith("video"):
        return "video_generation"
    if category in {"speech-to-text", "audio-to-text"}:
        return "speech_to_text"
    if category in {"text-to-speech", "text-to-audio"}:
        return "text_to_speech"
    if category in {"vision", "image-to-text"}:
        return "vision"
    return "llm" if category == "llm" else "image_generation"


CONNECTOR = Connector("fal", Tier.LIVE, "images, video, speech", "https://api.fal.ai/v1", "SEXTANT_KEY_FAL", _read)
