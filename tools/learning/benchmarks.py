"""Outcomes as measured points: what load tests showed, in the form of the benchmark table."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.facts import Benchmark
from knowledge.files import save_as

if TYPE_CHECKING:
    from knowledge.records import Outcome


def benchmark_of(outcome: "Outcome") -> Benchmark | None:
    """An outcome as a measured point of one replica, named as the person's own; None when the hardware is unknown."""
    if outcome.gpu_type is None or outcome.tensor_parallel is None:
        return None
    measured = {(entry.metric, entry.statistic): entry.measured for entry in outcome.measures}
    return Benchmark(
        row_id=outcome.outcome_id,
        model_id=outcome.model_id,
        arch_model_id=None,
        gpu_type=outcome.gpu_type,
        gpu_count=outcome.tensor_parallel,
        tensor_parallel=outcome.tensor_parallel,
        pipeline_parallel=None,
        data_parallel=None,
        expert_parallel=None,
        quantization=outcome.quantization,
        engine=outcome.engine,
        engine_version=None,
        serving_mode="agg",
        load_kind="open-loop",
        isl=outcome.isl_mean,
        osl=outcome.osl_mean,
        concurrency=None,
        request_rate_rps=outcome.request_rate_rps,
        ttft_mean_ms=measured.get(("ttft_ms", "mean")),
        ttft_p50_ms=measured.get(("ttft_ms", "p50")),
        ttft_p90_ms=measured.get(("ttft_ms", "p90")),
        ttft_p99_ms=measured.get(("ttft_ms", "p99")),
        tpot_mean_ms=measured.get(("tpot_ms", "mean")),
        tpot_p50_ms=measured.get(("tpot_ms", "p50")),
        tpot_p90_ms=measured.get(("tpot_ms", "p90")),
        tpot_p99_ms=measured.get(("tpot_ms", "p99")),
        e2e_mean_ms=measured.get(("e2e_ms", "mean")),
        e2e_p90_ms=measured.get(("e2e_ms", "p90")),
        output_tok_s=outcome.output_tok_s,
        requests_per_s=None,
        measured_on=outcome.measured_at[:10],
        quality="A",
        notes=f"time factor {outcome.time_factor:g}" if outcome.time_factor != 1 else "",
        source="your own deployments",
    )


def write_benchmarks(points: Sequence[Benchmark], path: Path) -> None:
    """Measured points as CSV, one column per field, whole or not at all. BadInput when it cannot be written."""
    text = StringIO(newline="")
    writer = csv.DictWriter(text, [column.name for column in fields(Benchmark)])
    writer.writeheader()
    writer.writerows(asdict(point) for point in points)
    save_as(path, text.getvalue(), field="file")
