"""Collect the offers of one source: every price either becomes an offer or is skipped with a reason."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from knowledge.connectors.protocol import Access, Connector, Fetched, Skipped
from knowledge.errors import Unavailable
from knowledge.facts import Confidence
from knowledge.store.offer import Offer, model_slug, rental, sku_key

MILLION = 1e6
_REGION_FIRST = re.compile(r"(us|eu|apac|jp|au|global|us-gov)\.(.+)")
_MAKERS = {"@cf", "azure", "cohere", "deepseek", "inception", "invoke", "meta", "minimax", "mistral", "morph"} | {
    "perplexity",
    "tencent",
    "xai",
    "zai",
}


class Sheet:
    """The growing price list of one seller, as read from one source on one day."""

    def __init__(
        self,
        provider: str,
        source_kind: str,
        source_url: str,
        source_date: str,
        *,
        flags: tuple[str, ...] = (),
        confidence: Confidence = "aggregated",
    ) -> None:
        self.provider = provider
        self.source_kind = source_kind
        self.source_url = source_url
        self.source_date = source_date
        self.flags = flags
        self.confidence: Confidence = confidence
        self.offers: dict[str, Offer] = {}
        self.skipped: list[Skipped] = []

    def price(
        self,
        model_key: str,
        usd: Any,
        unit_name: str,
        *,
        workload_type: str = "llm",
        billing_mode: str = "per_token",
        direction: str = "na",
        times: float = 1.0,
        region: str = "global",
        variant: str = "",
        name: str = "",
        provider: str = "",
        key: str = "",
        free: bool = False,
        flags: tuple[str, ...] = (),
        **more: Any,
    ) -> None:
        """Add a price of `usd` times `times` for a unit; what is absent (None) is passed over, nonsense is skipped."""
        amount = number(usd)
        if amount is None:
            if usd is not None:
                self.skip(model_key, f"{direction} price is no number: {str(usd)[:40]!r}")
            return
        if amount < 0 or (amount == 0 and not free):
            self.skip(model_key, f"{direction} price of {amount:g}")
            return
        seller = provider or self.provider
        key = key or sku_key(seller, model_key, billing_mode, direction, unit_name, region=region, variant=variant)
        self.add(
            Offer(
                provider=seller,
                workload_type=workload_type,
                sku_key=key,
                sku_name=name or model_key,
                model_key=model_key,
                model_slug=model_slug(model_key),
                billing_mode=billing_mode,
                direction=direction,
                unit_price_usd=significant(amount * times),
                unit_name=unit_name,
                region=region,
                source_date=self.source_date,
                source_url=self.source_url,
                source_kind=self.source_kind,
                confidence=self.confidence,
                flags=tuple(dict.fromkeys((*self.flags, *flags, *(("free",) if amount == 0 else ())))),
                **more,
            )
        )

    def machine(
        self,
        instance_type: str,
        usd_per_hour: Any,
        *,
        billing_mode: str = "on_demand",
        flags: tuple[str, ...] = (),
        **more: Any,
    ) -> None:
        """Add the price of a whole machine for an hour."""
        amount = number(usd_per_hour)
        if amount is None or amount <= 0:
            if usd_per_hour is not None:
                self.skip(instance_type, f"{billing_mode} price of {str(usd_per_hour)[:40]}")
            return
        offer = rental(
            provider=self.provider,
            instance_type=instance_type,
            billing_mode=billing_mode,
            usd_per_hour=significant(amount),
            source_date=self.source_date,
            source_url=self.source_url,
            source_kind=self.source_kind,
            confidence=self.confidence,
            **more,
        )
        self.add(replace(offer, flags=(*self.flags, *flags)))

    def add(self, offer: Offer) -> None:
        """Add an offer; the second of a name is skipped when it says something else."""
        first = self.offers.setdefault(offer.sku_key, offer)
        if first.unit_price_usd != offer.unit_price_usd:
            self.skip(offer.sku_key, f"listed twice: {first.unit_price_usd:g} and {offer.unit_price_usd:g}")

    def skip(self, what: str, why: str) -> None:
        self.skipped.append(Skipped(what[:120], why))

    def fetched(self, *, etags: Mapping[str, str] | None = None) -> Fetched:
        """Close the list."""
        return Fetched(tuple(self.offers.values()), tuple(self.skipped), etags=etags or {})


def own_list(connector: Connector, access: Access, provider: str, url: str, *, flags: tuple[str, ...] = ()) -> Sheet:
    """Begin the list that a seller itself gives out today: its prices are official."""
    return Sheet(provider, connector.name, url, access.today.isoformat(), flags=flags, confidence="official")


def without_maker(model: str) -> str:
    """Drop a maker that some sellers write before a model's name and others do not."""
    maker, slash, rest = model.partition("/")
    return rest if slash and maker in _MAKERS else model


def split_region(model: str) -> tuple[str, str]:
    """Split `eu.anthropic.claude` as Bedrock writes it into (model, region)."""
    match = _REGION_FIRST.fullmatch(model)
    return (match[2], match[1]) if match else (model, "global")


def number(value: Any) -> float | None:
    """Read a price written as a number or a text; None for anything else, also for what is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except ValueError:
        return None
    return read if math.isfinite(read) else None


def significant(usd: float) -> float:
    """Drop the last digits, which a conversion (1e-6 times 1e6) leaves behind."""
    return float(f"{usd:.10g}")


def whole(value: Any) -> int | None:
    """Read a count of tokens; None where there is none."""
    read = number(value)
    return int(read) if read else None


def listed(answer: Any, *path: str) -> list[Mapping[str, Any]]:
    """Return the list of records at a place of an answer; raise `Unavailable` when the answer has another shape."""
    here = answer
    for name in path:
        here = here.get(name) if isinstance(here, Mapping) else None
    if not isinstance(here, list):
        raise Unavailable(
            f"the answer has no list {'.'.join(path) or 'at its top'}",
            "the service may have changed its format; prices stay as they were",
        )
    return [row for row in here if isinstance(row, Mapping)]


def record(value: Any) -> Mapping[str, Any]:
    """Return a record, empty where there is none."""
    return value if isinstance(value, Mapping) else {}
