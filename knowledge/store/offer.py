"""One price of one seller, whatever it is for: a token, an hour of speech, an image or a rented machine."""

import re
from dataclasses import dataclass

from knowledge.facts import ApiPrice, Confidence, Instance

GPU = "gpu"
RENTAL_MODES = ("on_demand", "spot", "reserved_1y", "reserved_3y")


@dataclass(frozen=True, slots=True)
class Offer:
    """A priced row of the catalog.

    `unit_price_usd` is for one `unit_name`. For rented machines `workload_type` is `gpu`, `model_key` the
    accelerator, and the unit one hour of the whole instance with `gpu_count` cards. `last_verified` is the day on
    which a source was last asked and said the same; None for rows that only the bundled snapshot knows.
    `output_tok_s` and `ttft_ms` are what the seller itself reports.
    """

    provider: str
    workload_type: str
    sku_key: str
    sku_name: str
    model_key: str
    model_slug: str
    billing_mode: str
    direction: str
    unit_price_usd: float
    unit_name: str
    region: str
    source_date: str
    source_url: str
    source_kind: str
    confidence: Confidence
    corroborated_by: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    context_window_tokens: int | None = None
    max_output_tokens: int | None = None
    gpu_count: float | None = None
    vcpus: float | None = None
    memory_gb: float | None = None
    output_tok_s: float | None = None
    ttft_ms: float | None = None
    last_verified: str | None = None
    notes: str = ""


def slug(text: str, joint: str = "_") -> str:
    """Fold text to lower-case words, so that the spellings of two sources meet."""
    return re.sub(r"[^a-z0-9]+", joint, text.lower()).strip(joint)


def model_slug(model_key: str) -> str:
    """Line up one model across sellers: the last path part, folded. A hint, not an identity."""
    return slug(model_key.rsplit("/", 1)[-1], "-")


def sku_key(
    provider: str,
    model_key: str,
    billing_mode: str,
    direction: str,
    unit_name: str,
    *,
    region: str = "global",
    variant: str = "",
) -> str:
    """Name a price so that every source that knows it arrives at the same name."""
    parts = [provider, model_key, billing_mode, "" if direction == "na" else direction, unit_name]
    parts += ["" if region == "global" else region, variant]
    return slug("_".join(part for part in parts if part))


def from_api_price(price: ApiPrice) -> Offer:
    """Take over a bundled API price."""
    return Offer(
        provider=price.provider,
        workload_type=price.workload_type,
        sku_key=price.sku_key,
        sku_name=price.sku_name,
        model_key=price.model_key,
        model_slug=price.model_slug,
        billing_mode=price.billing_mode,
        direction=price.direction,
        unit_price_usd=price.unit_price_usd,
        unit_name=price.unit_name,
        region=price.region,
        source_date=price.source_date,
        source_url=price.source_url,
        source_kind=price.source_kind,
        confidence=price.confidence,
        corroborated_by=price.corroborated_by,
        flags=price.flags,
        context_window_tokens=price.context_window_tokens,
        max_output_tokens=price.max_output_tokens,
    )


def from_instance(instance: Instance) -> list[Offer]:
    """Take over a rented machine: one offer for each way to pay for it."""
    prices = (
        instance.on_demand_usd_per_hour,
        instance.spot_usd_per_hour,
        instance.reserved_1y_usd_per_hour,
        instance.reserved_3y_usd_per_hour,
    )
    return [
        rental(
            provider=instance.cloud,
            instance_type=instance.instance_type,
            gpu_type=instance.gpu_type,
            gpu_count=instance.gpu_count,
            billing_mode=mode,
            usd_per_hour=usd,
            region=instance.region,
            vcpus=instance.vcpus,
            memory_gb=instance.memory_gb,
            source_date=instance.source_date,
            source_url=instance.source_url,
            source_kind=instance.source_kind,
            confidence=instance.confidence,
            notes=instance.notes,
        )
        for mode, usd in zip(RENTAL_MODES, prices, strict=True)
        if usd is not None
    ]


def rental(
    *,
    provider: str,
    instance_type: str,
    gpu_type: str,
    gpu_count: float,
    billing_mode: str,
    usd_per_hour: float,
    region: str,
    source_date: str,
    source_url: str,
    source_kind: str,
    confidence: Confidence = "aggregated",
    vcpus: float | None = None,
    memory_gb: float | None = None,
    notes: str = "",
) -> Offer:
    """Build the offer of a whole rented machine for an hour."""
    return Offer(
        provider=provider,
        workload_type=GPU,
        sku_key=sku_key(provider, instance_type, billing_mode, "na", "instance_hour", region=region),
        sku_name=instance_type,
        model_key=gpu_type,
        model_slug=model_slug(gpu_type),
        billing_mode=billing_mode,
        direction="na",
        unit_price_usd=usd_per_hour,
        unit_name="instance_hour",
        region=region,
        source_date=source_date,
        source_url=source_url,
        source_kind=source_kind,
        confidence=confidence,
        gpu_count=gpu_count,
        vcpus=vcpus,
        memory_gb=memory_gb,
        notes=notes,
    )
