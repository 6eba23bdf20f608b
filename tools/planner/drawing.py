"""Candidates → options: the few that are shown, with percentiles, evidence, bill lines and reasons."""

from hashlib import sha256

import numpy as np

from tools.intent import SloPercentile
from tools.performance.queueing import at_batch
from tools.planner.apis import ApiCandidate, api_cost
from tools.planner.case import Case
from tools.planner.evidence import Grounds
from tools.planner.explanation import why_api, why_hosted
from tools.planner.field import Field
from tools.planner.grid import Floats
from tools.planner.hosted import Hosted, own_bill, paid_hours
from tools.planner.latency import Spread, latency, spread
from tools.planner.money import Cost, bill, line
from tools.planner.offers import Offer
from tools.planner.option import Option, Predicted, QualityShown, Times
from tools.planner.pool import Pool
from tools.planner.quantization import penalty
from tools.planner.risk import WEIGHTS
from tools.planner.traffic import Targets

_AT_TARGET = 0  # stands for the percentile of the targets among the shown ones


def option_id(*parts: object) -> str:
    """A short name that stays the same as long as the option does."""
    return sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:8]


def api_option(candidate: ApiCandidate, found: Pool, row: int, case: Case) -> Option:
    """An API as an option; its latency is unknown and said to be so."""
    seller, quality = candidate.seller, candidate.quality
    cost = api_cost(seller, case.traffic, batched=candidate.batched)
    shown = QualityShown(
        quality.score, quality.standard_error, quality.basis, 0.0, quality.top_sources, quality.newest_date
    )
    billing = "batch" if candidate.batched and ("batch", "output") in seller.prices else "per_token"
    return Option(
        id=option_id("api", seller.provider, seller.model_key, seller.region, billing),
        kind="api",
        provider=seller.provider,
        region=seller.region,
        billing="batch" if billing == "batch" else "per_token",
        model_id=candidate.model_id,
        quality=shown,
        risk=_risk(found, row),
        gpu_type=None,
        tensor_parallel=None,
        pipeline_parallel=None,
        replicas=None,
        spare_replicas=None,
        gpu_count=None,
        quantization=None,
        cloud=None,
        instance_type=None,
        instance_count=None,
        predicted=None,
        cost=cost,
        slo_met={"ttft": None, "tpot": None, "e2e": None, "throughput": None},
        why=why_api(cost, shown, case),
        price_source={
            "date": seller.source_date,
            "url": seller.source_url,
            "confidence": seller.confidence,
            "sku": seller.model_key,
        },
    )


def hosted_option(block: Hosted, field: Field, found: Pool, row: int, case: Case, *, ground: Grounds) -> Option:
    """A self-hosted candidate as an option."""
    entry = int(found.entry[row])
    at = int(block.rows[entry])
    each = field.grid.configuration(at)
    replicas, gpus = int(block.replicas[entry]), int(block.gpu_count[entry])
    predicted = _predicted(block, entry, field, case, ground)
    offer = None
    if block.shelf is not None:
        card, size = int(field.grid.accelerator[at]), block.shelf.sizes[int(block.size[entry])]
        offer = block.shelf.offers[card, size]
    machines = int(block.machines[entry])
    cost = own_bill(each.accelerator, gpus, block.kind, case) if offer is None else rental_bill(offer, machines, case)
    loss = penalty(each.model, each.quantization, case.traffic.task_type, case.traffic.context_tokens)
    quality = _quality(case, each.model.model_id, loss)
    where = f"{machines} × {offer.cloud} {offer.instance_type}" if offer else f"{gpus} × {each.accelerator.gpu_type}"
    place = (offer.cloud, offer.region, offer.instance_type, offer.billing) if offer else (block.kind,)
    shape = (each.quantization, each.tensor_parallel, each.pipeline_parallel)
    return Option(
        id=option_id(block.kind, *place, each.model.model_id, each.accelerator.gpu_type, *shape, replicas),
        kind=block.kind,
        provider=offer.cloud if offer else "own",
        region=offer.region if offer else None,
        billing=offer.billing if offer else None,
        model_id=each.model.model_id,
        quality=quality,
        risk=_risk(found, row),
        gpu_type=each.accelerator.gpu_type,
        tensor_parallel=each.tensor_parallel,
        pipeline_parallel=each.pipeline_parallel,
        replicas=replicas,
        spare_replicas=replicas - int(block.needed[entry]),
        gpu_count=gpus,
        quantization=each.quantization,
        cloud=offer.cloud if offer else None,
        instance_type=offer.instance_type if offer else None,
        instance_count=machines if offer else None,
        predicted=predicted,
        cost=cost,
        slo_met=_verdict(predicted, case.traffic.targets, replicas),
        why=why_hosted(cost, predicted, quality, case, machines=where),
        price_source=_source(offer, block, case),
        configuration=each,
    )


