"""Plots as files: latency against load with what was measured, and the options of a plan with their Pareto front.

`python -m evals.benchmarks.plots` writes latency_against_load.png and pareto.png to evals/benchmarks/results/.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from knowledge.facts import Benchmark
from knowledge.snapshot import Snapshot, load
from tools.intent import Intent
from tools.performance import predict
from tools.performance.rows import Workload, workloads
from tools.planner import plan

RESULTS = Path(__file__).parent / "results"
INTENT = Intent.model_validate({"task_type": "chatbot", "total_users": 1000, "priority": "balanced"})
CURVES = 6
_FEWEST_LOADS = 5
_LENGTHS = ("arch_model_id", "gpu_type", "gpu_count", "tensor_parallel", "quantization", "engine", "isl", "osl")
_SAME = (*_LENGTHS, "data_parallel", "expert_parallel", "engine_version")


def measured_curves(rows: Sequence[Benchmark], count: int = CURVES) -> list[list[Benchmark]]:
    """The measured curves with most loads, one per pair of model and GPU: closed loops with both times, by load."""
    found: dict[tuple[object, ...], dict[float, Benchmark]] = defaultdict(dict)
    for row in rows:
        whole = row.ttft_mean_ms and row.tpot_mean_ms and row.gpu_count == row.tensor_parallel
        if row.load_kind == "closed_concurrency" and row.serving_mode == "agg" and row.concurrency and whole:
            found[tuple(getattr(row, name) for name in _SAME)][row.concurrency] = row
    ranked = sorted(found.values(), key=len, reverse=True)
    best: dict[tuple[object, ...], list[Benchmark]] = {}
    for curve in ranked:
        if len(curve) >= _FEWEST_LOADS:
            line = [curve[at] for at in sorted(curve)]
            best.setdefault((line[0].arch_model_id, line[0].gpu_type), line)
    return list(best.values())[:count]


def latency_against_load(snapshot: Snapshot) -> Figure:
    """TTFT and TPOT along the concurrency: predicted with its 80 % interval, and measured."""
    curves = measured_curves(snapshot.benchmarks)
    figure = Figure(figsize=(3.6 * len(curves), 6.5))
    panels = figure.subplots(2, len(curves), squeeze=False)
    for column, curve in enumerate(curves):
        asked = _asked(curve[0], snapshot)
        most = max(row.concurrency or 1 for row in curve)
        axis = np.geomspace(1, most * 2, 14)
        answers = [predict(asked.configuration, isl=asked.isl, osl=asked.osl, concurrency=at) for at in axis]
        for row, metric in enumerate(("ttft_ms", "tpot_ms")):
            panel: Axes = panels[row][column]
            low, high = zip(*(answer.interval_80[metric] for answer in answers), strict=True)
            panel.fill_between(axis, low, high, alpha=0.2, label="80 % interval")
            panel.plot(axis, [getattr(answer, metric).mean for answer in answers], label="predicted")
            points = [(each.concurrency, getattr(each, metric.replace("_ms", "_mean_ms"))) for each in curve]
            panel.plot(*zip(*points, strict=True), "k.", label="measured")
            panel.set(
                xscale="log", yscale="log", xlabel="requests in flight", ylabel=metric.replace("_ms", " ms").upper()
            )
        what = f"{curve[0].model_id.split('/')[-1]}, {curve[0].gpu_count} × {curve[0].gpu_type.split('-')[1]}"
        panels[0][column].set_title(f"{what}\n{curve[0].engine}, {asked.isl:g} in, {asked.osl:g} out", fontsize=9)
    panels[0][0].legend(fontsize=8)
    figure.tight_layout()
    return figure


def _asked(row: Benchmark, snapshot: Snapshot) -> Workload:
    cells = {name: str(getattr(row, name) or "") for name in (*_SAME, "pipeline_parallel", "serving_mode")}
    return workloads([cells | {"model_id": row.model_id}], snapshot)[0]


def pareto(snapshot: Snapshot) -> Figure:
    """Every option of a plan by bill and answer time, coloured by quality; rings mark the Pareto front."""
    found = plan(INTENT, snapshot, limit=400)
    figure = Figure(figsize=(8, 5.5))
    panel = figure.subplots()
    hosted = [each for each in found.options if each.predicted is not None]
    front = set(found.lists["pareto"])
    usd = [each.cost.monthly_usd or np.nan for each in hosted]
    seconds = [each.predicted.e2e_ms.at_target / 1e3 for each in hosted if each.predicted is not None]
    dots = panel.scatter(usd, seconds, c=[each.quality.score or np.nan for each in hosted], s=14)
    best = [at for at, each in enumerate(hosted) if each.id in front]
    panel.scatter([usd[at] for at in best], [seconds[at] for at in best], facecolors="none", edgecolors="red", s=60)
    panel.set(xscale="log", xlabel="USD a month", ylabel=f"answer time p{found.traffic.targets.percentile}, s")
    panel.set_title(f"{len(hosted)} self-hosted options of a chatbot for 1,000 people; ring: Pareto front")
    figure.colorbar(dots, label="quality")
    figure.tight_layout()
    return figure


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.plots", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    snapshot = load()
    for name, draw in (("latency_against_load", latency_against_load), ("pareto", pareto)):
        path = options.results / f"{name}.png"
        draw(snapshot).savefig(path, dpi=110)
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
