"""Outcomes and what they teach, for a terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from templates.numbers import amount
from ui.rendering.deployments import console, verdict_text

if TYPE_CHECKING:
    from knowledge.records import Outcome
    from tools.learning import Correction, Subject


def show_outcomes(outcomes: "Sequence[Outcome]") -> None:
    """One load test per line, oldest first."""
    if not outcomes:
        console().print("no load test was run yet; begin with `sextant validate`")
        return
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("measured", "model", "accelerator", "engine", "requests/s", "requests", "failed", "verdict"):
        numeric = column.startswith("requests") or column == "failed"
        sheet.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for entry in outcomes:
        sheet.add_row(
            entry.measured_at[:16].replace("T", " "),
            entry.model_id,
            entry.gpu_type or "unknown",
            entry.engine,
            amount(entry.request_rate_rps),
            str(entry.requests),
            str(entry.errors),
            verdict_text(entry.verdict),
        )
    console().print(sheet)


def show_corrections(learned: "Mapping[Subject, Correction]") -> None:
    """By how much each prediction is corrected, and which are off beyond doubt."""
    if not learned:
        return
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("prediction of", "for", "seen", "corrected by", "80 % interval", "load tests", ""):
        sheet.add_column(column, overflow="fold")
    for subject, entry in learned.items():
        remark = "drifting: what changed?" if entry.drifting else "systematically off" if entry.biased else ""
        sheet.add_row(
            subject.metric,
            f"{subject.model_id} on {subject.gpu_type}, {subject.engine}",
            f"× {entry.raw_factor:.3g}",
            f"× {entry.factor:.3g}",
            f"{entry.low:.3g} to {entry.high:.3g}",
            str(entry.outcomes),
            Text(remark, style="yellow"),
        )
    console().print(sheet)
