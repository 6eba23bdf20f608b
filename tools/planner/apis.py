"""Per-token APIs: sellers of models of known quality, and what a month of the traffic costs with each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import erf, log, sqrt

import numpy as np
import numpy.typing as npt

from knowledge.facts import ApiPrice, Confidence, Lengths, ModelQuality
from knowledge.slugs import model_of_slug
from knowledge.snapshot import Snapshot
from tools.intent import Intent
from tools.market import Market
from tools.planner.case import Case
from tools.planner.grid import Floats, Rows
from tools.planner.money import Cost, Line, bill, line
from tools.planner.regions import resides
from tools.planner.rejection import Change, Miss
from tools.planner.shortlist import Shortlist, licence_allows, matches
from tools.planner.specialists import out_of_place
from tools.planner.traffic import DAYS_PER_MONTH, HOURS_PER_MONTH, TrafficProfile, Z
from tools.quality.comparison import ranking_score

BATCH_HOURS = 24.0
"""Batch APIs promise an answer within a day, so they serve batch windows from here on."""

_SKIPPED = ("free", "outlier", "stale_2025", "verify_service")
UNSTATED_CONTEXT_TOKENS = 32_768

CLOUD_OF: Mapping[str, str] = {
    "aws_bedrock": "aws",
    "amazon_nova_api": "aws",
    "azure": "azure",
    "google_vertex": "gcp",
    "google_gemini": "gcp",
    "oracle_oci": "oci",
}
_RULES = (
    None, "api_quality_unknown", "api_specialist", "api_quality", "api_excluded_model", "api_not_preferred",
    "api_licence", "api_context", "api_region",
)  # fmt: skip
_TOLD = [_RULES.index(rule) for rule in ("api_quality", "api_licence", "api_context", "api_region")]
_SELF_HOSTED_FIELDS = ("gpu_types", "available_gpus", "max_gpus", "tensor_parallel", "quantization")


@dataclass(frozen=True, slots=True, eq=False)
class Seller:
    """One seller's prices of one model in one region, in USD per million tokens by (mode, direction)."""

    provider: str
    model_key: str
    model_slug: str
    region: str
    prices: Mapping[tuple[str, str], float]
    thresholds: tuple[int, ...]  # prompt lengths in thousands of tokens above which other prices apply
    context_tokens: int | None
    confidence: Confidence
    flags: tuple[str, ...]
    source_date: str
    source_url: str


def _thresholds(prices: Mapping[tuple[str, str], float]) -> tuple[int, ...]:
    marks = {mode.rsplit("_above_", 1)[1] for mode, _ in prices if "_above_" in mode}
    return tuple(sorted(int(mark[:-1]) for mark in marks if mark.endswith("k")))


@lru_cache(maxsize=4)
def sellers(market: Market) -> tuple[Seller, ...]:
    """Sellers of language models that price plain input and output tokens."""
    grouped: dict[tuple[str, str, str], list[ApiPrice]] = defaultdict(list)
    for row in market.api_prices:
        if row.workload_type == "llm" and row.unit_name == "1m_tokens":
            grouped[row.provider, row.model_key, row.region].append(row)
    return tuple(seller for rows in grouped.values() if (seller := _seller(rows)) is not None)


