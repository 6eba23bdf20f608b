"""The accuracy benchmark refits without what it predicts, and says how its baselines do."""

import json
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pytest

from evals.benchmarks.accuracy import coverage, errors_of_gap, lines, plot
from knowledge.snapshot import load
from tools.performance.calibration import PHYSICS, physics_from
from tools.performance.fitting.crossvalidation import GAPS, folds
from tools.performance.fitting.measurements import Measurements, measurements
from tools.performance.fitting.percentiles import percentile_ratios
from tools.performance.fitting.start import starting_physics

SNAPSHOT = load()
START = starting_physics(physics_from(json.loads(PHYSICS.read_text(encoding="utf-8"))))


def table(step: int) -> Measurements:
    rows: list[Mapping[str, str]] = [
        {name: "" if value is None else str(value) for name, value in asdict(row).items()}
        for row in SNAPSHOT.benchmarks[::step]
    ]
    return measurements(rows, SNAPSHOT)


@pytest.mark.parametrize("gap", GAPS)
def test_what_is_held_out_together_shares_a_fold(gap: str) -> None:
    data = table(20)
    fold = folds(data, gap)
    names = {"model_gpu": ("arch_model_id", "gpu_type"), "gpu": ("gpu_type",), "source": ("source",)}
    keys = ["|".join(cells) for cells in zip(*(data.column(name) for name in names.get(gap, ("row_id",))), strict=True)]
    seen: dict[str, int] = {}
    for key, number in zip(keys, fold.tolist(), strict=True):
        assert seen.setdefault(key, number) == number
    assert len(set(fold.tolist())) > 1


def test_the_model_beats_its_baselines_on_unseen_points() -> None:
    data = table(12)
    parts, errors = errors_of_gap(data, START, "point", [0])
    rates = {method: errors[method]["output_tok_s"]["median"] for method in errors}
    assert rates["sextant"] < rates["lookup"] < rates["bandwidth bound"]
    held = coverage(data, {"point": parts})
    assert 0.5 < held["point"]["output_tok_s"] <= 1
    assert len(lines({"gaps": {"point": errors}, "coverage": held})) == 5
    assert np.isfinite(parts[0].predicted).all()


def test_plots_are_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("plots")
    data = table(60)
    parts, _ = errors_of_gap(data, START, "point", [0])
    plot({"point": parts}, data, directory)
    assert len(list(directory.glob("accuracy_*.png"))) == 3


def test_percentile_shapes_come_from_rows_that_publish_them() -> None:
    rows = [
        {"source": "x", "ttft_mean_ms": "100", "ttft_p50_ms": "90", "ttft_p90_ms": "150", "ttft_p99_ms": "220"}
        | {"tpot_mean_ms": "10", "tpot_p50_ms": "10", "tpot_p90_ms": "11", "tpot_p99_ms": "12"}
    ] * 40
    ratios = percentile_ratios(rows)
    assert ratios is not None
    assert ratios["ttft"] == {"p50": 0.9, "p90": 1.5, "p99": 2.2}
    assert ratios["tpot"]["p99"] == 1.2
    assert percentile_ratios(rows[:3]) is None
