"""The price rows of the catalog, indexed for bills: model and seller, mode, direction, unit and region."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, lru_cache

from knowledge.errors import BadInput
from knowledge.facts import ApiPrice
from tools.invoice import names
from tools.invoice.regions import regions_to_try
from tools.units import Unit, parse_unit

# Where a seller's own list lacks a model, the list of the same company that sells the same endpoint.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "aws": ("aws_bedrock", "aws_rekognition", "aws_polly", "aws_transcribe"),
    "google_cloud": ("google_vertex", "google_gemini", "google_cloud"),
    "google_vertex": ("google_vertex", "google_gemini", "google_cloud"),
    "google_gemini": ("google_gemini", "google_vertex", "google_cloud"),
}
COUNTED_BY = {
    "llm": "tokens",
    "embeddings": "tokens",
    "image_generation": "image",
    "vision": "image",
    "rerank": "search",
}
_MTOK = re.compile(r"^([mk])\s?tok(?:en)?s?$", re.IGNORECASE)
NEVER_OFFERED = (
    "free",
    "deprecated",
    "outlier",
    "stale_2025",
    "verify_service_still_sold",
    "reseller",
    "retires",
    "retired",
)


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A model of one seller with all its price rows."""

    provider: str
    name: str
    model_key: str
    rows: tuple[ApiPrice, ...]

    @property
    def workload(self) -> str:
        return self.rows[0].workload_type


class PriceIndex:
    """Finds models and prices by the names that bills use. Built once; lookups are remembered."""

    def __init__(
        self, prices: Iterable[ApiPrice], tiers: Iterable[ApiPrice] = (), retired: Iterable[ApiPrice] = ()
    ) -> None:
        self._rows: dict[str, list[ApiPrice]] = defaultdict(list)
        for source in (prices, tiers, retired):
            for row in source:
                self._rows[row.provider].append(row)
        self.providers = frozenset(self._rows)
        self._sellers: dict[str, _Seller] = {}
        self._by_weights: dict[str, list[PricedModel]] | None = None
        self._found: dict[tuple[str, str], PricedModel | None] = {}

    def provider_id(self, text: str) -> str:
        """The catalog's id of a seller as a bill names it, or an empty text."""
        return names.provider_id(text, self.providers)

    def family(self, provider: str) -> tuple[str, ...]:
        """Lists to look in for a seller, its own first."""
        return FAMILIES.get(provider, (provider,))

    def find(self, provider: str, text: str) -> PricedModel | None:
        """The model that a bill of this seller calls `text`; None when nothing has that very name."""
        key = (provider, text)
        if key not in self._found:
            if len(self._found) > 100_000:
                self._found.clear()
            self._found[key] = self._seller(provider).find(text) if provider in self._rows else None
        return self._found[key]

    def of_workload(self, provider: str, workload: str) -> list[ApiPrice]:
        """All rows of a seller's workload that a normal bill can hold."""
        return [
            row
            for member in self.family(provider)
            for row in self._rows.get(member, ())
            if row.workload_type == workload and not any(flag.startswith("outlier") for flag in row.flags)
        ]

    def elsewhere(self, model: PricedModel) -> list[PricedModel]:
        """The same weights at other sellers (a declared equivalence class), without offers nobody should move to."""
        if self._by_weights is None:
            self._by_weights = defaultdict(list)
            for provider in sorted(self._rows):
                for other in self._seller(provider).models():
                    self._by_weights[names.same_weights(other.name)].append(other)
        return [
            other
            for other in self._by_weights.get(names.same_weights(model.name), ())
            if other.provider not in self.family(model.provider)
            and other.provider != model.provider
            and other.workload == model.workload
        ]

    def models(self) -> Iterator[PricedModel]:
        """Every model of every seller."""
        for provider in sorted(self._rows):
            yield from self._seller(provider).models()

    def _seller(self, provider: str) -> "_Seller":
        if provider not in self._sellers:
            self._sellers[provider] = _Seller(provider, self._rows[provider])
        return self._sellers[provider]


class _Seller:
    def __init__(self, provider: str, rows: Sequence[ApiPrice]) -> None:
        self._provider = provider
        grouped: dict[str, list[ApiPrice]] = defaultdict(list)
        for row in rows:
            grouped[names.model_name(row.model_key)].append(row)
        self._models = {
            name: PricedModel(provider, name, held[0].model_key, tuple(held)) for name, held in grouped.items()
        }
        self._aliases: dict[str, set[str]] = defaultdict(set)
        for name, model in self._models.items():
            aliases = {names.undated(name), names.short_dated(name), names.squeezed(name)}
            aliases |= {names.model_name(row.sku_name) for row in model.rows if row.workload_type == "llm"}
            for alias in aliases - {name, ""}:
                self._aliases[alias].add(name)
        self._words: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._telling_words: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for name in self._models:
            self._words[names.words(name)].add(name)
            self._words[names.words(names.undated(name))].add(name)
            if telling := names.telling_words(names.undated(name), provider):
                self._telling_words[telling].add(name)

    def models(self) -> Iterable[PricedModel]:
        return self._models.values()

    def find(self, text: str) -> PricedModel | None:
        """The model of this name, with the rows that only other dated snapshots of it have (say, other regions)."""
        found = self._named(text)
        if found is None:
            return None
        base = names.undated(found.name)
        siblings = sorted(
            name
            for name in self._aliases.get(base, set()) | {base}
            if name in self._models and names.undated(name) == base
        )
        rows = {_slot(row): row for name in siblings for row in self._models[name].rows}
        own = {_slot(row) for row in found.rows}
        extra = tuple(row for slot, row in rows.items() if slot not in own)
        return replace(found, rows=found.rows + extra)

    def _named(self, text: str) -> PricedModel | None:
        name = names.model_name(text)
        if not name:
            return None
        for candidate in dict.fromkeys((name, names.undated(name), names.without_short_day(name))):
            if candidate in self._models:
                return self._models[candidate]
            if held := self._one(self._aliases.get(candidate, set())):
                return held
        return (
            self._one(self._aliases.get(names.squeezed(name), set()))
            or self._one(self._words.get(names.words(name), set()))
            or self._by_telling_words(names.telling_words(name, self._provider))
        )

    def _by_telling_words(self, telling: tuple[str, ...]) -> PricedModel | None:
        held = self._telling_words.get(telling, set()) if telling else set()
        return self._one({name for name in held if names.words(name) == telling}) or self._one(held)

    def _one(self, held: set[str]) -> PricedModel | None:
        """One model, or the newest of several snapshots of one; None when they are different models."""
        if len({names.undated(name) for name in held}) != 1:
            return None
        return self._models[max(held)]


