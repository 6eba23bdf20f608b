"""What the catalog says about a line: the same model of the same seller, in the same direction, mode and region."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import median

from knowledge.facts import ApiPrice
from tools.invoice.money import EXACT
from tools.invoice.prices import PricedModel, PriceIndex, flagged_day, price_of, region_of, rows_for, unit_named
from tools.invoice.records import Match, PriceQuote, Subject
from tools.invoice.rental import Rental, RentalIndex, cards_in, prices_usd
from tools.invoice.wording import read_wording
from tools.units import Unit, factor

KEPT_APART = {
    "tax": "tax: kept apart, not compared",
    "credit": "credit or discount: kept apart, not compared",
    "refund": "refund or negative charge: kept apart, not compared",
    "commitment": "commitment (reservation, savings plan, prepaid): kept apart, not compared",
    "subscription": "subscription or plan fee: no price per unit to compare",
    "fee": "fee or rounding: no price per unit to compare",
    "total": "a total or subtotal row: recognised and not counted",
    "empty": "no usage and no amount",
}
_MATCHES_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Catalog:
    """The prices a bill is compared with."""

    api: PriceIndex
    rentals: RentalIndex


class Matcher:
    """Matches subjects with the catalog; a subject that comes again costs a look-up."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._by_subject: dict[Subject, Match] = {}
        self._by_identity: dict[int, tuple[Subject, Match]] = {}

    def match(self, subject: Subject) -> Match:
        """What the catalog says about this subject."""
        held = self._by_identity.get(id(subject))  # readers hand out one object per subject; hashing it costs more
        if held is not None and held[0] is subject:
            return held[1]
        match = self._by_subject.get(subject)
        if match is None:
            if len(self._by_subject) >= _MATCHES_REMEMBERED:
                self._by_subject.clear()
            match = self._by_subject[subject] = self._matched(subject)
        if len(self._by_identity) >= _MATCHES_REMEMBERED:
            self._by_identity.clear()
        self._by_identity[id(subject)] = (subject, match)
        return match

    def _matched(self, subject: Subject) -> Match:
        provider = self._catalog.api.provider_id(subject.provider)
        if subject.kind != "usage":
            return self._unmatched(subject, provider, subject.kind, subject.reason or KEPT_APART[subject.kind])
        if subject.instance:
            return self._rental(subject, provider)
        if subject.reason:
            return self._unmatched(subject, provider, _code_of(subject.reason), subject.reason)
        if not provider:
            reason = f"unknown provider {subject.provider[:40]!r}" if subject.provider else "the line names no provider"
            return self._unmatched(subject, "", "unknown_provider", reason)
        if not subject.model:
            return self._range(subject, provider)
        return self._api(subject, provider)

    def _api(self, subject: Subject, provider: str) -> Match:
        near: Match | None = None
        for member in self._catalog.api.family(provider):
            model = self._catalog.api.find(member, subject.model)
            if model is None:
                continue
            match = self._priced(subject, provider, model)
            if match.matched:
                return match
            near = near or match
        if near:
            return near
        reason = f"no model of {provider} is named {subject.model[:60]!r} in the catalog"
        return self._unmatched(subject, provider, "unknown_model", reason, model=subject.model)

    def _priced(self, subject: Subject, provider: str, model: PricedModel) -> Match:
        unit = _billed_unit(subject.unit, model.workload)
        if unit is None:
            reason = f"unit {subject.unit[:40]!r} is unknown" if subject.unit else "the line states no unit"
            return self._unmatched(subject, provider, "unit", reason, model=model.model_key, workload=model.workload)
        rows = _rows_of(model, subject, unit.dimension, subject.region)
        if not rows:
            reason = _why_no_row(model, subject, unit)
            return self._unmatched(
                subject, provider, "no_price", reason, model=model.model_key, workload=model.workload
            )
        quote = _quote(rows)
        if not subject.region:
            quote = replace(quote, in_regions=_in_regions(model, subject, quote))
        priced = unit_named(rows[0].unit_name, rows[0].workload_type)
        match = _with_quote(subject, provider, model.model_key, model.workload, quote=quote, unit=unit, priced=priced)
        return replace(match, listed_by=model.provider)

    def _range(self, subject: Subject, provider: str) -> Match:
        """A line without a model: the range of the provider's prices for this workload and unit, never a match."""
        workload = subject.workload or "llm"
        unit = _billed_unit(subject.unit, workload)
        rows = [
            row
            for row in self._catalog.api.of_workload(provider, workload)
            if unit and (priced := unit_named(row.unit_name, workload)) and priced.dimension == unit.dimension
        ]
        if unit is None or not rows:
            what = f"{workload} by {subject.unit[:40]!r}" if unit else f"unit {subject.unit[:40]!r} is unknown"
            reason = f"model unknown, and {provider} has no price of {what}" if unit else what
            return self._unmatched(subject, provider, "model_unknown" if unit else "unit", reason, workload=workload)
        first = unit_named(rows[0].unit_name, workload)
        assert first is not None  # noqa: S101  the row was chosen by its unit
        quote = _range_quote(rows, first, workload, provider)
        match = _with_quote(subject, provider, "", workload, quote=quote, unit=unit, priced=first)
        return replace(match, code="model_unknown", reason="the line names no model")

    def _rental(self, subject: Subject, provider: str) -> Match:
        rentals = self._catalog.rentals
        cloud = rentals.cloud_of(provider, subject.provider)
        rental = rentals.find(cloud, subject.instance, subject.region) if cloud else None
        if rental is None:
            hours = replace(subject, instance="", model=read_wording(subject.instance).rest, mode="per_token")
            if provider and (match := self._api(hours, provider)).matched:
                return match  # hours of speech, not of a machine
            if not rentals.is_accelerated(subject.instance):
                reason = f"{subject.instance[:40]} is not a machine with an accelerator"
                return self._unmatched(subject, cloud or provider, "not_ai", reason)
            reason = (
                f"no price of {subject.instance[:60]!r} at {subject.provider[:40] or 'the provider'} in the catalog"
            )
            return self._unmatched(
                subject, cloud or provider, "unknown_model", reason, model=subject.instance, workload="gpu"
            )
        unit = _billed_unit(subject.unit, "gpu")
        if unit is None:
            return self._unmatched(
                subject, cloud, "unit", f"unit {subject.unit[:40]!r} is unknown", model=rental.title, workload="gpu"
            )
        by_card = unit.dimension == "gpu_second"
        cards = 1 if by_card else (cards_in(subject.instance) if rental.per_card else None)
        prices = prices_usd(rental, subject.mode, cards)
        price_unit = unit_named("gpu_hour" if by_card else "instance_hour", "gpu")
        if not prices or price_unit is None or price_unit.dimension != unit.dimension:
            reason = (
                f"the catalog has no {subject.mode.replace('_', ' ')} price of {rental.title} by {subject.unit[:20]}"
            )
            return self._unmatched(subject, cloud, "no_price", reason, model=rental.title, workload="gpu")
        quote = _rental_quote(rental, prices, price_unit.name)
        return _with_quote(subject, cloud, rental.title, "gpu", quote=quote, unit=unit, priced=price_unit)

    @staticmethod
    def _unmatched(
        subject: Subject, provider: str, code: str, reason: str, *, model: str = "", workload: str | None = None
    ) -> Match:
        return Match(subject, provider, model, code, reason, workload=workload or subject.workload)


