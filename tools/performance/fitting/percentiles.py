"""Shapes of the distributions: percentile over mean, from the rows that publish both."""

from collections.abc import Mapping, Sequence

import numpy as np

from tools.performance.rows import number

_FEWEST = 30
_FALLBACK = {"p50": 1.0, "p90": 1.1, "p99": 1.25}
_PERCENTILES = ("p50", "p90", "p99")


def percentile_ratios(rows: Sequence[Mapping[str, str]]) -> dict[str, dict[str, float]] | None:
    """Median over sources of the median ratio per source; None when too few rows publish percentiles.

    E2E has a p90 only: its p99 follows from TPOT's tail, since most of a request's time is decoding.
    """
    ratios: dict[str, dict[str, float]] = {}
    for metric in ("ttft", "tpot"):
        ratios[metric] = {}
        for percentile in _PERCENTILES:
            by_source: dict[str, list[float]] = {}
            for row in rows:
                mean, at = number(row.get(f"{metric}_mean_ms")), number(row.get(f"{metric}_{percentile}_ms"))
                if mean and at:
                    by_source.setdefault(row.get("source") or "", []).append(at / mean)
            if sum(map(len, by_source.values())) < _FEWEST:
                return None
            ratios[metric][percentile] = _rounded(np.median([np.median(each) for each in by_source.values()]))
        ordered = np.maximum.accumulate([ratios[metric][each] for each in _PERCENTILES])
        ratios[metric] = dict(zip(_PERCENTILES, map(_rounded, ordered), strict=True))
    whole = [
        p90 / mean
        for row in rows
        if (p90 := number(row.get("e2e_p90_ms"))) and (mean := number(row.get("e2e_mean_ms")))
    ]
    p90 = _rounded(np.median(whole)) if len(whole) >= _FEWEST else _FALLBACK["p90"]
    ratios["e2e"] = {"p50": _FALLBACK["p50"], "p90": p90, "p99": max(ratios["tpot"]["p99"], _rounded(p90 * 1.1))}
    return ratios


def _rounded(value: object) -> float:
    return round(float(np.asarray(value, dtype=np.float64)), 3)
