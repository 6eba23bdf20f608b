"""What the catalog answers, as JSON values: the same for the command line, HTTP and the conversation."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tools.catalog.catalog import Catalog, Sheet
from tools.catalog.drift import Drift
from tools.catalog.health import Health
from tools.catalog.judge import Excluded, Ranked
from tools.catalog.plausibility import Doubt
from tools.catalog.rank import Ranking
from tools.catalog.series import Move
from tools.catalog.sync import SourceReport

EXAMPLES = 3


def ranking_answer(catalog: Catalog, ranking: Ranking) -> dict[str, Any]:
    """Return a ranking: offers with price, unit, source, date and confidence; exclusions with reasons."""
    return {
        "workload_type": ranking.query.workload_type,
        "unit": ranking.unit,
        "considered": ranking.considered,
        "offers": [{"rank": place, **_ranked(catalog, row)} for place, row in enumerate(ranking.offers, start=1)],
        "exclusions": _exclusions(ranking),
        "relaxations": [asdict(relaxation) for relaxation in ranking.relaxations],
        "assumptions": list(ranking.assumptions),
    }


def excluded_rows(ranking: Ranking) -> list[dict[str, object]]:
    """Return every excluded offer with its rule and figure, for export."""
    return [_excluded(row) for row in ranking.excluded]


def sheets_answer(catalog: Catalog, sheets: Sequence[Sheet]) -> dict[str, Any]:
    """Return every price of a SKU or model with what each source says and how often it moved."""
    return {
        "offers": [
            {
                **catalog.record(sheet.offer),
                "sources": [
                    {
                        "source": origin,
                        "unit_price_usd": offer.unit_price_usd,
                        "source_date": offer.source_date,
                        "source_url": offer.source_url,
                        "shown": shown,
                    }
                    for origin, offer, shown in sheet.layers
                ],
                "history": [asdict(event) for event in sheet.history],
            }
            for sheet in sheets
        ]
    }


def moves_answer(moves: Sequence[Move], since: str, until: str) -> dict[str, Any]:
    """Return how prices moved between two instants."""
    counts: dict[str, int] = defaultdict(int)
    for move in moves:
        counts[move.kind] += 1
    return {
        "since": since,
        "until": until,
        "counts": dict(counts),
        "moves": [{**asdict(move), "kind": move.kind, "share": move.share} for move in moves],
    }


def health_answer(health: Health) -> dict[str, Any]:
    """Return the state of the catalog; conflicts and doubts with both numbers."""
    return {
        "offers": health.offers,
        "stale_offers": health.stale_offers,
        "sources": [asdict(source) for source in health.sources],
        "freshness": [asdict(row) for row in health.freshness],
        "conflicts": [asdict(row) for row in health.conflicts],
        "doubts": [_doubt(row) for row in health.doubts],
        "models_without_benchmarks": list(health.models_without_benchmarks),
        "benchmarks_on_unpriced_gpus": dict(health.benchmarks_on_unpriced_gpus),
        "warnings": list(health.warnings),
    }


def sync_answer(reports: Sequence[SourceReport]) -> dict[str, Any]:
    """Return what came of a sync, source by source, with what was held, refused and skipped and why."""
    return {
        "sources": [
            {
                "name": report.name,
                "outcome": report.outcome,
                "detail": report.detail,
                "offers": report.offers,
                "added": report.added,
                "changed": report.changed,
                "removed": report.removed,
                "held": [_doubt(row) for row in report.held],
                "refused": [_doubt(row) for row in report.refused],
                "skipped": [asdict(row) for row in report.skipped],
            }
            for report in reports
        ]
    }


def _doubt(row: Doubt) -> dict[str, object]:
    return {
        "sku_key": row.offer.sku_key,
        "why": row.why,
        "normalized_usd": row.normalized_usd,
        "expected_usd": row.expected_usd,
    }


def drift_answer(drift: Drift, limit: int) -> dict[str, Any]:
    """Return how far sources agree, with the `limit` widest differences. A ratio to zero is null."""
    return {
        "pairs": [{**asdict(pair), "share": pair.differing / pair.shared} for pair in drift.pairs],
        "worst_providers": [
            {"provider": name, "differing": differing, "shared": shared}
            for name, differing, shared in drift.worst_providers
        ],
        "differences": [
            {**asdict(row), "ratio": row.ratio if row.ratio != float("inf") else None}
            for row in drift.differences[:limit]
        ],
    }


def _ranked(catalog: Catalog, row: Ranked) -> dict[str, Any]:
    candidate = row.candidate
    offer = candidate.rates[0].offer
    return {
        "provider": candidate.provider,
        "model_key": candidate.model_key,
        "sku_name": offer.sku_name,
        "region": candidate.region,
        "schedule": candidate.schedule,
        "normalized_price_usd": row.unit_usd,
        "unit": row.unit,
        "monthly_usd": row.monthly_usd,
        "score": row.score,
        "confidence_penalty": row.penalty,
        "replicas": row.replicas,
        "gpu_count": offer.gpu_count,
        "confidence": candidate.confidence,
        "source_date": candidate.source_date,
        "days_old": catalog.days_old(candidate.source_date),
        "source_kind": offer.source_kind,
        "source_url": offer.source_url,
        "marks": sorted(candidate.marks),
        "flags": sorted({flag for rate in candidate.rates for flag in rate.offer.flags}),
        "context_window_tokens": candidate.context_window_tokens,
        "notes": list(row.notes),
        "prices": [
            {
                "part": rate.component,
                "above_tokens": rate.above_tokens or None,
                "sku_key": rate.offer.sku_key,
                "unit_price_usd": rate.offer.unit_price_usd,
                "unit_name": rate.offer.unit_name,
                "source_date": rate.offer.source_date,
                "source_kind": rate.offer.source_kind,
            }
            for rate in candidate.rates
        ],
    }


def _exclusions(ranking: Ranking) -> list[dict[str, Any]]:
    examples: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in ranking.excluded:
        if len(examples[row.rule]) < EXAMPLES:
            examples[row.rule].append(_excluded(row))
    return [{"rule": rule, "count": count, "examples": examples[rule]} for rule, count in ranking.exclusions.items()]


def _excluded(row: Excluded) -> dict[str, object]:
    offer = row.candidate.rates[0].offer
    return {
        "provider": row.candidate.provider,
        "model_key": row.candidate.model_key,
        "sku_key": offer.sku_key,
        "rule": row.rule,
        "reason": row.detail,
    }