def _rows_of(model: PricedModel, subject: Subject, dimension: str, region: str) -> tuple[ApiPrice, ...]:
    return rows_for(
        model,
        mode=subject.mode,
        direction=subject.direction,
        cache_hours=subject.cache_hours,
        long_context=subject.long_context,
        region=region,
        dimension=dimension,
    )


def _in_regions(model: PricedModel, subject: Subject, quote: PriceQuote) -> tuple[tuple[Decimal, str], ...]:
    """What the same costs in the regions that have prices of their own, per unit of the quote."""
    unit = unit_named(quote.unit, model.workload)
    if unit is None:
        return ()
    found = {
        (_per(row, unit, model.workload), region)
        for region in {region_of(row) for row in model.rows} - {"global"}
        for row in _rows_of(model, subject, unit.dimension, region)
        if region_of(row) == region
    }
    return tuple(sorted(found))


def _with_quote(
    subject: Subject, provider: str, model: str, workload: str, *, quote: PriceQuote, unit: Unit, priced: Unit | None
) -> Match:
    ratio = factor(unit, priced) if priced else None
    per_quantity = None if ratio is None else EXACT.divide(Decimal(ratio.numerator), Decimal(ratio.denominator))
    bundle = f"{provider}/{model}" if model else f"{provider}/({workload}, model unknown)"
    parts = (
        subject.mode,
        subject.direction or "",
        f"{subject.cache_hours}h" if subject.cache_hours else "",
        "long" if subject.long_context else "",
        subject.region,
        priced.dimension if priced else "",
    )
    return Match(
        subject, provider, model, "matched", "", quote, per_quantity, workload, bundle, f"{bundle}|{'|'.join(parts)}"
    )


