"""One request as it was measured. Times are model time: wall-clock time multiplied by the time factor."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FIELDS: Mapping[str, str] = {"ttft": "ttft_ms", "tpot": "tpot_ms", "e2e": "e2e_ms", "e2e_perceived": "perceived_ms"}
"""Where a sample holds each latency."""

PERCEIVED_TOKENS = 20
PERCEIVED_FACTOR = 1.2


@dataclass(frozen=True, slots=True)
class Sample:
    """A sent request. Latencies count from the moment it was due, so a slow server cannot hide behind a late client.

    `due_s` and `ended_s` count from the start of the run; `late_ms` is how much after its time it was really sent.
    `error` is empty when it was answered in full, else the kind; latencies are then None.
    """

    due_s: float
    late_ms: float
    ended_s: float
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    e2e_ms: float | None = None
    prompt_tokens: int | None = None
    output_tokens: int = 0
    error: str = ""
    detail: str = ""

    @property
    def perceived_ms(self) -> float | None:
        """What the reader of a stream waits for: TTFT and the first tokens, with a margin (see `Slo`)."""
        if self.ttft_ms is None:
            return None
        return self.ttft_ms + PERCEIVED_FACTOR * min(PERCEIVED_TOKENS, self.output_tokens) * (self.tpot_ms or 0.0)


def latencies(samples: Sequence[Sample], metric: str, *, since_sent: bool = False) -> list[float]:
    """One number per request, in rising order: infinite where it failed.

    Counted from when requests were due or, with `since_sent`, from when they were really sent. Answers of one token
    have no TPOT and are left out of it.
    """
    numbers = []
    for sample in samples:
        value = math.inf if sample.error else getattr(sample, FIELDS[metric])
        if value is not None:
            numbers.append(value - sample.late_ms if since_sent and metric != "tpot" else value)
    return sorted(numbers)
