"""Time of one engine iteration: the one function that planner, simulation and simulator share."""

import itertools
from bisect import bisect_left
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepCost:
    """Iteration time of one replica under continuous batching, in milliseconds.

    ``step = decode(batch) + kv_ms_per_token * cached_tokens + prefill_ms_per_token * prefill_tokens``

    `decode(batch)` interpolates linearly between (`batch_knots`, `decode_ms_at_knots`) and holds weight reads,
    experts touched, collectives and per-step and per-sequence overhead. `cached_tokens` is the sum over running
    sequences of tokens in their KV cache. `request_ms` is fixed time per request outside the batch (HTTP, tokenizer,
    scheduling); it adds to TTFT only.
    """

    batch_knots: tuple[int, ...]
    decode_ms_at_knots: tuple[float, ...]
    kv_ms_per_token: float
    prefill_ms_per_token: float
    request_ms: float

    def __post_init__(self) -> None:
        knots, times = self.batch_knots, self.decode_ms_at_knots
        if len(knots) != len(times) or not knots or knots[0] != 1:
            raise ValueError("step cost needs one time per batch knot, the first knot being 1")
        if any(a >= b for a, b in itertools.pairwise(knots)) or min(times) <= 0:
            raise ValueError("batch knots must rise and step times be positive")

    def decode_ms(self, batch: int) -> float:
        """Decode part of an iteration with `batch` running sequences; the last slope continues past the last knot."""
        knots, times = self.batch_knots, self.decode_ms_at_knots
        if batch <= 1 or len(knots) == 1:
            return times[0]
        high = min(max(bisect_left(knots, batch), 1), len(knots) - 1)
        low = high - 1
        slope = (times[high] - times[low]) / (knots[high] - knots[low])
        return times[low] + slope * (batch - knots[low])

    def step_ms(self, *, decode_sequences: int, cached_tokens: float, prefill_tokens: int) -> float:
        """One iteration that advances `decode_sequences` by a token each and prefills `prefill_tokens`."""
        return (
            self.decode_ms(max(decode_sequences, 1))
            + self.kv_ms_per_token * cached_tokens
            + self.prefill_ms_per_token * prefill_tokens
        )
