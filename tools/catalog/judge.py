"""The rules of a ranking, applied to one candidate: it fits with a price and a score, or it is out with a reason."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from knowledge.store.offer import GPU
from tools.catalog.candidates import Candidate
from tools.catalog.query import BLEND, MADE, PENALTY, Query
from tools.units import Unit, convertible, factor, parse_unit

MONTH_HOURS = 730.0


class Ranked(NamedTuple):
    """An offer that fits. `unit_usd` is the price compared (blended where several parts are billed), per `unit`;
    `score` is what it is ordered by. `replicas` is None where no throughput is known or needed.
    """

    candidate: Candidate
    unit_usd: float
    unit: str
    monthly_usd: float | None
    penalty: float
    score: float
    replicas: int | None
    notes: tuple[str, ...]


class Excluded(NamedTuple):
    """An offer that was left out, by which rule, and with which figure."""

    candidate: Candidate
    rule: str
    detail: str
    value: float | None = None


class Judge:
    """The rules of one query, prepared once."""

    def __init__(self, query: Query, listed: Unit | None = None) -> None:
        self.query = query
        self.listed = listed
        self.reference = query.reference
        self.schedule = query.wanted_schedule
        self.words = query.model.lower().replace("-", " ").replace("_", " ").replace("/", " ").split()
        self.by_dimension: dict[str, float | None] = {}
        self.usage = {
            name: float(factor(quantity.unit, self.reference, query.assumptions) * _exact(quantity.amount))
            for name, quantity in query.usage.items()
        }
        self.parts = tuple(self.usage.items())
        self.used = sum(self.usage.values())

    def judge(self, candidate: Candidate) -> Ranked | Excluded:
        if out := self._filtered(candidate):
            return Excluded(candidate, out[0], out[1])
        ratio = self._ratio(candidate)
        if ratio is None:
            return Excluded(candidate, "unit", f"priced per {candidate.unit}, compared per {self.reference}")
        if self.listed and candidate.rates[0].offer.unit_name != self.listed.name:
            return Excluded(candidate, "unit", f"listed per {candidate.rates[0].offer.unit_name}, not {self.listed}")
        priced = self._priced(candidate, ratio)
        if isinstance(priced, str):
            return Excluded(candidate, "price part unknown", priced)
        unit_usd, monthly, notes = priced
        replicas = self._replicas(candidate) if self.query.needed_per_s else None
        if replicas and self.query.workload_type == GPU:
            hours = self.used or MONTH_HOURS
            monthly = candidate.rates[0].offer.unit_price_usd * replicas * hours
        if over := self._over(unit_usd, monthly):
            return Excluded(candidate, *over)
        penalty = PENALTY[candidate.confidence] if self.query.confidence_weighted else 1.0
        score = (monthly if monthly is not None else unit_usd) * penalty
        if self.listed:
            unit_usd *= float(factor(self.listed, self.reference, self.query.assumptions))
        unit = (self.listed or self.reference).name
        return Ranked(candidate, unit_usd, unit, monthly, penalty, score, replicas, tuple(notes))

    def assumptions(self) -> Iterable[str]:
        """What the comparison takes for granted, in words."""
        if self.query.workload_type == "llm" and not self.usage:
            yield "no usage stated: 3 input tokens for 1 output token"
        if self.query.confidence_weighted:
            yield "a price counts 5 % more when only one source knows it, 15 % more when it was estimated"
        for assumption in self.query.assumptions:
            yield assumption.statement
        if self.query.workload_type == GPU and not self.usage and self.query.needed_per_s:
            yield "a machine runs 730 hours a month"

    def _filtered(self, candidate: Candidate) -> tuple[str, str] | None:
        query = self.query
        if query.providers and candidate.provider not in query.providers:
            return "provider", "not among the providers asked for"
        if query.excluded_providers and candidate.provider in query.excluded_providers:
            return "provider", "excluded by name"
        if self.words and not all(word in candidate.names for word in self.words):
            return "model", "another model"
        if candidate.schedule != self.schedule:
            return "schedule", f"{candidate.schedule}, not {self.schedule}"
        if query.regions and candidate.region not in query.regions:
            return "region", candidate.region
        if candidate.marks and (barred := candidate.marks - query.include):
            return min(barred), f"marked {', '.join(sorted(barred)) if len(barred) > 1 else min(barred)}"
        if query.min_context_tokens and (candidate.context_window_tokens or 0) < query.min_context_tokens:
            known = candidate.context_window_tokens
            return "context", f"context of {known} tokens" if known else "context length unknown"
        if query.workload_type in MADE and not {"output", "na"} & candidate.base.keys():
            return "direction", "the price of what is sent in, not of what is made"
        return None

    def _ratio(self, candidate: Candidate) -> float | None:
        """How many of the candidate's units make one unit of the comparison; None where nothing bridges them."""
        if candidate.dimension not in self.by_dimension:
            self.by_dimension[candidate.dimension] = _bridge(candidate, self.reference, self.query)
        return self.by_dimension[candidate.dimension]

    def _priced(self, candidate: Candidate, ratio: float) -> tuple[float, float | None, Sequence[str]] | str:
        if not self.usage:
            unit_usd = self._blended(candidate)
            return (unit_usd * ratio, None, ()) if unit_usd is not None else "has no price for the usual direction"
        notes: list[str] = []
        monthly = 0.0
        for name, amount in self.parts:
            usd = candidate.base.get(name) if self.query.prompt_tokens is None else None
            if usd is None:
                usd = self._part(candidate, name, notes)
            if usd is None:
                return f"no price for {name}"
            monthly += usd * amount
        monthly *= ratio
        return monthly / self.used, monthly, notes

    def _blended(self, candidate: Candidate) -> float | None:
        prompt = self.query.prompt_tokens
        if self.query.workload_type == "llm":
            read, written = candidate.usd("input", prompt), candidate.usd("output", prompt)
            return None if read is None or written is None else BLEND["input"] * read + BLEND["output"] * written
        order = ("output", "na", "input") if self.query.workload_type in MADE else ("na", "input", "output")
        return next((usd for name in order if (usd := candidate.usd(name, prompt)) is not None), None)

    def _part(self, candidate: Candidate, name: str, notes: list[str]) -> float | None:
        usd = candidate.usd(name, self.query.prompt_tokens)
        if usd is None and name == "na":
            return self._blended(candidate)
        if usd is None and name in {"cache_read", "cache_write"}:
            usd = candidate.usd("input", self.query.prompt_tokens)
            if usd is not None:
                notes.append(f"price of {name} unknown: the input price was charged")
        return usd

    def _replicas(self, candidate: Candidate) -> int | None:
        offer = candidate.rates[0].offer
        per_card = self.query.throughput_per_s.get(candidate.model_key)
        rate = per_card * (offer.gpu_count or 1) if per_card else offer.output_tok_s
        return ceil((self.query.needed_per_s or 0.0) / rate) if rate else None

    def _over(self, unit_usd: float, monthly: float | None) -> tuple[str, str, float] | None:
        most = self.query.max_monthly_usd
        if most is not None and monthly is not None and monthly > most:
            return "budget", f"{monthly:.2f} USD a month, over {most:.2f}", monthly
        if self.query.max_unit_usd is not None and unit_usd > self.query.max_unit_usd:
            return "unit price", f"{unit_usd:g} USD per {self.reference}, over {self.query.max_unit_usd:g}", unit_usd
        return None


def _exact(amount: object) -> Fraction:
    return Fraction(str(amount))


def _bridge(candidate: Candidate, reference: Unit, query: Query) -> float | None:
    if candidate.unit == reference.name:
        return 1.0
    if candidate.dimension == "unknown":
        return None
    unit = parse_unit(candidate.unit)
    return (
        float(factor(reference, unit, query.assumptions)) if convertible(reference, unit, query.assumptions) else None
    )
