"""What a bill could save: like with like per model and seller, one headline each, never the same line twice."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from knowledge.facts import ModelQuality
from tools.invoice import alternatives, rental_savings
from tools.invoice.ledger import Component, Ledger
from tools.invoice.matching import Catalog
from tools.invoice.money import ZERO, exact_sum
from tools.invoice.period import Period
from tools.invoice.records import Alternative, Finding
from tools.invoice.substitution import Substitutes

# The dearest items get the whole search; a hostile or endless bill must not make it endless.
EXAMINED = 200
DEEPLY_EXAMINED = 25
COMPONENTS_EXAMINED = 60
# Below this no rented card is cheaper: asking the planner would be in vain.
LEAST_MONTHLY_FOR_HOSTING_USD = Decimal(100)
ALTERNATIVES_KEPT = 8
COUNTED_KINDS = ("above_list", "other_provider")


@dataclass(frozen=True, slots=True)
class SelfHostQuery:
    """Monthly tokens of one open model, for the planner to price as a deployment of one's own."""

    model_id: str
    input_tokens_per_month: float
    output_tokens_per_month: float


@dataclass(frozen=True, slots=True)
class SelfHostOffer:
    """What the planner found: its monthly cost and what it consists of."""

    monthly_usd: Decimal
    title: str
    how: str


SelfHost = Callable[[SelfHostQuery], SelfHostOffer | None]


@dataclass(frozen=True, slots=True)
class Advice:
    """Where to look for savings beyond prices: qualities by (model, task), the task, open models, the planner."""

    quality: Mapping[tuple[str, str], ModelQuality]
    task: str
    open_models: Mapping[str, str]
    self_host: SelfHost | None = None


def find_savings(ledger: Ledger, catalog: Catalog, period: Period, advice: Advice) -> tuple[Finding, ...]:
    """Findings ranked by monthly saving; the sum of the counted ones is at most what was spent on their lines."""
    bundles: dict[str, list[Component]] = defaultdict(list)
    for component in ledger.components.values():
        bundles[component.match.bundle].append(component)
    ranked = sorted(bundles.items(), key=lambda item: (-_spend(item[1]), item[0]))
    substitutes = Substitutes(catalog.api, advice.quality, advice.task)
    findings = []
    for place, (name, components) in enumerate(ranked[:EXAMINED]):
        dearest = sorted(components, key=lambda c: (-c.amount_usd, c.match.component))[:COMPONENTS_EXAMINED]
        ordered = sorted(dearest, key=lambda component: component.match.component)
        deep = place < DEEPLY_EXAMINED
        finding = _finding(
            name, ordered, catalog, period=period, advice=advice, substitutes=substitutes if deep else None
        )
        if finding:
            findings.append(finding)
    return tuple(sorted(findings, key=lambda f: (not f.counted, -f.headline.monthly_usd, f.bundle)))


def _finding(
    name: str,
    components: Sequence[Component],
    catalog: Catalog,
    *,
    period: Period,
    advice: Advice,
    substitutes: Substitutes | None,
) -> Finding | None:
    spend = _spend(components)
    if spend <= 0:
        return None
    if components[0].match.workload == "gpu":
        found = rental_savings.ways(components, catalog.rentals, period)
    else:
        found = _while_sold(alternatives.ways(components, catalog.api, period), components)
        if substitutes:
            found += substitutes.ways(components, period)
            found += _self_hosting(components, spend, period, advice)
    worthwhile = [way for way in found if alternatives.is_worthwhile(way.saving_usd, spend)]
    if not worthwhile:
        return None
    headline = max(worthwhile, key=lambda way: (_standing(way), way.saving_usd))
    others = sorted((way for way in worthwhile if way is not headline), key=lambda way: (-way.saving_usd, way.title))
    first = components[0].match
    return Finding(
        bundle=name,
        provider=first.provider,
        model=first.model,
        spend_usd=spend,
        lines=sum(component.lines for component in components),
        first_lines=tuple(sorted(line for component in components for line in component.first_lines)[:5]),
        headline=headline,
        counted=_standing(headline) == 2,
        estimated=any(component.estimated for component in components),
        alternatives=tuple(others[:ALTERNATIVES_KEPT]),
    )


def _while_sold(ways: Sequence[Alternative], components: Sequence[Component]) -> list[Alternative]:
    """The ways that a model's end leaves: none at a seller who retired it, a word of warning where that will come."""
    quotes = [component.match.quote for component in components if component.match.quote]
    retired = max((quote.retired for quote in quotes), default="")
    retires = max((quote.retires for quote in quotes), default="")
    seller = components[0].match.provider
    left = []
    for way in ways:
        stays = way.kind not in {"above_list", "other_provider"}
        if stays and retired:
            continue
        end = f"{seller} retires the model on {retires}" if stays and retires else ""
        if way.kind == "other_provider" and retired:
            end = f"{seller} retired the model on {retired}: check that it is still sold there"
        left.append(replace(way, condition="; ".join(filter(None, (way.condition, end)))))
    return left


def _standing(way: Alternative) -> int:
    """2: nothing changes but the price; 1: the same model under a condition; 0: another model, or own hardware."""
    if way.kind in COUNTED_KINDS and not way.condition:
        return 2
    return 0 if way.substitution or way.kind in {"self_hosting", "other_cloud"} else 1


def _spend(components: Sequence[Component]) -> Decimal:
    return exact_sum([component.amount_usd for component in components])


def _self_hosting(components: Sequence[Component], spend: Decimal, period: Period, advice: Advice) -> list[Alternative]:
    hub_id = alternatives.open_model(components[0], advice.open_models)
    tokens = alternatives.tokens_by_direction(components)
    worth_asking = period.monthly(spend) >= LEAST_MONTHLY_FOR_HOSTING_USD
    if advice.self_host is None or hub_id is None or not tokens or not worth_asking:
        return []
    monthly = {direction: float(period.monthly(count)) for direction, count in tokens.items()}
    offer = advice.self_host(SelfHostQuery(hub_id, monthly.get("input", 0.0), monthly.get("output", 0.0)))
    if offer is None:
        return []
    saving = spend - period.share(offer.monthly_usd)
    if saving <= ZERO:
        return []
    return [
        Alternative(
            kind="self_hosting",
            title=f"run {hub_id} yourself: {offer.title}",
            how=offer.how,
            saving_usd=saving,
            monthly_usd=period.monthly(saving),
            confidence="low",
            condition="the planner's estimate at this volume, without the work of running it",
        )
    ]
