"""Load-testing OpenAI-compatible endpoints: open-loop load, honest percentiles, a verdict per objective.

`await validate(url_or_urls, LoadPlan(...), on_progress=...)` returns a LoadReport.
"""

from tools.loadtest.plan import LoadPlan
from tools.loadtest.report import LoadReport, SloResult
from tools.loadtest.runner import LoadProgress
from tools.loadtest.slo import Slo, read_slo
from tools.loadtest.validation import validate

__all__ = ["LoadPlan", "LoadProgress", "LoadReport", "Slo", "SloResult", "read_slo", "validate"]
