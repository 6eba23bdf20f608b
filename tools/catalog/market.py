"""The catalog's current view in the record that the planner reads."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from knowledge.facts import ApiPrice, Instance
from knowledge.snapshot import Snapshot
from knowledge.store.database import BUNDLED, FILE_NAME, Store, open_store
from knowledge.store.offer import GPU, RENTAL_MODES, Offer
from tools.catalog.billing import parse_billing_mode
from tools.catalog.candidates import marks_of
from tools.market import Market

# Tiers that cost more for speed or less for patience; a plan compares ordinary requests and batches.
_TIERS = {"priority", "flex", "balanced", "ultrafast", "decisions"}


def market_at(home: Path, snapshot: Snapshot, today: date) -> Market:
    """Return the prices to plan with: those of the store under `home`, the bundled ones where nothing was synced yet.

    A store that does not exist is not built for it.
    """
    if not (home / FILE_NAME).exists():
        return Market.bundled(snapshot)
    with open_store(home, snapshot) as store:
        return current_market(store, snapshot, today)


def current_market(store: Store, snapshot: Snapshot, today: date) -> Market:
    """Return the prices of the current view. Before the first sync these are the bundled ones, under their digest."""
    if all(source.origin == BUNDLED for source in store.sources()):
        return Market.bundled(snapshot)
    offers = store.offers()
    prices = [offer for offer in offers if offer.workload_type != GPU and _planned(offer, today)]
    return Market(
        instances=tuple(instances(offer for offer in offers if offer.workload_type == GPU)),
        api_prices=tuple(map(api_price, prices)),
        cards=snapshot.cards,
        digest=store.digest,
        as_of=max(offer.source_date for offer in offers),
    )


def instances(offers: Iterable[Offer]) -> list[Instance]:
    """Put the ways to pay for one machine side by side again."""
    machines: dict[tuple[str, str, str, str], dict[str, Offer]] = defaultdict(dict)
    for offer in offers:
        machines[offer.provider, offer.region, offer.sku_name, offer.model_key][offer.billing_mode] = offer
    return [_instance(key, by_mode) for key, by_mode in sorted(machines.items())]


def api_price(offer: Offer) -> ApiPrice:
    """Return an offer as the record of an API price."""
    return ApiPrice(
        provider=offer.provider,
        workload_type=offer.workload_type,
        sku_key=offer.sku_key,
        sku_name=offer.sku_name,
        model_key=offer.model_key,
        model_slug=offer.model_slug,
        billing_mode=offer.billing_mode,
        direction=offer.direction,
        unit_price_usd=offer.unit_price_usd,
        unit_name=offer.unit_name,
        context_window_tokens=offer.context_window_tokens,
        max_output_tokens=offer.max_output_tokens,
        region=offer.region,
        source_date=offer.source_date,
        source_url=offer.source_url,
        source_kind=offer.source_kind,
        confidence=offer.confidence,
        corroborated_by=offer.corroborated_by,
        flags=offer.flags,
    )


def _planned(offer: Offer, today: date) -> bool:
    return parse_billing_mode(offer.billing_mode).schedule not in _TIERS and "retired" not in marks_of(offer, today)


def _instance(key: tuple[str, str, str, str], by_mode: dict[str, Offer]) -> Instance:
    cloud, region, instance_type, gpu_type = key
    newest = max(by_mode.values(), key=lambda offer: (offer.source_date, offer.billing_mode))
    on_demand, spot, year, three_years = (
        by_mode[mode].unit_price_usd if mode in by_mode else None for mode in RENTAL_MODES
    )
    return Instance(
        cloud=cloud,
        region=region,
        instance_type=instance_type,
        gpu_type=gpu_type,
        gpu_count=newest.gpu_count or 0.0,
        vcpus=newest.vcpus,
        memory_gb=newest.memory_gb,
        on_demand_usd_per_hour=on_demand,
        spot_usd_per_hour=spot,
        reserved_1y_usd_per_hour=year,
        reserved_3y_usd_per_hour=three_years,
        source_date=newest.source_date,
        source_url=newest.source_url,
        source_kind=newest.source_kind,
        confidence=newest.confidence,
        notes=newest.notes,
    )
