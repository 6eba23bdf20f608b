"""A bill as one HTML page: nothing loaded from elsewhere, no script, every text escaped."""

from collections.abc import Mapping
from typing import Any

from templates.reports import report_page
from tools.invoice.charts import daily_bars, ranked_bars
from tools.invoice.report import Report, reading_json, top

BARS = 12
DAYS = 400


def html_page(report: Report, snapshot: str) -> str:
    """The page; lines are not in it (they are in the CSV and the JSON)."""
    facts: Mapping[str, Any] = report.to_json()
    summary = facts["summary"]
    charts = [
        ranked_bars("Spend by provider, USD", top(summary["by_provider"], BARS)),
        ranked_bars("Spend by model, USD", top(summary["by_model"], BARS)),
        ranked_bars("Spend by workload, USD", top(summary["by_workload"], BARS)),
    ]
    days = [entry for entry in summary["by_day"] if entry["date"] != "(no day)"][:DAYS]
    if len(days) > 1:
        charts.append(daily_bars("Spend by day, USD", days))
    return report_page("invoice", file=reading_json(report.reading), snapshot=snapshot, charts=charts, **facts)
