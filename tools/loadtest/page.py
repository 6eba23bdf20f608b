"""A report as one HTML file that needs nothing else."""

from pathlib import Path

from knowledge.files import save_as
from templates.reports import report_page
from tools.loadtest.drawing import drawings
from tools.loadtest.report import LoadReport


def page(report: LoadReport) -> str:
    """The whole page as text; everything that came from the server is escaped."""
    body = report.to_json()
    facts = [
        ("requests counted", report.requests),
        ("failed", report.failed),
        ("error rate, %", report.error_rate_percent),
        ("uptime, % of seconds with requests", report.uptime_percent),
        ("completed requests/s", report.achieved_rps),
        ("goodput (within all latency objectives), requests/s", report.goodput_rps),
        ("output tokens/s", report.output_tok_s),
        ("prompt tokens, mean", report.isl_mean),
        ("output tokens, mean", report.osl_mean),
        ("replicas driven", f"{report.replicas_driven} of {report.replicas_planned} planned"),
        ("time factor", report.time_factor),
        ("lateness of the load generator itself, p99, ms", report.late_p99_ms),
    ]
    return report_page("load", report=body, drawings=drawings(report), facts=facts)


def write_page(report: LoadReport, path: Path) -> None:
    """Write the page whole or not at all; BadInput when the place cannot be written."""
    save_as(path, page(report), field="report")
