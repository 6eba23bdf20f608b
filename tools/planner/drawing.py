"""Candidates → options: the few that are shown, with percentiles, evidence, bill lines and reasons."""

from collections.abc import Mapping

import numpy as np

from tools.planner.apis import ApiCandidate, api_cost
from tools.planner.case import Case
from tools.planner.explanation import why_api, why_hosted
from tools.planner.field import Field
from tools.planner.grid import Floats, Grid
from tools.planner.hosted import Hosted, own_bill, paid_hours
from tools.planner.money import Cost, bill, line
from tools.planner.network import network, served
from tools.planner.offers import Offer
from tools.planner.option import Option, Predicted, QualityShown, option_id
from tools.planner.pool import Pool
from tools.planner.quantization import penalty
from tools.planner.replicas import sizing
from tools.planner.risk import WEIGHTS, failure, overload, prediction_risk, widths_of
from tools.planner.traffic import Targets, TrafficProfile


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
        network=network(case.intent.user_region, seller.region) if case.intent.user_region is not None else None,
    )


def hosted_option(block: Hosted, field: Field, found: Pool, row: int, case: Case, *, predicted: Predicted) -> Option:
    """A self-hosted candidate as an option."""
    entry = int(found.entry[row])
    at = int(block.rows[entry])
    each = field.grid.configuration(at)
    replicas, gpus = int(block.replicas[entry]), int(block.gpu_count[entry])
    offer = offer_of(block, field.grid, at, entry)
    machines = int(block.machines[entry])
    cost = own_bill(each.accelerator, gpus, block.kind, case) if offer is None else rental_bill(offer, machines, case)
    loss = penalty(each.model, each.quantization, case.traffic.task_type, case.traffic.context_tokens)
    quality = _quality(case, each.model.model_id, loss)
    where = f"{gpus} × {each.accelerator.gpu_type}" + (f" at {offer.cloud}" if offer else "")
    place = (offer.cloud, offer.region, offer.instance_type, offer.billing) if offer else (block.kind,)
    place_of_users = case.intent.user_region
    way = network(place_of_users, offer.region) if place_of_users is not None and offer is not None else None
    network_ms = way.round_trip_ms if way else 0.0
    shape = (each.quantization, each.tensor_parallel, each.pipeline_parallel)
    return Option(
        id=option_id(block.kind, *place, each.model.model_id, each.accelerator.gpu_type, *shape, replicas),
        kind=block.kind,
        provider=offer.cloud if offer else "own",
        region=offer.region if offer else None,
        billing=offer.billing if offer else None,
        model_id=each.model.model_id,
        quality=quality,
        risk=risks(_risk(found, row), case.traffic, block.max_rps[entry : entry + 1], replicas, predicted),
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
        slo_met=verdict(predicted, served(case.traffic.targets, network_ms), replicas),
        why=why_hosted(block.kind, cost, predicted, quality, case, machines=where, network_ms=network_ms),
        price_source=_source(offer, block, case),
        configuration=each,
        sizing=sizing(
            case.traffic.qps,
            case.traffic.peak_qps,
            float(block.max_rps[entry]),
            replicas,
            block.shelf.supply if block.shelf else "owned",
        ),
        network=way,
    )


def offer_of(block: Hosted, grid: Grid, row: int, entry: int) -> Offer | None:
    """The machine that an entry of a block, `row` of the grid, is rented as; None for own cards."""
    if block.shelf is None:
        return None
    return block.shelf.offers[int(grid.accelerator[row]), block.shelf.sizes[int(block.size[entry])]]


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


def risks(
    known: Mapping[str, float], traffic: TrafficProfile, max_rps: Floats, replicas: int, predicted: Predicted
) -> dict[str, float]:
    """The parts of an option's risk with other replicas: what they carry, what one less carries, how sure that is."""
    parts = {name: known[name] for name in WEIGHTS} | {
        "overload": float(overload(traffic.peak_qps, max_rps * replicas, traffic.interarrival_cv)[0]),
        "failure": float(failure(traffic.peak_qps, max_rps, np.array([replicas]))[0]),
        "prediction": prediction_risk(widths_of(predicted.interval_80)),
    }
    total = sum(weight * parts[name] for name, weight in WEIGHTS.items())
    return {name: round(each, 4) for name, each in parts.items()} | {"total": round(total, 4)}


def _quality(case: Case, model_id: str, loss: float) -> QualityShown:
    known = case.snapshot.quality.get((model_id, case.traffic.task_type))
    if known is None:
        return QualityShown(None, None, "unknown", loss, (), "")
    score = round(known.score * (1 - loss), 1)
    return QualityShown(score, known.standard_error, known.basis, loss, known.top_sources, known.newest_date)


def verdict(predicted: Predicted, targets: Targets, replicas: int) -> dict[str, bool | None]:
    """Whether each target holds; None where nothing was asked."""
    end = predicted.perceived_ms if targets.e2e_basis == "perceived" else predicted.e2e_ms
    carried = predicted.max_rps_per_replica * replicas
    wanted = targets.throughput_rps
    return {
        "ttft": predicted.ttft_ms.at_target <= targets.ttft_ms,
        "tpot": predicted.tpot_ms.at_target <= targets.tpot_ms,
        "e2e": end.at_target <= targets.e2e_ms,
        "throughput": None if wanted is None else carried >= wanted,
    }
