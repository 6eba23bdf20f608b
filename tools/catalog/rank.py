"""Rank like with like: one workload, one unit, one schedule; every offer left out is counted with its reason."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from heapq import nsmallest
from operator import attrgetter

from knowledge.errors import BadInput
from knowledge.store.offer import GPU
from tools.catalog.candidates import Candidate
from tools.catalog.judge import Excluded, Judge, Ranked
from tools.catalog.query import Query
from tools.units import Unit, parse_unit


@dataclass(frozen=True, slots=True)
class Relaxation:
    """What to change so that offers come back, and how many it would bring."""

    change: str
    offers: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Offers in order, all that were excluded, and what would help when nothing is left."""

    query: Query
    unit: str
    offers: tuple[Ranked, ...]
    considered: int
    excluded: tuple[Excluded, ...]
    relaxations: tuple[Relaxation, ...]
    assumptions: tuple[str, ...]

    @property
    def exclusions(self) -> Mapping[str, int]:
        """Count of the excluded by rule, the most frequent first."""
        return dict(Counter(row.rule for row in self.excluded).most_common())


_ORDER = attrgetter("score", "unit_usd", "penalty")


def rank(candidates: Sequence[Candidate], query: Query) -> Ranking:
    """Rank the candidates of one workload. Ties are broken by price and confidence, then by seller and model."""
    judge = Judge(query, _listed_unit(candidates, query) if query.raw else None)
    fitting: list[Ranked] = []
    excluded: list[Excluded] = []
    for candidate in candidates:
        result = judge.judge(candidate)
        if isinstance(result, Ranked):
            fitting.append(result)
        else:
            excluded.append(result)
    best = nsmallest(query.limit, fitting, key=_ORDER)  # ties stay in the order of seller and model
    return Ranking(
        query=query,
        unit=(judge.listed or judge.reference).name,
        offers=tuple(best),
        considered=len(candidates),
        excluded=tuple(excluded),
        relaxations=() if fitting else tuple(_relaxations(query, excluded)),
        assumptions=tuple(judge.assumptions()),
    )


def _listed_unit(candidates: Sequence[Candidate], query: Query) -> Unit | None:
    """Return the unit that raw prices are compared in: the one asked for, else the commonest of the dimension."""
    if query.workload_type == GPU:
        return None  # an hour of one machine is no unit that two machines share
    if query.unit:
        return query.unit
    dimension = query.reference.dimension
    names = Counter(row.rates[0].offer.unit_name for row in candidates if row.dimension == dimension)
    return parse_unit(names.most_common(1)[0][0], query.workload_type) if names else None


def _relaxations(query: Query, excluded: Sequence[Excluded]) -> Iterable[Relaxation]:
    """Give up each limit alone. Only what that limit threw out can come back: all else fails an earlier rule."""
    for rule, words, unit in (("budget", "monthly budget", ".2f"), ("unit price", "unit price limit", "g")):
        over = sorted(row.value for row in excluded if row.rule == rule and row.value is not None)
        if over:
            yield Relaxation(f"raise the {words} to {over[0]:{unit}} USD", over.count(over[0]))
    for rule, change, looser in _loosened(query, excluded):
        judge = Judge(looser)
        count = sum(isinstance(judge.judge(row.candidate), Ranked) for row in excluded if row.rule == rule)
        if count:
            yield Relaxation(change, count)


def _loosened(query: Query, excluded: Sequence[Excluded]) -> Iterable[tuple[str, str, Query]]:
    """Yield (rule, change in words, the query without it)."""
    yield "provider", "ask every provider", replace(query, providers=frozenset(), excluded_providers=frozenset())
    yield "region", "ask every region", replace(query, regions=frozenset())
    yield "model", "name another model", replace(query, model="")
    yield "context", "accept a shorter context", replace(query, min_context_tokens=None)
    for mark in sorted({row.rule for row in excluded} & {mark for row in excluded for mark in row.candidate.marks}):
        yield mark, f"admit offers marked {mark}", replace(query, include=query.include | {mark})
    for schedule in sorted({row.candidate.schedule for row in excluded if row.rule == "schedule"}):
        yield "schedule", f"ask for {schedule} prices", replace(query, schedule=schedule)
    if not query.usage:
        for unit in sorted({row.candidate.unit for row in excluded if row.rule == "unit"}):
            with suppress(BadInput):
                yield "unit", f"compare per {unit}", replace(query, unit=parse_unit(unit))
