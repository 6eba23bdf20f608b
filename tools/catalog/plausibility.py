"""Is a price believable? Bounds per workload and unit, and the distance from what others ask for the same model.

The bounds enclose every real price that was found for each unit in November 2026, most with a factor of two to five to
spare, so that a mistake of unit (a price per 1k taken for one per 1M, cents for dollars) falls outside.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from knowledge.errors import BadInput
from knowledge.store.offer import GPU, Offer
from tools.catalog.billing import component, parse_billing_mode
from tools.units import factor, parse_unit, reference_unit

# (workload or "*", reference unit) -> lowest and highest USD that is believed.
BOUNDS: Mapping[tuple[str, str], tuple[float, float]] = {
    ("llm", "1m_tokens"): (0.002, 1500.0),
    ("embeddings", "1m_tokens"): (0.001, 5.0),
    ("rerank", "1m_tokens"): (0.001, 5.0),
    ("moderation", "1m_tokens"): (0.002, 20.0),
    ("speech_to_text", "1m_tokens"): (0.002, 60.0),
    ("text_to_speech", "1m_tokens"): (0.01, 100.0),
    ("image_generation", "1m_tokens"): (0.005, 200.0),
    ("video_generation", "1m_tokens"): (0.01, 200.0),
    ("vision", "1m_tokens"): (0.005, 20.0),
    ("*", "1m_audio_tokens"): (0.005, 400.0),
    ("*", "1m_image_tokens"): (0.02, 500.0),
    ("*", "1m_video_tokens"): (0.1, 100.0),
    ("rerank", "1k_searches"): (0.1, 10.0),
    ("*", "1k_searches"): (0.01, 100.0),
    ("*", "1k_requests"): (0.1, 1000.0),
    ("*", "audio_hour"): (0.005, 30.0),
    ("*", "1m_chars"): (0.005, 1000.0),
    ("*", "1k_images"): (0.03, 3000.0),
    ("*", "megapixel"): (0.0002, 1.0),
    ("*", "video_second"): (0.00001, 10.0),
    ("*", "1k_pages"): (0.05, 100.0),
    ("*", "1k_annotated_pages"): (0.1, 100.0),
    ("*", "model_unit_hour"): (0.5, 1000.0),
    ("*", "gpu_hour"): (0.01, 60.0),
}
PEERS_NEEDED = 3
PEER_FACTOR = 50.0  # further from the median of its peers than this is no price difference but a mistake of unit
UNIT_MISTAKE = 1000.0


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a price is not believed, with the figure it was compared with."""

    offer: Offer
    why: str
    normalized_usd: float
    expected_usd: float


Peers = Mapping[tuple[str, str, str], float]


def normalized(offer: Offer) -> tuple[float, str] | None:
    """Return (USD, reference unit) of an offer; None for a unit nobody knows."""
    if offer.workload_type == GPU and offer.unit_name == "instance_hour":
        return (offer.unit_price_usd / offer.gpu_count, "gpu_hour") if offer.gpu_count else None
    try:
        unit = parse_unit(offer.unit_name, offer.workload_type)
    except BadInput:
        return None
    reference = reference_unit(unit)
    return offer.unit_price_usd / float(factor(unit, reference)), reference.name


def peers(offers: Iterable[Offer]) -> Peers:
    """Return the median price by (model, part billed and schedule, unit) where at least three sellers name one."""
    asked: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    for offer in offers:
        if offer.unit_price_usd > 0 and (price := normalized(offer)):
            asked[_peer_key(offer, price[1])].setdefault(offer.provider, price[0])
    return {key: median(by.values()) for key, by in asked.items() if len(by) >= PEERS_NEEDED}


def doubt(offer: Offer, known: Peers) -> Doubt | None:
    """Return why this price is not believed; None for one that is."""
    price = normalized(offer)
    if price is None:
        if offer.workload_type == GPU:
            return None  # a slice whose size is not stated: marked, and out of rankings
        return Doubt(offer, f"unknown unit {offer.unit_name!r}", offer.unit_price_usd, offer.unit_price_usd)
    usd, unit = price
    if usd < 0:
        return Doubt(offer, "negative price", usd, 0.0)
    if usd == 0:
        return None if _free(offer) else Doubt(offer, "a price of zero for what is not a free offer", usd, 0.0)
    bounds = BOUNDS.get((offer.workload_type, unit)) or BOUNDS.get(("*", unit))
    if bounds and not bounds[0] <= usd <= bounds[1]:
        nearest = bounds[0] if usd < bounds[0] else bounds[1]
        return Doubt(offer, f"{usd:g} USD per {unit} is outside {bounds[0]:g} to {bounds[1]:g}", usd, nearest)
    usual = known.get(_peer_key(offer, unit))
    if usual and not 1 / PEER_FACTOR <= usd / usual <= PEER_FACTOR:
        return Doubt(offer, f"{usd:g} USD per {unit}, others ask {usual:g}{_mistake(usd / usual)}", usd, usual)
    return None


def _mistake(ratio: float) -> str:
    """Name the usual slip when a price is off by about a thousand or a million."""
    for power in (1, 2):
        slip = UNIT_MISTAKE**power
        if slip / 3 <= max(ratio, 1 / ratio) <= slip * 3:
            return f": off by about {slip:,.0f}, a mistake of unit"
    return ""


def _peer_key(offer: Offer, unit: str) -> tuple[str, str, str]:
    mode = parse_billing_mode(offer.billing_mode)
    return offer.model_slug, f"{component(mode, offer.direction)} {mode.schedule} {mode.above_tokens}", unit


def _free(offer: Offer) -> bool:
    return "free" in offer.flags or offer.model_key.endswith(":free")
