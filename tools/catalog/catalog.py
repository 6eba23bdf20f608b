"""The catalog as a program uses it: one store, one day; what was worked out is kept for the next question."""

import re
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from knowledge.errors import NotFound
from knowledge.snapshot import Snapshot
from knowledge.store.database import PriceEvent, Store
from knowledge.store.offer import Offer, model_slug, slug
from tools.catalog.candidates import Candidate, candidates, marks_of
from tools.catalog.plausibility import normalized
from tools.catalog.query import Query
from tools.catalog.rank import Ranking, rank


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything known of one price: what each source says, in which the first is shown, and how it moved."""

    offer: Offer
    layers: tuple[tuple[str, Offer, bool], ...]
    history: tuple[PriceEvent, ...]


class Catalog:
    """Answers about the prices of one store; serves one thread at a time."""

    def __init__(self, store: Store, snapshot: Snapshot, today: date) -> None:
        self.store = store
        self.snapshot = snapshot
        self.today = today
        self._candidates: dict[tuple[str, str], list[Candidate]] = {}

    @property
    def version(self) -> str:
        """Version of the facts and of the prices together: a sync makes a new one."""
        return f"{self.snapshot.version}+{self.store.digest}"

    def candidates(self, workload_type: str) -> list[Candidate]:
        """What a buyer of this workload chooses between; worked out once per state of the store."""
        key = (workload_type, self.store.digest)
        if key not in self._candidates:
            self._candidates = {held: kept for held, kept in self._candidates.items() if held[1] == key[1]}
            self._candidates[key] = candidates(self.store.offers(workload_type=workload_type), self.today)
        return self._candidates[key]

    def rank(self, query: Query) -> Ranking:
        """Rank the offers of one workload."""
        return rank(self.candidates(query.workload_type), query)

    def search(self, text: str, limit: int = 20, *, workload_type: str | None = None) -> list[Offer]:
        """Find offers by the words of seller, model and SKU; the very model and current offers come first."""
        found = self.store.search(text, limit=max(limit * 5, 100))
        if workload_type:
            found = [offer for offer in found if offer.workload_type == workload_type]
        named = slug(text, "-")
        return sorted(found, key=lambda offer: (offer.model_slug != named, len(marks_of(offer, self.today))))[:limit]

    def show(self, name: str) -> list[Sheet]:
        """Return every price of a SKU or of a model, as each source gives it. Raises `NotFound` with near names."""
        offers = self.store.offers(sku_key=name) or self.store.offers(model_key=name)
        if not offers:
            offers = self.store.offers(model_slug=model_slug(name))
        if not offers:
            raise NotFound("price or model", name, self._near(name))
        offers.sort(key=lambda offer: (offer.provider, offer.model_key, offer.region, offer.sku_key))
        return [
            Sheet(offer, tuple(self.store.layers(offer.sku_key)), tuple(self.store.history(offer.sku_key)))
            for offer in offers
        ]

    def days_old(self, source_date: str) -> int | None:
        """Days from the date of a source until today; None where the source has no date."""
        try:
            return (self.today - date.fromisoformat(source_date)).days
        except ValueError:
            return None

    def record(self, offer: Offer) -> dict[str, object]:
        """Return an offer as JSON: its price, the price in the unit to compare in, and where it is from."""
        price = normalized(offer)
        return {
            "provider": offer.provider,
            "workload_type": offer.workload_type,
            "sku_key": offer.sku_key,
            "sku_name": offer.sku_name,
            "model_key": offer.model_key,
            "billing_mode": offer.billing_mode,
            "direction": offer.direction,
            "unit_price_usd": offer.unit_price_usd,
            "unit_name": offer.unit_name,
            "normalized_price_usd": price and price[0],
            "normalized_unit": price and price[1],
            "region": offer.region,
            "gpu_count": offer.gpu_count,
            "context_window_tokens": offer.context_window_tokens,
            "confidence": offer.confidence,
            "corroborated_by": list(offer.corroborated_by),
            "flags": list(offer.flags),
            "marks": sorted(marks_of(offer, self.today)),
            "source_kind": offer.source_kind,
            "source_url": offer.source_url,
            "source_date": offer.source_date,
            "days_old": self.days_old(offer.source_date),
            "last_verified": offer.last_verified,
        }

    def _near(self, name: str) -> tuple[str, ...]:
        found = self.store.search(name, limit=30) or self.store.search(re.split(r"[-_/ ]", name)[0], limit=200)
        names = list(dict.fromkeys(offer.model_key for offer in found))
        return tuple(get_close_matches(name, names, n=3, cutoff=0.3) or names[:3])
