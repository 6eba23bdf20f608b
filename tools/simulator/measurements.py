"""Times taken from a file of measurements instead of the latency model.

Reads CSV with the columns of `knowledge`'s benchmark table, or JSON as Compass kept it (a list, or an object with
`benchmarks`). The rows of the simulated model, accelerator and card count become the decode time at the batch they were
measured at; what prefill costs others is in those times already, so prefill itself adds none. TTFT is that of the
lightest load.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.errors import BadInput
from tools.performance.step import StepCost

_COMPASS_NAMES = {
    "model_hf_repo": "model_id",
    "hardware": "gpu_type",
    "hardware_count": "tensor_parallel",
    "mean_input_tokens": "isl",
    "mean_output_tokens": "osl",
    "requests_per_second": "request_rate",
    "ttft_mean": "ttft_mean_ms",
    "itl_mean": "tpot_mean_ms",
    "tpot_mean": "tpot_mean_ms",
    "e2e_mean": "e2e_mean_ms",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement of a replica: sequences in the batch, mean times in ms."""

    batch: float
    ttft_ms: float
    tpot_ms: float


def cost_from(path: str, *, model: str, gpu: str | None, tensor_parallel: int) -> StepCost:
    """The step cost that repeats the measurements in `path`; BadInput when it holds none that fit."""
    rows = [_renamed(row) for row in _rows(path)]
    points = [point for row in rows if _matches(row, model, gpu, tensor_parallel) and (point := _point(row))]
    if not points:
        hardware = f" on {tensor_parallel} × {gpu}" if gpu else ""
        raise BadInput(
            f"{path} has no row with TTFT, TPOT and load for {model}{hardware}",
            "columns needed: model_id, gpu_type, tensor_parallel, ttft_mean_ms, tpot_mean_ms and concurrency or "
            "request_rate with osl",
            field="benchmarks",
        )
    at_batch: dict[int, float] = {}
    highest = 0.0
    for point in sorted(points, key=lambda point: point.batch):  # a larger batch is never faster: noise is levelled
        highest = max(highest, point.tpot_ms)
        at_batch[max(1, round(point.batch))] = highest
    at_batch.setdefault(1, min(at_batch.values()))
    knots = sorted(at_batch)
    lightest = min(points, key=lambda point: point.batch)
    return StepCost(
        batch_knots=tuple(knots),
        decode_ms_at_knots=tuple(at_batch[knot] for knot in knots),
        kv_ms_per_token=0.0,
        prefill_ms_per_token=0.0,
        request_ms=max(0.0, lightest.ttft_ms - at_batch[1]),
    )


def _rows(path: str) -> list[Mapping[str, Any]]:
    try:
        text = Path(path).read_text("utf-8-sig")
        if not path.lower().endswith(".json"):
            return list(csv.DictReader(text.splitlines()))
        data = json.loads(text)
        found = data.get("benchmarks") if isinstance(data, dict) else data
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    except OSError as error:
        raise BadInput(f"cannot read benchmarks {path}: {error.strerror}", field="benchmarks") from None
    except (ValueError, csv.Error) as error:
        raise BadInput(f"{path} is neither CSV nor JSON with benchmarks: {error}", field="benchmarks") from None


def _renamed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {_COMPASS_NAMES.get(str(name), str(name)): value for name, value in row.items()}


def _matches(row: Mapping[str, Any], model: str, gpu: str | None, tensor_parallel: int) -> bool:
    """Same model; same accelerator and card count where the row states them."""
    names = {str(row.get(name, "")).lower() for name in ("model_id", "arch_model_id")}
    if model.lower() not in names:
        return False
    stated, cards = str(row.get("gpu_type") or "").lower(), _number(row.get("tensor_parallel"))
    known = (gpu or "").lower()
    return (not known or not stated or stated in known or known in stated) and cards in (None, tensor_parallel)


def _point(row: Mapping[str, Any]) -> Point | None:
    ttft, tpot, osl = (_number(row.get(name)) for name in ("ttft_mean_ms", "tpot_mean_ms", "osl"))
    batch, rate = _number(row.get("concurrency")), _number(row.get("request_rate"))
    if not ttft or not tpot:
        return None
    if batch is None and rate and osl:
        batch = rate * (ttft + (osl - 1) * tpot) / 1000  # Little's law
    return Point(batch, ttft, tpot) if batch else None


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None
