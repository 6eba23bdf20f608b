"""How much one load test may teach: `python -m evals.benchmarks.learning TABLE.csv`.

Pairs of model and accelerator are held out as in `evals.benchmarks.accuracy`. The errors of their predictions (log of
measured over predicted) are split into what all measurements of a pair share and how they differ among themselves:
medians and median absolute deviations, because a few sources are far off. From both follows how much a single outcome
should count; beside it stands the weight that would have corrected the pair's other measurements best.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge.snapshot import load
from tools.performance.calibration import PHYSICS, physics_from
from tools.performance.estimation import METRICS
from tools.performance.fitting.crossvalidation import held_out
from tools.performance.fitting.measurements import Measurements, read_measurements
from tools.performance.fitting.start import KERNEL, starting_physics
from tools.performance.points import Floats

_FEWEST = 4
_NORMAL_MAD = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
_LOADS = ("closed", "open")


def components(groups: Sequence[Floats]) -> tuple[float, float]:
    """Standard deviations of the errors that groups share, and within groups."""
    middles = np.array([np.median(group) for group in groups])
    within = np.concatenate([group - np.median(group) for group in groups])
    return _spread(middles - np.median(middles)), _spread(within)


def _spread(values: Floats) -> float:
    return _NORMAL_MAD * float(np.median(np.abs(values)))


def best_weight(groups: Sequence[Floats]) -> float:
    """The weight of one measurement that leaves the least mean absolute log error on the others of its group."""
    weights = np.linspace(0, 1, 21)
    left = np.zeros_like(weights)
    for group in groups:
        pairs = np.abs(group[None, :, None] - weights * group[:, None, None])
        others = ~np.eye(len(group), dtype=bool)
        left += pairs[others].mean(axis=0)
    return float(weights[left.argmin()])


def errors(data: Measurements) -> tuple[Floats, list[str]]:
    """Log errors (rows × metrics) of held-out pairs, and which pair each row belongs to."""
    start = starting_physics(physics_from(json.loads(PHYSICS.read_text())))
    found = np.full((len(data), len(METRICS)), np.nan)
    for part in held_out(data, start, KERNEL, "model_gpu"):
        found[part.rows] = part.log_error
    names = zip(*(data.column(name) for name in ("arch_model_id", "gpu_type", "engine")), strict=True)
    return found, ["|".join(map(str, name)) for name in names]


def main() -> None:
    """Print both spreads, the share and the weights, for TTFT and TPOT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    data = read_measurements(parser.parse_args().table, load())
    found, names = errors(data)
    pair, usual = np.array(names), (data.column("quality") == "A") & (data.column("serving_mode") == "agg")
    usual &= np.isin([work.load for work in data.work], _LOADS)
    for metric in ("ttft_ms", "tpot_ms"):
        values = found[:, METRICS.index(metric)]
        kept = usual & np.isfinite(values)
        groups = [values[kept & (pair == name)] for name in sorted(set(pair[kept]))]
        groups = [group for group in groups if len(group) >= _FEWEST]
        shared, within = components(groups)
        sys.stdout.write(
            f"{metric}: {len(groups)} pairs, {sum(map(len, groups))} measurements; shared {shared:.2f}, within "
            f"{within:.2f}, together {np.hypot(shared, within):.2f}; share {shared**2 / (shared**2 + within**2):.2f}; "
            f"best weight of one measurement {best_weight(groups):.2f}\n"
        )


if __name__ == "__main__":
    main()