def _slot(row: ApiPrice) -> tuple[str, str, str, str]:
    return row.billing_mode, row.direction, row.unit_name, region_of(row)


@cache
def unit_named(name: str, workload: str) -> Unit | None:
    """A unit of the price list or a bill; None when it is unknown. `count` is of what the workload is billed by."""
    spelled = COUNTED_BY.get(workload, name) if name.lower() in {"count", "counts"} else name
    try:
        return parse_unit(_MTOK.sub(r"1\1_tokens", spelled), workload)
    except BadInput:
        return None


@lru_cache(maxsize=256)
def _base_modes(mode: str, direction: str | None, cache_hours: int | None) -> tuple[str, ...]:
    prefix = "" if mode == "per_token" else f"{mode}_"
    if direction in {"cache_read", "cache_write"}:
        base = f"{prefix}cached_input"
        return (f"{base}_{cache_hours}h",) if cache_hours else (base,)
    return ("per_token", "per_unit") if mode == "per_token" else (mode,)


def rows_for(
    model: PricedModel,
    *,
    mode: str,
    direction: str | None,
    cache_hours: int | None = None,
    long_context: bool = False,
    region: str = "",
    dimension: str,
) -> tuple[ApiPrice, ...]:
    """Price rows of a model that a charge can be billed by; several where the seller has plans or sizes."""
    wanted = _base_modes(mode, direction, cache_hours)
    rows = [
        row for row in model.rows if _fits_mode(row.billing_mode, wanted, long_context) and _dimension(row) == dimension
    ]
    if long_context and not rows:  # no dearer rate for long prompts: the plain one holds for all
        rows = [row for row in model.rows if row.billing_mode in wanted and _dimension(row) == dimension]
    rows = _in_direction(rows, direction)
    rows = [row for row in rows if not flagged_day((row,), "retired")] or rows
    for candidate in regions_to_try(region):
        if held := [row for row in rows if region_of(row) == candidate]:
            return tuple(held)
    return tuple(rows) if not region else ()


def flagged_day(rows: Sequence[ApiPrice], flag: str) -> str:
    """The day of `retired:` or `retires:` when all rows carry it; an empty text when one of them is simply sold."""
    days = [next((held.partition(":")[2] for held in row.flags if held.startswith(f"{flag}:")), "") for row in rows]
    return max(days) if days and all(days) else ""


def price_of(row: ApiPrice) -> Decimal:
    """The price exactly as the list writes it."""
    return Decimal(repr(row.unit_price_usd))


def region_of(row: ApiPrice) -> str:
    """Region of a row; Bedrock's in-region rates are rows of their own whose names begin with `regional.`."""
    return "regional" if row.model_key.startswith("regional.") else row.region


def offered(rows: Sequence[ApiPrice]) -> tuple[ApiPrice, ...]:
    """Rows that somebody could be advised to move to: sold, checked, paid, by the operator itself."""
    return tuple(
        row
        for row in rows
        if row.unit_price_usd > 0
        and row.confidence != "estimated"
        and not row.provider.endswith("_cn")
        and not any(flag.startswith(NEVER_OFFERED) for flag in row.flags)
    )


def context_of(model: PricedModel | None) -> int:
    """The longest context that the seller states for a model, tokens; 0 when it states none."""
    return max((row.context_window_tokens or 0 for row in model.rows), default=0) if model else 0


def long_context_threshold(model: PricedModel) -> str:
    """`272k` where prompts above it cost more, else an empty text."""
    suffixes = {row.billing_mode.partition("_above_")[2] for row in model.rows}
    return min(suffixes - {""}, default="", key=lambda text: int(text.rstrip("k") or 0))


def _fits_mode(mode: str, wanted: tuple[str, ...], long_context: bool) -> bool:
    if not long_context:
        return mode in wanted
    base, _, above = mode.partition("_above_")
    return bool(above) and base in wanted


def _dimension(row: ApiPrice) -> str:
    unit = unit_named(row.unit_name, row.workload_type)
    return unit.dimension if unit else ""


def _in_direction(rows: list[ApiPrice], direction: str | None) -> list[ApiPrice]:
    if direction is not None:
        return [row for row in rows if row.direction == direction] or [row for row in rows if row.direction == "na"]
    pictures = [row for row in rows if row.workload_type in {"image_generation", "video_generation"}]
    if pictures:  # an input row is the price of sending a picture in
        return [row for row in pictures if row.direction in {"output", "na"}] or pictures
    return [row for row in rows if row.direction in {"input", "output", "na"}]
