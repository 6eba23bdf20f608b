"""Five columns: provider, workload_type, usage_qty, usage_unit, amount_usd. They name no model unless one is added."""

from collections.abc import Sequence

from tools.invoice.readers.base import Layout, Positions, RowReader, Style, is_total, one_amount_reader
from tools.invoice.records import Subject
from tools.invoice.workloads import workload_of

COLUMNS = frozenset({"provider", "workload_type", "usage_qty", "usage_unit", "amount_usd"})


class FiveColumn:
    """Five columns, in any order; `model`, `direction`, `billing_mode`, `region` and `date` are used when present."""

    name = "five_column"
    title = "five columns"

    def recognises(self, columns: frozenset[str]) -> bool:
        return columns >= COLUMNS

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        at = Positions(columns)
        key = (
            at["provider"],
            at["workload_type"],
            at["usage_unit"],
            at.first("model", "model_key", "sku"),
            at["direction"],
            at["billing_mode"],
            at["region"],
        )
        layout = Layout(
            key,
            _subject,
            at["amount_usd"],
            at["usage_qty"],
            day=at.first("date", "day", "usage_date"),
            states_currency=False,
        )
        return one_amount_reader(layout, style)


def _subject(cells: Sequence[str]) -> Subject:
    provider, workload, unit, model, direction, mode, region = (cell.strip() for cell in cells)
    known, reason = workload_of(workload)
    return Subject(
        kind="total" if is_total(provider, workload) else "usage",
        provider=provider,
        model=model,
        workload=known,
        direction=direction.lower() or None,
        mode=mode.lower() or "per_token",
        unit=unit,
        region=region,
        description=f"{provider} {workload}".strip(),
        reason=reason,
    )
