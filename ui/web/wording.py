"""Objectives as people call them, within sentences that name them as fields."""

import re

_OBJECTIVE = re.compile(r"\b(e2e_perceived|ttft|tpot|e2e)_(p\d+|mean)_ms\b")
_TITLES = {"ttft": "TTFT", "tpot": "TPOT", "e2e": "E2E", "e2e_perceived": "E2E perceived"}


def worded(text: str) -> str:
    """`ttft_p90_ms 586 is above 300` as `TTFT p90 (ms) 586 is above 300`."""
    named = _OBJECTIVE.sub(lambda found: f"{_TITLES[found[1]]} {found[2]} (ms)", text)
    return named.replace("error_rate_percent", "error rate percent")
