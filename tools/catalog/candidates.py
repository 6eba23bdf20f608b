"""Group prices into what a buyer chooses between: one seller's terms for one model, or one machine.

A language model costs several prices (input, output, cache read and write, long prompts): they are one candidate.
A minute of speech, an image or a machine hour is a candidate of its own.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache

from knowledge.errors import BadInput
from knowledge.store.offer import GPU, Offer
from tools.catalog.billing import component, parse_billing_mode
from tools.units import Unit, factor, parse_unit, reference_unit

CONFIDENCES = ("official", "aggregated", "estimated")  # best first
UNKNOWN_UNIT = "unknown"
# Marks that keep an offer out of default rankings, by the flag that tells.
MARKS = {
    "free": "free",
    "reseller": "reseller",
    "deprecated": "deprecated",
    "retired": "retired",
    "outlier_vs_peers": "outlier",
    "outlier_vs_workload": "outlier",
    "verify_service_still_sold": "doubtful",
    "volume_tier": "volume tier",
    "card_only": "card only",
}
MARK_NAMES = frozenset([*MARKS.values(), "add-on", "volume tier", "unknown size"])
# Extras that are billed on top of the thing itself; found by name in price lists of speech services.
ADD_ONS = re.compile(
    r"(?:.*/)?(keyterm|detect_entit|entity|diariz|redact|sentiment|summar|topic|speaker identif|add-on)"
)
# The second and later steps of a volume discount: nobody pays them for the first unit.
VOLUME_TIER = re.compile(r"_tier[2-9]\b")


@dataclass(frozen=True, slots=True)
class Rate:
    """One price of a candidate, in the reference unit of its dimension; it counts for prompts above `above_tokens`."""

    component: str
    above_tokens: int
    usd: float
    offer: Offer


@dataclass(frozen=True, slots=True)
class Candidate:
    """One seller's terms for one model. `base` maps a component to its USD for ordinary prompts."""

    provider: str
    model_key: str
    model_slug: str
    region: str
    schedule: str
    dimension: str
    unit: str
    rates: tuple[Rate, ...]
    base: Mapping[str, float]
    marks: frozenset[str]
    confidence: str
    source_date: str
    context_window_tokens: int | None
    names: str  # what a search for a model looks in

    def usd(self, name: str, prompt_tokens: float | None = None) -> float | None:
        """USD per reference unit of one component for prompts of this length; None where it is not known."""
        if prompt_tokens is None:
            return self.base.get(name, self._unnamed)
        fitting = [rate for rate in self.rates if rate.component == name and rate.above_tokens < prompt_tokens]
        return max(fitting, key=lambda rate: rate.above_tokens).usd if fitting else self.base.get(name, self._unnamed)

    @property
    def _unnamed(self) -> float | None:
        """Price of a part that is not listed: nothing where all that is listed is free, else unknown."""
        return None if any(self.base.values()) else 0.0


def candidates(offers: Iterable[Offer], today: date) -> list[Candidate]:
    """Group offers of one workload; the order of the input decides nothing."""
    groups: dict[tuple[str, ...], list[Rate]] = defaultdict(list)
    units: dict[tuple[str, ...], Unit | None] = {}
    for offer in offers:
        mode = parse_billing_mode(offer.billing_mode)
        unit, ratio = _reference(offer.unit_name, offer.workload_type)
        usd = offer.unit_price_usd / (ratio * (offer.gpu_count or 1.0))
        dimension = unit.dimension if unit else UNKNOWN_UNIT
        alone = "" if dimension.endswith("_token") else offer.sku_key
        key = (offer.provider, offer.model_key, offer.region, mode.schedule, dimension, alone)
        units[key] = unit
        groups[key].append(Rate(component(mode, offer.direction), mode.above_tokens, usd, offer))
    return [_candidate(key, units[key], rates, today) for key, rates in sorted(groups.items())]


def marks_of(offer: Offer, today: date) -> set[str]:
    """Say what keeps an offer out of default rankings."""
    marks = {MARKS[name] for flag in offer.flags if (name := flag.partition(":")[0]) in MARKS}
    if any(flag.startswith("retires:") and flag[8:] <= today.isoformat() for flag in offer.flags):
        marks.add("retired")
    if offer.unit_price_usd == 0:
        marks.add("free")
    if offer.workload_type in {"speech_to_text", "text_to_speech"} and ADD_ONS.match(offer.sku_name.lower()):
        marks.add("add-on")
    if VOLUME_TIER.search(offer.model_key):
        marks.add("volume tier")
    if offer.workload_type == GPU and not offer.gpu_count:
        marks.add("unknown size")
    return marks


def _candidate(key: tuple[str, ...], unit: Unit | None, rates: list[Rate], today: date) -> Candidate:
    provider, model_key, region, schedule, dimension, _ = key
    rates.sort(key=lambda rate: (rate.component, rate.above_tokens, rate.offer.sku_key))
    base: dict[str, float] = {}
    for rate in rates:
        base.setdefault(rate.component, rate.usd)
    offers = [rate.offer for rate in rates]
    return Candidate(
        provider=provider,
        model_key=model_key,
        model_slug=offers[0].model_slug,
        region=region,
        schedule=schedule,
        dimension=dimension,
        unit=unit.name if unit else offers[0].unit_name,
        rates=tuple(rates),
        base=base,
        marks=frozenset().union(*(marks_of(offer, today) for offer in offers)),
        confidence=max((offer.confidence for offer in offers), key=CONFIDENCES.index),
        source_date=min(offer.source_date for offer in offers),
        context_window_tokens=max(offer.context_window_tokens or 0 for offer in offers) or None,
        names=f"{offers[0].model_slug} {model_key.lower()}",
    )


@lru_cache(maxsize=256)
def _reference(unit_name: str, workload_type: str) -> tuple[Unit | None, float]:
    """Return the unit to compare in, and how many of it one listed unit is; (None, 1) for a unit nobody knows."""
    if workload_type == GPU and unit_name == "instance_hour":
        return parse_unit("gpu_hour"), 1.0  # the count of cards is divided out by the caller
    try:
        unit = parse_unit(unit_name, workload_type)
    except BadInput:
        return None, 1.0
    reference = reference_unit(unit)
    ratio: Fraction = factor(unit, reference)
    return reference, float(ratio)
