"""`--custom-histogram-buckets`: own bucket bounds for the families of histograms that vLLM 0.33 names.

A list replaces the bounds of its family; they must be positive, finite and strictly increasing, and a family that is
not known is refused, as vLLM does (`docs/usage/metrics.md` there).
"""

import itertools
import json
import math
from collections.abc import Mapping

from knowledge.errors import BadInput
from tools.simulator.metrics import FAMILIES

_MOST_BOUNDS = 1000


def read_buckets(text: str | None) -> Mapping[str, tuple[float, ...]]:
    """Bounds by family from vLLM's JSON; none when nothing was said. Raises BadInput naming the fault."""
    if text is None:
        return {}
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise _refused(f"{text[:60]!r} is not a JSON object of lists")
    for family, bounds in given.items():
        if family not in FAMILIES:
            raise _refused(f"knows no family {family[:40]!r}, but {', '.join(FAMILIES)}")
        if not _are_bounds(bounds):
            raise _refused(f"needs positive, strictly increasing numbers for {family}")
    return {family: tuple(float(bound) for bound in bounds) for family, bounds in given.items()}


def _are_bounds(given: object) -> bool:
    if not isinstance(given, list) or not 0 < len(given) <= _MOST_BOUNDS:
        return False
    if not all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in given):
        return False
    return all(low < high for low, high in itertools.pairwise((0.0, *given, math.inf)))


def _refused(what: str) -> BadInput:
    return BadInput(
        f"custom-histogram-buckets {what}", 'such as {"time_to_first_token": [0.1, 0.2, 0.5]}',
        field="custom_histogram_buckets",
    )  # fmt: skip
