"""Further measurements: they move what resembles them, leave the rest, and change nothing where they agree."""

from dataclasses import replace

import numpy as np
import pytest

from knowledge.facts import Benchmark
from knowledge.snapshot import load
from tools.performance import Configuration, Prediction, predict
from tools.performance.calibration import load_physics
from tools.performance.conditioning import conditioned, further, log_gaps
from tools.performance.residual import Residual, corrections, load_residual

SNAPSHOT = load()
NEAR = ("meta-llama/Llama-3.1-8B-Instruct", "NVIDIA-L4-24GB")
FAR = ("meta-llama/Llama-3.3-70B-Instruct", "NVIDIA-H200-141GB-SXM")
POINT = replace(
    next(row for row in SNAPSHOT.benchmarks if row.load_kind == "closed_concurrency" and row.engine == "vllm"),
    row_id="mine", model_id=NEAR[0], arch_model_id=None, gpu_type=NEAR[1], gpu_count=1, tensor_parallel=1,
    pipeline_parallel=None, data_parallel=None, expert_parallel=None, quantization="fp8", engine_version=None,
    isl=1024.0, osl=256.0, concurrency=8.0, ttft_mean_ms=600.0, tpot_mean_ms=60.0, output_tok_s=None,
    requests_per_s=None, ttft_p50_ms=None, tpot_p50_ms=None, measured_on=None, quality="A", notes="", source="mine",
)  # fmt: skip


def after(*rows: Benchmark) -> Residual:
    return conditioned(load_residual(), load_physics(), further(rows, SNAPSHOT))


def predicted(where: tuple[str, str], residual: Residual | None = None, concurrency: float = 8) -> Prediction:
    configuration = Configuration(SNAPSHOT.models[where[0]], SNAPSHOT.accelerators[where[1]], "fp8")
    return predict(configuration, isl=1024, osl=256, concurrency=concurrency, residual=residual)


def test_the_point_itself_is_reproduced_within_its_noise() -> None:
    found = predicted(NEAR, after(POINT))
    assert found.tpot_ms.mean == pytest.approx(60, rel=0.05)
    assert found.ttft_ms.mean == pytest.approx(600, rel=0.08)
    assert found.evidence.kind == "measured"


def test_the_pull_fades_with_distance() -> None:
    learned = after(POINT)
    before, now = (predicted(FAR, each).tpot_ms.mean for each in (None, learned))
    moved = abs(np.log(now / before))
    assert moved < 0.05
    assert abs(np.log(predicted(NEAR, learned).tpot_ms.mean / predicted(NEAR).tpot_ms.mean)) > 5 * moved


def test_a_point_that_agrees_changes_nothing() -> None:
    data = further((POINT,), SNAPSHOT)
    gaps, _ = log_gaps(data, load_physics(), load_residual())
    assert POINT.ttft_mean_ms is not None
    assert POINT.tpot_mean_ms is not None
    agreeing = replace(
        POINT,
        output_tok_s=float(data.observed[0, 0] / np.exp(gaps[0, 0])),
        ttft_mean_ms=float(POINT.ttft_mean_ms / np.exp(gaps[0, 1])),
        tpot_mean_ms=float(POINT.tpot_mean_ms / np.exp(gaps[0, 2])),
    )
    found = after(agreeing)
    assert np.allclose(found.weights[-1], 0, atol=1e-5)
    assert np.allclose(found.weights[:-1], load_residual().weights, atol=1e-5)


def test_two_equal_points_pull_harder_than_one_and_no_further_than_both() -> None:
    one, both = after(POINT), after(POINT, replace(POINT, row_id="again"))
    single, double = (predicted(NEAR, each).tpot_ms.mean for each in (one, both))
    assert abs(double - 60) <= abs(single - 60) + 0.2


def test_repeated_shipped_rows_do_not_move_their_own_prediction_far() -> None:
    row = next(
        each for each in SNAPSHOT.benchmarks
        if each.load_kind == "closed_concurrency" and each.engine == "vllm" and each.tpot_mean_ms and each.ttft_mean_ms
        and each.quantization and each.tensor_parallel and each.serving_mode == "agg"
    )  # fmt: skip
    gaps, _ = log_gaps(further((row,), SNAPSHOT), load_physics(), load_residual())
    left, _ = log_gaps(further((row,), SNAPSHOT), load_physics(), after(row))
    assert np.nanmax(np.abs(left)) <= np.nanmax(np.abs(gaps)) + 1e-6


def test_the_same_rows_give_the_same_residual() -> None:
    assert after(POINT).digest == after(POINT).digest


def test_screening_sees_the_points_too() -> None:
    learned = after(POINT)
    _, answer = log_gaps(further((POINT,), SNAPSHOT), load_physics(), learned)
    found = corrections(learned, answer.question.configuration, answer.question.load)
    assert found.distance[0] == pytest.approx(0, abs=1e-3)
