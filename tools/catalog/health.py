"""What is wrong or weak in the catalog, in numbers: stale prices, gaps, conflicts, unbelievable figures."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from knowledge.facts import Benchmark, Model
from knowledge.store.database import SourceState, Store
from knowledge.store.offer import GPU, Offer
from tools.catalog.plausibility import Doubt, doubt, peers

WARNED_STALE_DAYS = 60


@dataclass(frozen=True, slots=True)
class Freshness:
    """Age of what one kind of source says, in days since its date."""

    source_kind: str
    offers: int
    newest_date: str
    oldest_date: str
    days_old: int | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """One price on which sources disagree, with both numbers."""

    sku_key: str
    unit_name: str
    usd: float
    source_kind: str
    other_usd: float
    other_source: str


@dataclass(frozen=True, slots=True)
class Health:
    """State of the catalog; `warnings` is the short form for start-up."""

    offers: int
    sources: tuple[SourceState, ...]
    freshness: tuple[Freshness, ...]
    stale_offers: int
    conflicts: tuple[Conflict, ...]
    doubts: tuple[Doubt, ...]
    models_without_benchmarks: tuple[str, ...]
    benchmarks_on_unpriced_gpus: Mapping[str, int]
    warnings: tuple[str, ...]


def health(
    offers: Sequence[Offer],
    sources: Iterable[SourceState],
    today: date,
    *,
    models: Mapping[str, Model],
    benchmarks: Sequence[Benchmark],
) -> Health:
    """Examine everything that is shown today."""
    known_sources = tuple(sources)
    ages = _freshness(offers, today)
    stale = sum((_days(offer.source_date, today) or 0) > WARNED_STALE_DAYS for offer in offers)
    clashes = tuple(conflict for offer in offers for conflict in _conflicts(offer))
    usual = peers(offers)
    doubts = tuple(found for offer in offers if (found := doubt(offer, usual)))
    measured = {row.model_id for row in benchmarks} | {row.arch_model_id for row in benchmarks if row.arch_model_id}
    priced = {offer.model_key for offer in offers if offer.workload_type == GPU}
    unpriced = Counter(row.gpu_type for row in benchmarks if row.gpu_type not in priced)
    unmeasured = tuple(sorted(model for model in models if model not in measured))
    return Health(
        offers=len(offers),
        sources=known_sources,
        freshness=ages,
        stale_offers=stale,
        conflicts=clashes,
        doubts=doubts,
        models_without_benchmarks=unmeasured,
        benchmarks_on_unpriced_gpus=dict(unpriced.most_common()),
        warnings=tuple(
            _warnings(
                len(offers),
                known_sources,
                stale=stale,
                disputed=len({row.sku_key for row in clashes}),
                doubted=len(doubts),
            )
        ),
    )


def _freshness(offers: Sequence[Offer], today: date) -> tuple[Freshness, ...]:
    dates: dict[str, list[str]] = defaultdict(list)
    for offer in offers:
        dates[offer.source_kind].append(offer.source_date)
    rows = [Freshness(kind, len(days), max(days), min(days), _days(max(days), today)) for kind, days in dates.items()]
    return tuple(sorted(rows, key=lambda row: (-(row.days_old or 0), row.source_kind)))


def _conflicts(offer: Offer) -> Iterable[Conflict]:
    for flag in offer.flags:
        source, _, usd = flag.removeprefix("differs:").partition("=")
        if flag.startswith("differs:") and usd:
            yield Conflict(offer.sku_key, offer.unit_name, offer.unit_price_usd, offer.source_kind, float(usd), source)


def warnings_at_start(store: Store, today: date) -> tuple[str, ...]:
    """Return the short warnings alone, in milliseconds: without looking at single prices."""
    before = (today - timedelta(days=WARNED_STALE_DAYS)).isoformat()
    offers, stale, disputed = store.counts(before)
    return tuple(_warnings(offers, store.sources(), stale=stale, disputed=disputed))


def _warnings(
    offers: int, sources: Sequence[SourceState], *, stale: int, disputed: int, doubted: int = 0
) -> Iterable[str]:
    if stale:
        yield f"{stale:,} of {offers:,} prices are older than {WARNED_STALE_DAYS} days: sextant catalog sync"
    if disputed:
        yield f"{disputed:,} prices differ by more than 1 % between sources: sextant catalog drift"
    if doubted:
        yield f"{doubted} prices look wrong by their distance from peers"
    for source in sources:
        if source.outcome in {"failed", "held"}:
            yield f"{source.origin}: last sync {source.outcome}: {source.detail}"


def _days(source_date: str, today: date) -> int | None:
    try:
        return (today - date.fromisoformat(source_date)).days
    except ValueError:
        return None
