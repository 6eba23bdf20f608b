"""The same model at the same seller, billed another way: batch, tier, flex, shorter prompts, global endpoint, cache."""

from collections.abc import Sequence
from decimal import Decimal

from knowledge.facts import ApiPrice
from tools.invoice.ledger import Component
from tools.invoice.money import EXACT, ZERO, exact_sum
from tools.invoice.period import Period
from tools.invoice.prices import PricedModel, long_context_threshold
from tools.invoice.records import Alternative
from tools.invoice.repricing import alternative, less

CACHED_SHARE = Decimal("0.1")

_Change = tuple[Decimal, ApiPrice]


def ways(components: Sequence[Component], model: PricedModel, period: Period) -> list[Alternative | None]:
    """Every other way of billing that this usage could have, None where there is none."""
    return [
        _batch(components, model, period),
        _tier(components, model, period),
        _flex(components, model, period),
        _short_prompts(components, model, period),
        _global_endpoint(components, model, period),
        _cache(components, model, period),
    ]


def _batch(components: Sequence[Component], model: PricedModel, period: Period) -> Alternative | None:
    changes = [less(model, c, mode="batch") for c in components if c.match.subject.mode == "per_token"]
    title = f"the batch API of {model.provider} for {model.model_key}"
    how = "send what can wait through the batch API; the figure is for all of it"
    return _way("batch", title, how, condition="the work can wait up to 24 hours", changes=changes, period=period)


def _tier(components: Sequence[Component], model: PricedModel, period: Period) -> Alternative | None:
    dearer = ("priority", "ultrafast", "fast", "balanced")
    changes = [less(model, c, mode="per_token") for c in components if c.match.subject.mode in dearer]
    title = f"the standard tier of {model.provider} for {model.model_key}"
    how = "ask for the dearer tier only where its latency is needed; the figure is for all of it"
    return _way("tier", title, how, condition="the lower latency is not needed", changes=changes, period=period)


def _flex(components: Sequence[Component], model: PricedModel, period: Period) -> Alternative | None:
    changes = [less(model, c, mode="flex") for c in components if c.match.subject.mode == "per_token"]
    title = f"the flex tier of {model.provider} for {model.model_key}"
    how = "ask for the flex tier where nobody waits; the figure is for all of it"
    return _way(
        "flex", title, how, condition="slower answers and retries are acceptable", changes=changes, period=period
    )


def _short_prompts(components: Sequence[Component], model: PricedModel, period: Period) -> Alternative | None:
    changes = [less(model, c, short=True) for c in components if c.match.subject.long_context]
    threshold = long_context_threshold(model) or "the threshold of"
    title = f"prompts of {model.model_key} below {threshold} tokens"
    how = "cut or retrieve instead of sending everything: above it, every token of the request costs more"
    return _way(
        "long_context",
        title,
        how,
        condition=f"every prompt fits into {threshold} tokens",
        changes=changes,
        period=period,
    )


def _global_endpoint(components: Sequence[Component], model: PricedModel, period: Period) -> Alternative | None:
    regional = [c for c in components if c.match.subject.region not in {"", "global"}]
    changes = [less(model, c, region="global") for c in regional if c.match.quote and c.match.quote.region != "global"]
    title = f"the global endpoint of {model.provider} for {model.model_key}"
    how = "call the global inference profile instead of the regional one"
    return _way(
        "region", title, how, condition="requests may be processed in any region", changes=changes, period=period
    )


def _cache(components: Sequence[Component], model: PricedModel, period: Period) -> Alternative | None:
    """What a tenth of the prompt read from the cache would save, where no cached tokens were billed at all."""
    if any((c.match.subject.direction or "").startswith("cache") for c in components):
        return None
    plain = [c for c in components if c.match.subject.direction == "input" and c.match.subject.mode == "per_token"]
    full = [less(model, c, direction="cache_read") for c in plain]
    changes = [(EXACT.multiply(change[0], CACHED_SHARE), change[1]) for change in full if change]
    title = f"prompt caching of {model.provider} for {model.model_key}: no cached tokens were billed"
    how = "put what repeats (instructions, documents, history) first in the prompt, marked where the API asks for it"
    condition = "10 % of the prompt tokens repeat; more saves more, and writing to the cache may cost extra"
    return _way("cache", title, how, condition=condition, changes=changes, period=period, confidence="low")


def _way(
    kind: str,
    title: str,
    how: str,
    *,
    condition: str,
    changes: Sequence[_Change | None],
    period: Period,
    confidence: str = "",
) -> Alternative | None:
    positive = [change for change in changes if change and change[0] > ZERO]
    if not positive:
        return None
    return alternative(
        kind,
        title,
        how,
        saving=exact_sum([saving for saving, _ in positive]),
        period=period,
        rows=[row for _, row in positive],
        condition=condition,
        confidence=confidence,
    )
