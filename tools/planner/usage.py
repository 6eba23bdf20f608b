"""Workloads that are not language models: their APIs ranked by what a month of the usage costs, like with like."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

from knowledge.errors import BadInput
from knowledge.store.offer import from_api_price
from tools.catalog.candidates import Candidate
from tools.catalog.candidates import candidates as catalog_candidates
from tools.catalog.judge import Ranked
from tools.catalog.query import Query
from tools.catalog.rank import rank
from tools.catalog.usage import parse_usage
from tools.intent import Intent, WorkloadType
from tools.market import Market
from tools.planner.apis import CLOUD_OF
from tools.planner.case import Case
from tools.planner.money import Cost, bill, line
from tools.planner.offers import PRICE_RISK
from tools.planner.option import Option, QualityShown, option_id
from tools.planner.rejection import Change, Miss
from tools.planner.risk import UNKNOWN_LATENCY
from tools.planner.traffic import DAYS_PER_MONTH, HOURS_PER_MONTH

PERIODS_PER_MONTH: Mapping[str, float] = {
    "hour": DAYS_PER_MONTH * 24,
    "day": DAYS_PER_MONTH,
    "week": DAYS_PER_MONTH / 7,
    "month": 1.0,
    "year": 1 / 12,
}
_PER_REQUEST: Mapping[WorkloadType, str] = {
    "embeddings": "tokens",
    "moderation": "tokens",
    "rerank": "searches",
    "image_generation": "images",
    "vision": "images",
    "video_generation": "videos",
}
"""What one request is counted in, where only a number of requests was said."""

_UNKNOWN = QualityShown(None, None, "unknown", 0.0, (), "")


def monthly_usage(intent: Intent, workload: WorkloadType) -> str | None:
    """What is used in a month, as a quantity with its unit; None when nothing was said about it."""
    if intent.usage is not None:
        return f"{intent.usage.quantity * PERIODS_PER_MONTH[intent.usage.period]:f} {intent.usage.unit}"
    unit = _PER_REQUEST.get(workload)
    if unit == "tokens" and intent.tokens_per_day is not None:
        return f"{intent.tokens_per_day * DAYS_PER_MONTH:f} tokens"
    requests = intent.requests_per_day or (intent.expected_qps or 0.0) * 86_400
    if not requests or unit is None:
        return None
    each = (intent.prompt_length_avg or 0) if unit == "tokens" else 1
    return f"{requests * each * DAYS_PER_MONTH:f} {unit}" if each else None


@lru_cache(maxsize=32)
def _candidates(market: Market, workload: WorkloadType) -> tuple[Candidate, ...]:
    rows = (from_api_price(price) for price in market.api_prices if price.workload_type == workload)
    return tuple(catalog_candidates(rows, date.fromisoformat(market.as_of)))


def usage_options(case: Case, limit: int) -> list[Option]:
    """The cheapest sellers of the workload, one option each; the others are counted by the catalog's rules."""
    workload, intent = case.traffic.workload_type, case.intent
    stated = monthly_usage(intent, workload)
    budget = intent.budget.max_monthly_cost_usd if intent.budget else None
    try:
        used = parse_usage([stated], workload) if stated else {}
    except BadInput as error:
        raise BadInput(f"usage: {error.message}", error.cure, field="usage.unit") from error
    query = Query(workload_type=workload, usage=used, limit=max(limit, 1))
    found = rank(_allowed(_candidates(case.market, workload), case), query)
    for rule, count in found.exclusions.items():
        case.ledger.count(rule.replace(" ", "_"), count, "sellers")
    seen: dict[str, Miss] = {}
    for left in found.excluded:
        what = f"{left.candidate.model_key} by {left.candidate.provider}"
        text = f"{what}: {left.detail}"
        seen.setdefault(
            left.rule,
            Miss(left.rule.replace(" ", "_"), left.candidate.model_key, what, left.value, None, "", None, text),
        )
    case.ledger.add(seen.values())
    return _affordable([_option(row, stated) for row in found.offers], budget, case)


def _allowed(every: Sequence[Candidate], case: Case) -> list[Candidate]:
    """Sellers in the clouds and models that the intent names."""
    intent, kept = case.intent, []
    for row in every:
        cloud = CLOUD_OF.get(row.provider, row.provider)
        if intent.clouds and cloud not in intent.clouds:
            case.ledger.count("api_region", 1, "sellers")
        elif intent.preferred_models and not any(name.lower() in row.names for name in intent.preferred_models):
            case.ledger.count("api_not_preferred", 1, "sellers")
        else:
            kept.append(row)
    return kept


def _option(row: Ranked, stated: str | None) -> Option:
    seller = row.candidate
    cost = _cost(row, stated)
    price = f"{row.unit_usd:,.6g} USD per {row.unit.replace('_', ' ')}"
    monthly = f"{cost.monthly_usd:,.2f} USD a month at " if cost.monthly_usd is not None else ""
    risk = PRICE_RISK["aggregated" if seller.confidence not in PRICE_RISK else seller.confidence]  # type: ignore[index]
    source = seller.rates[0].offer
    return Option(
        id=option_id("api", seller.provider, seller.model_key, seller.region, source.sku_key),
        kind="api",
        provider=seller.provider,
        region=seller.region,
        billing="per_token" if seller.dimension.endswith("_token") else "per_unit",
        model_id=seller.model_key,
        quality=_UNKNOWN,
        risk={"price": risk, "prediction": UNKNOWN_LATENCY, "total": round(0.1 * risk + 0.2 * UNKNOWN_LATENCY, 4)},
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
        why=f"{monthly}{price}, {seller.confidence} price of {seller.source_date}; quality not compared, test it.",
        price_source={"date": seller.source_date, "url": source.source_url, "confidence": seller.confidence},
    )


def _cost(row: Ranked, stated: str | None) -> Cost:
    if row.monthly_usd is None or stated is None:
        return Cost(None, None, None, ())
    lines = (line(f"{row.candidate.model_key} by {row.candidate.provider}: {stated}", 1, "month", row.monthly_usd),)
    return bill(lines, tokens_per_month=0.0, hours_per_month=HOURS_PER_MONTH)


def _affordable(options: Sequence[Option], budget: float | None, case: Case) -> list[Option]:
    kept = []
    for option in options:
        monthly = option.cost.monthly_usd
        if budget is not None and monthly is not None and monthly > budget:
            case.ledger.count("budget", 1, "sellers")
            what = f"{option.model_id} by {option.provider}"
            text = f"{what} costs {monthly:,.2f} USD a month, {budget:,g} are allowed"
            change = Change("budget.max_monthly_cost_usd", monthly)
            case.ledger.add([Miss("budget", option.model_id, what, monthly, budget, "USD a month", change, text)])
        else:
            kept.append(option)
    return kept
