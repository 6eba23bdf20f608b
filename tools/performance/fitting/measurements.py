"""Measured points as arrays: what was asked, and what came out."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge.snapshot import Snapshot
from tools.performance.calibration import ServingClass
from tools.performance.loads import Loads, classes, loads
from tools.performance.points import Floats, Points, points
from tools.performance.rows import Workload, number, workloads

METRICS = ("output_tok_s", "ttft_ms", "tpot_ms")
_LEAST_TOK_S = 20.0  # MLPerf tables carry the number of cards in the rate's column of some rows


@dataclass(frozen=True, slots=True)
class Measurements:
    """Points with their measured means (NaN: not measured); `observed` has one column per metric, per replica."""

    rows: tuple[Mapping[str, str], ...]
    work: tuple[Workload, ...]
    points: Points
    loads: Loads
    classes: tuple[ServingClass, ...]
    class_of: npt.NDArray[np.intp]
    observed: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: npt.NDArray[Any]) -> "Measurements":
        """The measurements of `which` (indices or a mask)."""
        kept = np.arange(len(self))[which]
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("rows", "work"):
            values[name] = tuple(values[name][each] for each in kept)
        for name in ("points", "loads"):
            values[name] = values[name].take(kept)
        for name in ("class_of", "observed", "weight"):
            values[name] = values[name][kept]
        return Measurements(**values)

    def column(self, name: str) -> npt.NDArray[np.str_]:
        """One text column of the table."""
        return np.array([row.get(name) or "" for row in self.rows])


def read_measurements(path: Path, snapshot: Snapshot) -> Measurements:
    """Read a table of measurements (columns of the shipped benchmarks)."""
    with path.open(encoding="utf-8", newline="") as file:
        return measurements(list(csv.DictReader(file)), snapshot)


def measurements(rows: Sequence[Mapping[str, str]], snapshot: Snapshot) -> Measurements:
    """Arrays of `rows`."""
    work = workloads(rows, snapshot)
    asked = loads(work)
    distinct, member = classes(work)
    return Measurements(
        rows=tuple(rows),
        work=tuple(work),
        points=points([each.configuration for each in work]),
        loads=asked,
        classes=tuple(distinct),
        class_of=member,
        observed=observed(rows) / np.stack([asked.replicas, *[np.ones(len(rows))] * 2], axis=1),
        weight=_weights(rows),
    )


def observed(rows: Sequence[Mapping[str, str]]) -> Floats:
    """Measured output tokens/s of the deployment, mean TTFT and mean TPOT in ms; NaN where a row has none.

    Medians stand in for means that are not published. In a closed loop the rate follows by Little's law.
    """
    table = np.full((len(rows), 3), np.nan)
    for at, row in enumerate(rows):
        ttft = number(row.get("ttft_mean_ms")) or number(row.get("ttft_p50_ms"))
        tpot = number(row.get("tpot_mean_ms")) or number(row.get("tpot_p50_ms"))
        rate = number(row.get("output_tok_s"))
        osl, flight = number(row.get("osl")), number(row.get("concurrency"))
        closed = row.get("load_kind") == "closed_concurrency"
        if rate is None and closed and ttft and tpot and osl and flight:
            rate = flight * osl / (ttft + (osl - 1) * tpot) * 1e3
        if rate is not None and rate < _LEAST_TOK_S and (row.get("load_kind") or "").startswith("mlperf"):
            rate = None
        table[at] = [np.nan if value is None else value for value in (rate, ttft, tpot)]
    return table


def _weights(rows: Sequence[Mapping[str, str]]) -> Floats:
    """Rows of a large source count less, so that no source drowns the others: 1/sqrt(rows of the source)."""
    sources = np.array([row.get("source") or "" for row in rows])
    _, source_of, count = np.unique(sources, return_inverse=True, return_counts=True)
    quality = np.array([1.0 if row.get("quality") == "A" else 0.5 for row in rows])
    weight = quality / np.sqrt(count[source_of])
    return np.asarray(weight / weight.mean(), dtype=np.float64)