def rental_bill(offer: Offer, machines: int, case: Case) -> Cost:
    """A month of `machines` machines."""
    hours = paid_hours(offer.billing, case.traffic)
    words = f"{machines} × {offer.instance_type} ({offer.cards} × {offer.gpu_type}), {offer.cloud} {offer.region}"
    words += f", {offer.billing.replace('_', ' ')}"
    lines = (line(words, machines * hours, "machine hours", offer.usd_per_hour),)
    return bill(lines, tokens_per_month=case.tokens_per_month, hours_per_month=hours)


def _source(offer: Offer | None, block: Hosted, case: Case) -> dict[str, str]:
    if offer is not None:
        return {"date": offer.source_date, "url": offer.source_url, "confidence": offer.confidence}
    if block.kind == "purchase":
        return {"date": case.market.as_of, "confidence": "estimated"}
    return {}


def _risk(found: Pool, row: int) -> dict[str, float]:
    one = found.take(np.array([row])).risk
    parts = {name: round(float(getattr(one, name)[0]), 4) for name in WEIGHTS}
    return parts | {"total": round(float(one.total[0]), 4)}


def _quality(case: Case, model_id: str, loss: float) -> QualityShown:
    known = case.snapshot.quality.get((model_id, case.traffic.task_type))
    if known is None:
        return QualityShown(None, None, "unknown", loss, (), "")
    score = round(known.score * (1 - loss), 1)
    return QualityShown(score, known.standard_error, known.basis, loss, known.top_sources, known.newest_date)


def _verdict(predicted: Predicted, targets: Targets, replicas: int) -> dict[str, bool | None]:
    end = predicted.perceived_ms if targets.e2e_basis == "perceived" else predicted.e2e_ms
    carried = predicted.max_rps_per_replica * replicas
    wanted = targets.throughput_rps
    return {
        "ttft": predicted.ttft_ms.at_target <= targets.ttft_ms,
        "tpot": predicted.tpot_ms.at_target <= targets.tpot_ms,
        "e2e": end.at_target <= targets.e2e_ms,
        "throughput": None if wanted is None else carried >= wanted,
    }


def _predicted(block: Hosted, entry: int, field: Field, case: Case, ground: Grounds) -> Predicted:
    at, traffic = int(block.rows[entry]), case.traffic
    one = field.take(np.array([at], dtype=np.intp))
    cost, osl, batch = one.screen.cost, one.screen.osl, block.batch[[entry]]
    mean = at_batch(cost, osl, batch)
    rate = traffic.peak_qps / int(block.replicas[entry])
    shown: tuple[SloPercentile, ...] = (50, 90, 99)
    spreads: dict[int, Spread] = {_AT_TARGET: one.wide, **{each: spread(one.screen, traffic, each) for each in shown}}
    full = {name: latency(cost, osl, batch, wide, "full") for name, wide in spreads.items()}
    seen = {name: latency(cost, osl, batch, wide, "perceived") for name, wide in spreads.items()}
    end = mean.ttft_ms + (osl - 1) * mean.tpot_ms
    max_rps = float(one.capacity.max_rps[0])
    return Predicted(
        ttft_ms=_times(mean.ttft_ms, {name: each.ttft_ms for name, each in full.items()}),
        tpot_ms=_times(mean.tpot_ms, {name: each.tpot_ms for name, each in full.items()}),
        e2e_ms=_times(end, {name: each.e2e_ms for name, each in full.items()}),
        perceived_ms=_times(mean.ttft_ms + 24 * mean.tpot_ms, {name: each.e2e_ms for name, each in seen.items()}),
        max_rps_per_replica=round(max_rps, 6),
        utilization=round(rate / max_rps, 6),
        concurrency_per_replica=round(float(batch[0]), 2),
        max_concurrency_per_replica=int(one.grid.sequences(traffic.isl.mean + traffic.osl.mean)[0]),
        bound_by=str(one.capacity.bound[0]),
        interval_80=_intervals(ground, {"ttft_ms": mean.ttft_ms, "tpot_ms": mean.tpot_ms, "output_tok_s": rate * osl}),
        evidence=ground.evidence,
    )


def _times(mean: Floats, at: dict[int, Floats]) -> Times:
    numbers = {name: round(float(values[0]), 2) for name, values in at.items()}
    return Times(round(float(mean[0]), 2), numbers[50], numbers[90], numbers[99], numbers[_AT_TARGET])


def _intervals(ground: Grounds, middles: dict[str, Floats]) -> dict[str, tuple[float, float]]:
    """80 % intervals of the means."""
    known = {name: (float(values[0]), ground.widths[name]) for name, values in middles.items()}
    return {name: (round(middle / wide, 3), round(middle * wide, 3)) for name, (middle, wide) in known.items()}
