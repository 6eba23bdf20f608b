"""Rows of measurements from people: each is checked by itself, and every fault is one clear line."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from knowledge.errors import BadInput
from knowledge.facts import Benchmark
from knowledge.loading import decoded_rows
from knowledge.names import resolve_accelerator, resolve_model
from knowledge.snapshot import Snapshot

COLUMNS = tuple(column.name for column in fields(Benchmark))
NEEDED = ("model_id", "gpu_type", "gpu_count", "isl", "osl")
LOADS = (
    "closed_concurrency", "static_batch", "single_stream", "burst_all_at_once", "open_poisson", "open_constant",
    "open-loop", "offline_max",
)  # fmt: skip
RESULTS = ("output_tok_s", "ttft_mean_ms", "ttft_p50_ms", "tpot_mean_ms", "tpot_p50_ms")
_COUNTS = ("tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel")
_LARGEST = 1e9


@dataclass(frozen=True, slots=True)
class Checked:
    """The good rows, and one line for each bad one (all faults of a row in it)."""

    rows: tuple[Benchmark, ...]
    faults: tuple[str, ...]


def check_rows(rows: Sequence[Mapping[str, str]], snapshot: Snapshot, source: str) -> Checked:
    """Check a table; names become those of the snapshot, blank ids get the line's number, `source` names the import.

    Raises BadInput for a table that has no rows, or other columns than those of the shipped one.
    """
    if not rows:
        raise BadInput("the table has no rows", f"columns: {', '.join(COLUMNS)}", field="file")
    header = set().union(*rows)
    if unknown := sorted(header - {*COLUMNS, ""}):
        raise BadInput(f"unknown columns: {', '.join(unknown)}", f"columns: {', '.join(COLUMNS)}", field="file")
    if missing := [name for name in NEEDED if name not in header]:
        raise BadInput(f"columns are missing: {', '.join(missing)}", "they are needed in every row", field="file")
    good: list[Benchmark] = []
    faults: list[str] = []
    for line, row in enumerate(rows, start=2):
        found = list(_faults(row, snapshot))
        if not found:
            good.append(_record(row, line, snapshot, source))
        else:
            faults.append(f"line {line}: {'; '.join(found)}")
    ids = [each.row_id for each in good]
    faults += [f"row_id {name} stands for several rows" for name in sorted({i for i in ids if ids.count(i) > 1})]
    return Checked(tuple(good), tuple(faults))


def _faults(row: Mapping[str, str], snapshot: Snapshot) -> Iterator[str]:
    if row.get(""):
        yield "more cells than columns"
        return
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if blank := [name for name in NEEDED if not cells[name]]:
        yield f"{', '.join(blank)} blank"
        return
    try:
        record = _decoded(cells)
    except BadInput as error:
        yield str(error).removeprefix("row: column ")
        return
    yield from _names(cells, snapshot)
    yield from _numbers(record)
    yield from _load(record)
    if not any(getattr(record, name) for name in RESULTS):
        yield f"nothing was measured: give one of {', '.join(RESULTS)}"


def _names(cells: Mapping[str, str], snapshot: Snapshot) -> Iterator[str]:
    try:
        resolve_model(cells["arch_model_id"] or cells["model_id"], snapshot)
    except BadInput as error:
        yield f"{error.message} {error.cure}".strip()
    try:
        if resolve_accelerator(cells["gpu_type"], snapshot).gpu_type is None:
            yield f"{cells['gpu_type']} is known but not planned for"
    except BadInput as error:
        yield f"{error.message} {error.cure}".strip()


def _numbers(record: Benchmark) -> Iterator[str]:
    for column in fields(Benchmark):
        value = getattr(record, column.name)
        if isinstance(value, int | float) and not (math.isfinite(value) and 0 < value < _LARGEST):
            yield f"{column.name} must be above 0, not {value:g}"
    shape = math.prod(getattr(record, name) or 1 for name in _COUNTS[:3])
    if shape and record.gpu_count % shape:
        yield f"{record.gpu_count} cards are no multiple of tensor × pipeline × data parallel = {shape}"
    for metric in ("ttft", "tpot"):
        known = [getattr(record, f"{metric}_p{each}_ms") for each in (50, 90, 99)]
        steps = [value for value in known if value is not None]
        if steps != sorted(steps):
            yield f"{metric} percentiles fall"


def _load(record: Benchmark) -> Iterator[str]:
    if record.load_kind not in LOADS:
        yield f"load_kind {record.load_kind or 'blank'} is none of {', '.join(LOADS)}"
    elif record.load_kind.startswith("open") and record.request_rate_rps is None:
        yield f"{record.load_kind} needs request_rate_rps"
    elif record.load_kind in ("closed_concurrency", "static_batch") and record.concurrency is None:
        yield f"{record.load_kind} needs concurrency"


def _decoded(cells: Mapping[str, str]) -> Benchmark:
    usual = {"serving_mode": cells["serving_mode"] or "agg", "quality": cells["quality"] or "A"}
    (record,) = decoded_rows("row", [{**cells, **usual}], Benchmark)
    return record


def _record(row: Mapping[str, str], line: int, snapshot: Snapshot, source: str) -> Benchmark:
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    named = {
        "row_id": cells["row_id"] or f"line {line}",
        "model_id": resolve_model(cells["arch_model_id"] or cells["model_id"], snapshot),
        "gpu_type": resolve_accelerator(cells["gpu_type"], snapshot).gpu_type or "",
        "source": source,
        "source_path": cells["source_path"] or cells["source"],
    }
    return _decoded({**cells, **named})