def _seller(rows: list[ApiPrice]) -> Seller | None:
    prices = {(row.billing_mode, row.direction): row.unit_price_usd for row in rows}
    plain = next((row for row in rows if (row.billing_mode, row.direction) == ("per_token", "output")), None)
    if plain is None or ("per_token", "input") not in prices:
        return None
    flags = {flag for row in rows for flag in row.flags if row.billing_mode == "per_token"}
    if any(flag.startswith(_SKIPPED) for flag in flags) or min(prices.values()) <= 0:
        return None
    return Seller(
        plain.provider, plain.model_key, plain.model_slug, plain.region, prices, _thresholds(prices),
        plain.context_window_tokens, plain.confidence, tuple(sorted(flags)), plain.source_date, plain.source_url,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ApiCandidate:
    """A seller that the intent allows, with the model's id, its quality and what a month costs."""

    seller: Seller
    model_id: str
    quality: ModelQuality
    monthly_usd: float
    batched: bool


def candidates(case: Case, short: Shortlist) -> list[ApiCandidate]:
    """Sellers within the rules; the others are counted in the ledger."""
    intent = case.intent
    if intent.deployment_model not in (None, "api"):
        return []
    every = sellers(case.market)
    if _self_hosted(intent) and intent.deployment_model != "api":
        case.ledger.count("self_hosted_only", len(every), "sellers")
        return []
    batched = (intent.batch_window_hours or 0) >= BATCH_HOURS
    monthly = monthly_usd(every, case.traffic, batched=batched)
    goods = _goods(case.market, case.snapshot)
    judged = [_judged(model_id, case, short) for model_id in goods.model_ids]  # many sellers have the same model
    codes = np.array([_RULES.index(rule) for _, rule in judged], dtype=np.int8)[goods.model]
    codes[goods.takes < case.traffic.context_tokens] = _RULES.index("api_context")
    if intent.clouds or intent.regions or intent.residency:
        outside = [not _located(seller, intent) for seller in every]
        codes[outside] = _RULES.index("api_region")
    kept = [
        ApiCandidate(every[row], model_id, quality, float(monthly[row]), batched)
        for row in np.flatnonzero(codes == 0).tolist()
        for model_id, quality in [(goods.model_ids[goods.model[row]], judged[goods.model[row]][0])]
        if model_id is not None and quality is not None
    ]
    missed: dict[tuple[str, str], tuple[Seller, ModelQuality | None]] = {}
    for row in np.flatnonzero(np.isin(codes, _TOLD)).tolist():
        model_id = goods.model_ids[goods.model[row]]
        name = _RULES[codes[row]] or "", model_id or every[row].model_key
        missed.setdefault(name, (every[row], judged[goods.model[row]][0]))
    numbers, first = np.bincount(codes, minlength=len(_RULES)), np.unique(codes, return_index=True)
    for code in first[0][np.argsort(first[1])].tolist():
        if code:
            case.ledger.count(_RULES[code] or "", int(numbers[code]), "sellers")
    case.ledger.add(_misses(missed, case, short))
    return kept


def _self_hosted(intent: Intent) -> bool:
    """Whether what was said makes sense of machines alone: cards, precisions, spot machines, reservations."""
    stated = any(getattr(intent, name) is not None for name in _SELF_HOSTED_FIELDS)
    return stated or (intent.billing is not None and "on_demand" not in intent.billing)


def monthly_usd(every: Sequence[Seller], traffic: TrafficProfile, *, batched: bool) -> Floats:
    """A month's bill with each seller, before rounding: the cheaper of billing with and without cached input."""
    prices = _price_table(tuple(every), batched)
    prompt, answer = _million_tokens(traffic)
    fresh, output, read, written = prices.T
    plain = prompt * fresh + answer * output
    reuse = traffic.prefix_reuse_share
    cached = prompt * (reuse * read + (1 - reuse) * np.fmax(fresh, written)) + answer * output
    monthly = np.fmin(plain, cached)
    for tiered in _tiered(tuple(every)).values():
        if len(_tiers(tiered[0][1], traffic)) > 1:  # long-context prices matter only where some prompts are that long
            for position, seller in tiered:
                monthly[position] = api_cost(seller, traffic, batched=batched).monthly_usd
    table: Floats = monthly
    return table


@lru_cache(maxsize=4)
def _price_table(every: tuple[Seller, ...], batched: bool) -> Floats:  # key of the cache
    """Input, output, cache read and cache write of each seller; NaN where there is no such price."""
    rows = []
    for seller in every:
        plain, cached = _modes(seller, batched=batched)[-1].names
        row = [(plain, "input"), (plain, "output"), (cached, "cache_read"), (cached, "cache_write")]
        rows.append([seller.prices.get(key, np.nan) for key in row])
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


@lru_cache(maxsize=4)
def _tiered(every: tuple[Seller, ...]) -> Mapping[tuple[int, ...], Sequence[tuple[int, Seller]]]:
    """Sellers whose prices depend on the length of the prompt, with their position, by the lengths they change at."""
    found: dict[tuple[int, ...], list[tuple[int, Seller]]] = defaultdict(list)
    for position, seller in enumerate(every):
        if seller.thresholds:
            found[seller.thresholds].append((position, seller))
    return found


def _million_tokens(traffic: TrafficProfile) -> tuple[float, float]:
    requests = traffic.requests_per_month
    return requests * traffic.isl.mean / 1e6, requests * traffic.osl.mean / 1e6


def _misses(
    missed: Mapping[tuple[str, str], tuple[Seller, ModelQuality | None]], case: Case, short: Shortlist
) -> list[Miss]:
    """The nearest miss of each rule and model among sellers; by far the most unknown ones are only counted."""
    found: list[Miss] = []
    for (rule, name), (seller, quality) in missed.items():
        what = f"{name} by {seller.provider}"
        if rule == "api_quality" and quality is not None:
            score = round(ranking_score(quality), 1)
            least = "at least " if quality.basis == "estimated" else ""
            text = f"{what} scores {least}{score:g}, {short.threshold:g} are asked for"
            found.append(Miss(rule, name, what, score, short.threshold, "points", None, text))
        elif rule == "api_context":
            takes = _context_tokens(seller, name, case.snapshot)
            text = f"{what} takes {takes} tokens, {case.traffic.context_tokens} are needed"
            change = Change("context_length", takes)
            found.append(Miss(rule, name, what, takes, case.traffic.context_tokens, "tokens", change, text))
        elif rule in ("api_region", "api_licence") and quality is not None:
            asked = "there" if rule == "api_region" else "under such a licence"
            found.append(Miss(rule, name, what, seller.region, None, "", None, f"{what} is not offered {asked}"))
    return sorted(found, key=lambda miss: -float(miss.value) if isinstance(miss.value, int | float) else 0.0)


@dataclass(frozen=True, slots=True)
class _Goods:
    """What sellers sell, one row each: the index of the model in `model_ids` and how many tokens it takes there."""

    model_ids: tuple[str | None, ...]
    model: Rows
    takes: npt.NDArray[np.int64]


@lru_cache(maxsize=4)
def _goods(market: Market, snapshot: Snapshot) -> _Goods:
    known = {seller.model_slug: model_of_slug(seller.model_slug, snapshot) for seller in sellers(market)}
    models = [known[seller.model_slug] for seller in sellers(market)]
    ids = tuple(dict.fromkeys(models))
    places = {model_id: place for place, model_id in enumerate(ids)}
    takes = [_context_tokens(seller, each, snapshot) for seller, each in zip(sellers(market), models, strict=True)]
    return _Goods(ids, np.array([places[each] for each in models], dtype=np.intp), np.array(takes, dtype=np.int64))


def _judged(model_id: str | None, case: Case, short: Shortlist) -> tuple[ModelQuality | None, str | None]:
    """The quality of a model, and the first rule that it breaks, whoever sells it."""
    quality = case.snapshot.quality.get((model_id, case.traffic.task_type)) if model_id else None
    if quality is None or model_id is None:
        return quality, "api_quality_unknown"
    if out_of_place(model_id, case.intent, case.traffic.task_type):
        return quality, "api_specialist"
    if not short.enough(quality):
        return quality, "api_quality"
    return quality, _unwanted(model_id, case)


def _context_tokens(seller: Seller, model_id: str | None, snapshot: Snapshot) -> int:
    """What a seller takes: stated, and never more than an open model can; unstated, a length that nearly all take."""
    model = snapshot.models.get(model_id) if model_id else None
    known = [each for each in (seller.context_tokens, model.context_window_tokens if model else None) if each]
    return min(known, default=UNSTATED_CONTEXT_TOKENS)


def _unwanted(model_id: str, case: Case) -> str | None:
    """The rule of the intent's names and licences that a model breaks."""
    intent, model = case.intent, case.snapshot.models.get(model_id)
    family = model.family if model else model_id.split("/", 1)[0]
    if intent.excluded_models and matches(model_id, family, intent.excluded_models):
        return "api_excluded_model"
    if intent.preferred_models and not matches(model_id, family, intent.preferred_models):
        return "api_not_preferred"
    if intent.license and not _licensed(model.licence if model else None, intent):
        return "api_licence"
    return None


def _located(seller: Seller, intent: Intent) -> bool:
    if intent.clouds and CLOUD_OF.get(seller.provider, seller.provider) not in intent.clouds:
        return False
    if intent.regions and seller.region not in intent.regions:
        return False
    return not intent.residency or resides(seller.region, intent.residency)


def _licensed(licence: str | None, intent: Intent) -> bool:
    return licence is not None and any(licence_allows(licence, name) for name in intent.license or ())


def tail_share(lengths: Lengths, tokens: float) -> tuple[float, float]:
    """Shares of prompts, and of prompt tokens, that lie in prompts over `tokens`; prompts taken as log-normal."""
    spread = max(log(max(lengths.p90 / lengths.p50, 1.0001)) / Z[90], 1e-3)
    depth = log(tokens / lengths.p50) / spread
    return _above(depth), _above(depth - spread)


def _above(deviations: float) -> float:
    return (1 - erf(deviations / sqrt(2))) / 2


def api_cost(seller: Seller, traffic: TrafficProfile, *, batched: bool) -> Cost:
    """A month's bill: input, cached input and output, each at the price of its prompt length."""
    prompt, answer = _million_tokens(traffic)
    options = [_lines(seller, traffic, prompt, answer, mode=mode) for mode in _modes(seller, batched=batched)]
    lines = min(options, key=lambda each: sum(x.usd for x in each))
    tokens = traffic.tokens_per_day * DAYS_PER_MONTH
    return bill(lines, tokens_per_month=tokens, hours_per_month=HOURS_PER_MONTH)


@dataclass(frozen=True, slots=True)
class _Mode:
    plain: str
    cached: str | None

    @property
    def names(self) -> tuple[str, str]:
        return self.plain, self.cached or ""


def _modes(seller: Seller, *, batched: bool) -> list[_Mode]:
    """Ways to be billed; with caching only where it has a price, so that an unknown cache price is never zero."""
    plain = "batch" if batched and ("batch", "output") in seller.prices else "per_token"
    cached = "batch_cached_input" if plain == "batch" else "cached_input"
    with_cache = [_Mode(plain, cached)] if (cached, "cache_read") in seller.prices else []
    return [_Mode(plain, None), *with_cache]


def _lines(seller: Seller, traffic: TrafficProfile, prompt: float, answer: float, *, mode: _Mode) -> tuple[Line, ...]:
    reuse = traffic.prefix_reuse_share if mode.cached else 0.0
    lines: list[Line] = []
    for mark, requests_share, tokens_share in _tiers(seller, traffic):
        suffix = f"_above_{mark}k" if mark else ""
        words = f", prompts over {mark}k" if mark else ""
        tokens = prompt * tokens_share
        fresh = _price(seller, mode.plain, "input", suffix)
        if mode.cached:
            lines.append(
                _line("cached input", words, tokens * reuse, _price(seller, mode.cached, "cache_read", suffix))
            )
            written = seller.prices.get((mode.cached + suffix, "cache_write"))
            fresh = max(fresh, written or 0.0)
        lines.append(_line("input", words, tokens * (1 - reuse), fresh))
        lines.append(_line("output", words, answer * requests_share, _price(seller, mode.plain, "output", suffix)))
    return tuple(x for x in lines if x.quantity > 0)


def _line(kind: str, words: str, million_tokens: float, price: float) -> Line:
    return line(f"{kind} tokens{words}", round(million_tokens, 6), "1M tokens", price)


def _price(seller: Seller, mode: str, direction: str, suffix: str) -> float:
    """The price above a prompt length where it differs, else the plain one."""
    return seller.prices.get((mode + suffix, direction), seller.prices.get((mode, direction), 0.0))


def _tiers(seller: Seller, traffic: TrafficProfile) -> list[tuple[int, float, float]]:
    """(threshold in thousands or 0, share of requests, share of prompt tokens) of each price tier in use."""
    edges = [0, *seller.thresholds]
    above = [(1.0, 1.0), *(tail_share(traffic.isl, mark * 1000.0) for mark in seller.thresholds), (0.0, 0.0)]
    tiers = []
    for mark, here, beyond in zip(edges, above[:-1], above[1:], strict=True):
        requests, tokens = here[0] - beyond[0], here[1] - beyond[1]
        if requests > 1e-6:
            tiers.append((mark, requests, tokens))
    return tiers
