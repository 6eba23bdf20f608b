"""How far predictions are from measurements, by kind of gap: `python -m evals.benchmarks.accuracy TABLE.csv`.

Every kind of gap holds rows out, refits constants, group effects and residual on what is left, and predicts the rows
that were held out: single load points, whole curves, (model, GPU) pairs, GPUs, sources. Two baselines are fitted to the
same rows: the nearest measured row of the same model and GPU, and bytes over bandwidth. Prints a table per gap and,
for held-out pairs, per model, GPU and engine; writes accuracy.json and plots to evals/benchmarks/results/.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from knowledge.snapshot import load
from tools.performance.calibration import PHYSICS, Physics, physics_from
from tools.performance.estimation import METRICS, half_widths
from tools.performance.fitting.crossvalidation import GAPS, HeldOut, folds, held_out, interval_widths
from tools.performance.fitting.measurements import Measurements, read_measurements
from tools.performance.fitting.start import KERNEL, starting_physics
from tools.performance.points import Floats, Indices

RESULTS = Path(__file__).parent / "results"
_FEWEST = 15
Mask = npt.NDArray[np.bool_]


def scored(data: Measurements) -> Mask:
    """Rows that the targets speak of: every input known, prefill and decode on the same cards."""
    return np.asarray((data.column("quality") == "A") & (data.column("serving_mode") == "agg"))


def summary(log_error: Floats) -> dict[str, float] | None:
    """Median, mean and 90th percentile of the absolute percentage error, and how many rows; None for too few."""
    errors = np.abs(np.exp(log_error[~np.isnan(log_error)]) - 1) * 100
    if len(errors) < _FEWEST:
        return None
    return {
        "rows": len(errors),
        "median": round(float(np.median(errors)), 1),
        "mean": round(float(errors.mean()), 1),
        "p90": round(float(np.quantile(errors, 0.9)), 1),
    }


def lookup(data: Measurements, left: Indices, out: Indices) -> Floats:
    """What a benchmark table would say: the measurement nearest in load of the same model and GPU; NaN where none."""
    pair = np.char.add(data.column("arch_model_id"), data.column("gpu_type"))
    load = data.loads
    running = np.where(np.isnan(load.concurrency), 256.0, load.concurrency)
    place = np.log2(np.stack([running, load.isl, load.osl, data.points.gpus, data.points.expert_bytes + 1], axis=1))
    predicted = np.full((len(out), len(METRICS)), np.nan)
    for at, row in enumerate(out):
        same = left[pair[left] == pair[row]]
        for metric in range(len(METRICS)):
            known = same[~np.isnan(data.observed[same, metric])]
            if len(known):
                nearest = known[np.abs(place[known] - place[row]).sum(axis=1).argmin()]
                predicted[at, metric] = data.observed[nearest, metric]
    return predicted


def bandwidth_bound(data: Measurements, out: Indices) -> Floats:
    """Weights of one token over the bandwidth of the cards; TTFT is not predicted."""
    where = data.points.take(out)
    share = where.shape["experts_per_token"] / where.shape["experts"]
    tpot = (where.other_bytes + where.expert_bytes * share) / where.gpus / (where.bandwidth_gb_s * 1e6)
    running = np.where(np.isnan(data.loads.concurrency[out]), 1.0, data.loads.concurrency[out])
    return np.stack([running / tpot * 1e3, np.full_like(tpot, np.nan), tpot], axis=1)


def errors_of_gap(
    data: Measurements, start: Physics, gap: str, only: Sequence[int] | None
) -> tuple[list[HeldOut], dict[str, Any]]:
    """Held-out predictions of one kind of gap, with the errors of model and baselines on the rows that are scored."""
    parts = list(held_out(data, start, KERNEL, gap, only=only, progress=_say))
    fold, keep = folds(data, gap), scored(data)
    methods: dict[str, list[Floats]] = {"sextant": [], "lookup": [], "bandwidth bound": []}
    for part in parts:
        left = np.flatnonzero(fold != fold[part.rows[0]])
        mine = keep[part.rows]
        observed = np.log(part.observed[mine])
        methods["sextant"].append(part.log_error[mine])
        methods["lookup"].append(np.log(lookup(data, left, part.rows)[mine]) - observed)
        methods["bandwidth bound"].append(np.log(bandwidth_bound(data, part.rows)[mine]) - observed)
    table: dict[str, Any] = {}
    for name, errors in methods.items():
        whole = np.concatenate(errors)
        table[name] = {metric: summary(whole[:, at]) for at, metric in enumerate(METRICS)}
    return parts, table


def coverage(data: Measurements, results: Mapping[str, Sequence[HeldOut]]) -> dict[str, dict[str, float]]:
    """Share of held-out rows inside the 80 % interval, its widths learned on the other half of the rows."""
    even, keep = np.arange(len(data)) % 2 == 0, scored(data)
    inside: dict[str, list[npt.NDArray[np.float64]]] = {gap: [] for gap in results}
    for half in (even, ~even):
        learn = [_part(each, ~half[each.rows]) for parts in results.values() for each in parts]
        widths = interval_widths(learn)
        for gap, parts in results.items():
            for each in parts:
                test = _part(each, half[each.rows] & keep[each.rows])
                errors = np.abs(test.log_error)
                held = np.where(np.isnan(errors), np.nan, errors <= half_widths(widths, test.distance, test.complete))
                inside[gap].append(held)
    return {
        gap: {metric: round(float(np.nanmean(np.concatenate(held)[:, at])), 3) for at, metric in enumerate(METRICS)}
        for gap, held in inside.items()
    }


def _part(result: HeldOut, which: Mask) -> HeldOut:
    return HeldOut(
        result.gap,
        result.rows[which],
        result.predicted[which],
        result.observed[which],
        result.distance[which],
        result.complete[which],
    )


def by_column(data: Measurements, parts: Sequence[HeldOut], column: str) -> dict[str, Any]:
    """Error of output tokens/s and TPOT per value of a column."""
    keep, names = scored(data), data.column(column)
    rows = np.concatenate([part.rows for part in parts])
    errors = np.concatenate([part.log_error for part in parts])
    table = {}
    for name in sorted(set(names[rows[keep[rows]]].tolist())):
        mine = keep[rows] & (names[rows] == name)
        rate, tpot = summary(errors[mine, 0]), summary(errors[mine, 2])
        if rate:
            table[name or "unknown"] = {"output_tok_s": rate, "tpot_ms": tpot}
    return table


def plot(results: Mapping[str, Sequence[HeldOut]], data: Measurements, directory: Path) -> None:
    """Predicted against measured, one panel per gap."""
    keep = scored(data)
    for at, metric in enumerate(METRICS):
        figure = Figure(figsize=(4 * len(results), 4))
        panels = figure.subplots(1, len(results), squeeze=False)
        for panel, (gap, parts) in zip(panels[0], results.items(), strict=True):
            rows = np.concatenate([part.rows for part in parts])
            measured = np.concatenate([part.observed for part in parts])[keep[rows], at]
            predicted = np.concatenate([part.predicted for part in parts])[keep[rows], at]
            panel.loglog(measured, predicted, ".", markersize=2, alpha=0.4)
            ends = [float(np.nanmin(measured)), float(np.nanmax(measured))]
            panel.loglog(ends, ends, "k-", linewidth=0.8)
            panel.set(title=f"{gap} held out", xlabel=f"measured {metric}", ylabel="predicted")
        figure.tight_layout()
        figure.savefig(directory / f"accuracy_{metric}.png", dpi=110)


def lines(report: Mapping[str, Any]) -> list[str]:
    """The report as a Markdown table: median / mean absolute percentage error."""
    head = "| held out | method | rows | output tok/s | TPOT | TTFT | interval holds |"
    rows = [head, "|---|---|---:|---|---|---|---:|"]
    for gap, table in report["gaps"].items():
        for method, metrics in table.items():
            cells = [
                "–" if metrics[metric] is None else f"{metrics[metric]['median']:.1f} / {metrics[metric]['mean']:.1f}"
                for metric in ("output_tok_s", "tpot_ms", "ttft_ms")
            ]
            count = max((each["rows"] for each in metrics.values() if each), default=0)
            held = f"{report['coverage'][gap]['output_tok_s']:.0%}" if method == "sextant" else ""
            rows.append(f"| {gap} | {method} | {count:,} | {' | '.join(cells)} | {held} |")
    return rows


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.accuracy", description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--gaps", nargs="+", choices=GAPS, default=list(GAPS))
    parser.add_argument("--folds", type=int, help="only the first N folds of each gap")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    data = read_measurements(options.table, load())
    start = starting_physics(physics_from(json.loads(PHYSICS.read_text(encoding="utf-8"))))
    only = None if options.folds is None else range(options.folds)
    results: dict[str, list[HeldOut]] = {}
    report: dict[str, Any] = {"rows": len(data), "gaps": {}, "breakdown": {}}
    for gap in options.gaps:
        results[gap], report["gaps"][gap] = errors_of_gap(data, start, gap, only)
        report["breakdown"][gap] = {
            column: by_column(data, results[gap], column)
            for column in ("arch_model_id", "gpu_type", "engine", "source")
        }
    report["coverage"] = coverage(data, results)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "accuracy.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    plot(results, data, options.results)
    sys.stdout.write("\n".join(lines(report)) + "\n")


if __name__ == "__main__":
    main()
