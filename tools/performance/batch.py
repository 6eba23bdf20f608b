"""A table of configurations under load, predicted row by row: the batch form of `predict`."""

import csv
import io

import numpy as np

from knowledge.errors import BadInput
from knowledge.snapshot import Snapshot
from tools.performance.calibration import load_physics
from tools.performance.estimation import METRICS, estimate
from tools.performance.evidence import evidence_kinds
from tools.performance.residual import Residual, load_residual
from tools.performance.rows import workloads

COLUMNS = ("pred_ttft_ms", "pred_tpot_ms", "pred_output_tok_s", "pred_low", "pred_high", "pred_evidence")


def predict_table(text: str, snapshot: Snapshot, residual: Residual | None = None) -> tuple[str, int]:
    """The CSV `text` with prediction columns added, and its number of rows. Every row is answered.

    Columns are those of the shipped benchmarks; missing or unusable cells count as blank. `pred_low` and `pred_high`
    bound 80 % of measured output tokens/s. Raises BadInput for a table without header or rows that name nothing.
    """
    reader = csv.reader(io.StringIO(text))
    try:
        header = next(reader, [])
        cells = [row for row in reader if row]
    except csv.Error as error:
        raise BadInput(f"the table is not CSV: {error}", "save it as comma-separated values") from error
    if not {"model_id", "arch_model_id", "params_b"} & set(header):
        raise BadInput("the table has no column model_id", "name the columns as in the benchmarks", field="model_id")
    width = len(header)
    rows = [dict(zip(header, row, strict=False)) for row in cells]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*header, *COLUMNS])
    if rows:
        learned = residual or load_residual()
        work = workloads(rows, snapshot)
        answer = estimate(work, load_physics(), learned)
        rate = answer.output_tok_s * answer.question.loads.replicas
        wide = np.exp(answer.half_width[:, METRICS.index("output_tok_s")])
        numbers = np.stack([answer.ttft_ms, answer.tpot_ms, rate, rate / wide, rate * wide], axis=1).tolist()
        kinds = evidence_kinds(work, answer, learned)
        writer.writerows(
            [*row[:width], *[""] * (width - len(row)), *(f"{value:.6g}" for value in values), kind]
            for row, values, kind in zip(cells, numbers, kinds, strict=True)
        )
    return table.getvalue(), len(rows)