def _quote(rows: Sequence[ApiPrice]) -> PriceQuote:
    unit = unit_named(rows[0].unit_name, rows[0].workload_type)
    assert unit is not None  # noqa: S101  rows are chosen by their unit
    prices = sorted(((_per(row, unit, row.workload_type), row) for row in rows), key=lambda p: (p[0], p[1].sku_key))
    (low, _), (high, dearest) = prices[0], prices[-1]
    order = ("official", "aggregated", "estimated")
    return PriceQuote(
        low_usd=low,
        high_usd=high,
        unit=rows[0].unit_name,
        sku=dearest.sku_key,
        region=dearest.region,
        source_date=min(row.source_date for row in rows),
        source_url=dearest.source_url,
        confidence=max((row.confidence for row in rows), key=order.index),
        retired=flagged_day(rows, "retired"),
        retires=flagged_day(rows, "retires"),
    )


def _range_quote(rows: Sequence[ApiPrice], unit: Unit, workload: str, provider: str) -> PriceQuote:
    ordinary = [row for row in rows if row.billing_mode in {"per_token", "per_unit"}] or rows
    prices = sorted(_per(row, unit, workload) for row in ordinary)
    return PriceQuote(
        low_usd=prices[0],
        high_usd=prices[-1],
        unit=rows[0].unit_name,
        sku=f"{len(ordinary)} prices of {provider}",
        region="",
        source_date=min(row.source_date for row in ordinary),
        source_url="",
        confidence="range",
        typical_usd=median(prices) or prices[-1],
        floor_usd=min(_per(row, unit, workload) for row in rows),
    )


def _rental_quote(rental: Rental, prices: Sequence[tuple[Decimal, object]], unit: str) -> PriceQuote:
    instances = rental.instances
    return PriceQuote(
        low_usd=prices[0][0],
        high_usd=prices[-1][0],
        unit=unit,
        sku=f"{rental.cloud} {rental.title}",
        region=instances[0].region,
        source_date=min(instance.source_date for instance in instances),
        source_url=instances[0].source_url,
        confidence=min(instances, key=lambda i: ("estimated", "aggregated", "official").index(i.confidence)).confidence,
    )


def _per(row: ApiPrice, unit: Unit, workload: str) -> Decimal:
    own = unit_named(row.unit_name, workload)
    if own is None or own.size == unit.size:
        return price_of(row)
    ratio = factor(unit, own)
    return EXACT.divide(EXACT.multiply(price_of(row), Decimal(ratio.numerator)), Decimal(ratio.denominator))


def _billed_unit(name: str, workload: str) -> Unit | None:
    return unit_named(name, workload) if name else None


def _why_no_row(model: PricedModel, subject: Subject, unit: Unit) -> str:
    dimensions = {unit_named(row.unit_name, row.workload_type) for row in model.rows}
    if unit.dimension not in {known.dimension for known in dimensions if known}:
        priced = ", ".join(sorted({row.unit_name for row in model.rows}))
        return f"{model.model_key} is billed by {unit.name} and priced by {priced}: these cannot be converted"
    how = f"{subject.mode.replace('_', ' ')} {(subject.direction or 'usage').replace('_', ' ')}"
    where = f" in {subject.region}" if subject.region not in {"", "global"} else ""
    return f"the catalog has no price of {model.model_key} for {how}{where}"


def _code_of(reason: str) -> str:
    if "not an AI service" in reason:
        return "not_ai"
    if "not a machine with an accelerator" in reason:
        return "not_ai"
    return "unknown_workload" if reason.startswith("unknown workload") else "no_price"
