"""What the facts lack or let grow old, as plain functions over a snapshot."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from statistics import median

from knowledge.facts import ApiPrice, CardPrice, Instance
from knowledge.snapshot import Snapshot

STALE_AFTER_DAYS = 180


@dataclass(frozen=True, slots=True)
class Freshness:
    """Age in days of one group of prices; `stale` counts the rows older than `STALE_AFTER_DAYS`."""

    group: str
    rows: int
    newest_days: int
    median_days: int
    oldest_days: int
    stale: int


@dataclass(frozen=True, slots=True)
class Health:
    """What to mend first. Each list holds ids in order of the alphabet."""

    models_without_benchmarks: tuple[str, ...]
    models_without_quality: tuple[str, ...]
    benchmarked_accelerators_without_price: tuple[str, ...]
    rented_accelerators_without_facts: Mapping[str, int]
    freshness: tuple[Freshness, ...]


def models_without_benchmarks(snapshot: Snapshot) -> tuple[str, ...]:
    """Open models for which no measured point stands in the facts: their latency is modelled only."""
    measured = {row.arch_model_id or row.model_id for row in snapshot.benchmarks}
    return tuple(sorted(set(snapshot.models) - measured))


def models_without_quality(snapshot: Snapshot) -> tuple[str, ...]:
    """Open models of which no published score is known at all."""
    scored = {model_id for model_id, _ in snapshot.quality}
    return tuple(sorted(set(snapshot.models) - scored))


def benchmarked_accelerators_without_price(snapshot: Snapshot) -> tuple[str, ...]:
    """Accelerators with measured points that can be neither rented nor bought by the facts."""
    priced = {row.gpu_type for row in snapshot.instances} | set(snapshot.cards)
    return tuple(sorted({row.gpu_type for row in snapshot.benchmarks} - priced))


def rented_accelerators_without_facts(snapshot: Snapshot) -> Mapping[str, int]:
    """Accelerators that are rented but not planned for, with their number of offers."""
    counts = Counter(row.gpu_type for row in snapshot.instances if row.gpu_type not in snapshot.accelerators)
    return dict(sorted(counts.items()))


def days_since(source_date: str, as_of: date) -> int:
    """Age in days of an ISO date."""
    return (as_of - date.fromisoformat(source_date)).days


def freshness(
    rows: Iterable[ApiPrice | Instance | CardPrice],
    group: Callable[[ApiPrice | Instance | CardPrice], str],
    *,
    as_of: date,
) -> tuple[Freshness, ...]:
    """Ages of prices by `group`, the oldest group first."""
    ages: dict[str, list[int]] = {}
    for row in rows:
        ages.setdefault(group(row), []).append(days_since(row.source_date, as_of))
    found = (
        Freshness(
            name, len(days), min(days), round(median(days)), max(days), sum(age > STALE_AFTER_DAYS for age in days)
        )
        for name, days in ages.items()
    )
    return tuple(sorted(found, key=lambda entry: (-entry.median_days, entry.group)))


def health(snapshot: Snapshot, *, as_of: date) -> Health:
    """Every check at once; prices are grouped by the source they were read from."""
    priced: tuple[ApiPrice | Instance | CardPrice, ...] = (
        *snapshot.api_prices,
        *snapshot.instances,
        *snapshot.cards.values(),
    )
    return Health(
        models_without_benchmarks(snapshot),
        models_without_quality(snapshot),
        benchmarked_accelerators_without_price(snapshot),
        rented_accelerators_without_facts(snapshot),
        freshness(priced, lambda row: row.source_kind, as_of=as_of),
    )
