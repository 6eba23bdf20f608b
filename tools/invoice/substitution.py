"""Other models of at least equal quality for the task: always marked as a substitution, never counted."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from knowledge.facts import ApiPrice, ModelQuality
from tools.invoice.ledger import Component
from tools.invoice.money import exact_sum
from tools.invoice.names import model_name, same_weights
from tools.invoice.period import Period
from tools.invoice.prices import PricedModel, PriceIndex, context_of
from tools.invoice.records import Alternative
from tools.invoice.repricing import alternative, cost_at
from tools.quality.comparison import ranking_score

SUBSTITUTES_LISTED = 2


class Substitutes:
    """Looks for cheaper models whose quality score for one task is at least that of the billed model."""

    def __init__(self, prices: PriceIndex, quality: Mapping[tuple[str, str], ModelQuality], task: str) -> None:
        self._prices = prices
        self._task = task
        self._scores = {
            same_weights(model_name(model_id)): held for (model_id, of_task), held in quality.items() if of_task == task
        }
        self._sold: list[tuple[float, PricedModel]] | None = None

    def ways(self, components: Sequence[Component], period: Period) -> list[Alternative]:
        """The cheapest substitutes; none where the quality of the billed model is unknown."""
        match = components[0].match
        own = self._scores.get(same_weights(model_name(match.model)))
        if own is None or match.workload != "llm":
            return []
        billed = self._prices.find(match.listed_by, match.model)
        spend = exact_sum([component.amount_usd for component in components])
        found: dict[str, Alternative] = {}
        for score, other in self._candidates():
            weights = same_weights(other.name)
            if score < own.score or weights == same_weights(model_name(match.model)):
                continue
            priced = cost_at(other, components)
            if priced is None or priced[0] >= spend:
                continue
            way = self._way(billed, other, (score, own.score), spend - priced[0], period=period, rows=priced[1])
            if weights not in found or way.saving_usd > found[weights].saving_usd:
                found[weights] = way
        return sorted(found.values(), key=lambda way: (-way.saving_usd, way.title))[:SUBSTITUTES_LISTED]

    def _candidates(self) -> list[tuple[float, PricedModel]]:
        if self._sold is None:
            self._sold = [
                (ranking_score(held), model)
                for model in self._prices.models()
                if model.workload == "llm" and (held := self._scores.get(same_weights(model.name)))
            ]
        return self._sold

    def _way(
        self,
        billed: PricedModel | None,
        other: PricedModel,
        scores: tuple[float, float],
        saving: Decimal,
        *,
        period: Period,
        rows: Sequence[ApiPrice],
    ) -> Alternative:
        score, own = scores
        conditions = ["the answers of another model are good enough; the token counts are taken as equal"]
        before, after = context_of(billed), context_of(other)
        if before and after and after < before:
            conditions.append(f"no prompt needs more than {after:,} tokens of context (now {before:,})")
        if any(row.confidence != "official" for row in rows):
            conditions.append("one source only states the price there: check it first")
        task = self._task.replace("_", " ")
        return alternative(
            "substitution",
            f"another model: {other.model_key} at {other.provider}",
            f"test it on your own cases first; published scores for {task}: {score:.0f} against {own:.0f} of 100",
            saving=saving,
            period=period,
            rows=rows,
            confidence="low",
            condition="; ".join(conditions),
            substitution=True,
            details={
                "provider": other.provider,
                "model": other.model_key,
                "quality": round(score, 1),
                "quality_now": round(own, 1),
            },
        )
