"""Fields as people call them, within sentences that name them, and refusals as a card says them."""

import re
from typing import Any

from agent.card import GROUPS
from knowledge.errors import SextantError

LABELS = {line.path: line for _, lines in GROUPS for line in lines}
"""The lines of the card by the path that they edit."""

_OBJECTIVE = re.compile(r"\b(e2e_perceived|ttft|tpot|e2e)_(p\d+|mean)_ms\b( \d(?:[\d.,]*\d)?)?")
_METRIC = re.compile(r"\b(e2e_perceived|ttft|tpot|e2e)\b")
_TITLES = {"ttft": "TTFT", "tpot": "TPOT", "e2e": "E2E", "e2e_perceived": "E2E perceived"}


def worded(text: str) -> str:
    """`ttft_p90_ms 586 is above 300` as `TTFT p90 586 ms is above 300`, and `ttft_p90_ms` as `TTFT p90 (ms)`."""
    named = _OBJECTIVE.sub(lambda found: f"{_TITLES[found[1]]} {found[2]}{_ms(found[3])}", text)
    named = _METRIC.sub(lambda found: _TITLES[found[1]], named)
    return named.replace("error_rate_percent", "error rate (%)")


def _ms(figure: str | None) -> str:
    return " (ms)" if figure is None else f"{figure} ms"


def refusal(error: SextantError) -> dict[str, Any]:
    """What a card is answered: the words beside the field that they are about, whose name stands there already."""
    field = getattr(error, "field", None) or ""
    line = LABELS.get(field)
    if line is None:
        return {"errors": {field: " ".join(filter(None, (error.message, error.cure)))}}
    told = error.message.removeprefix(f"{field}: ").replace(field, line.label)
    return {"errors": {field: told[:1].upper() + told[1:]}}
