"""When requests are due: offsets in seconds from the start of the run, rising, all before its end.

Pure: the generator of randomness is an argument.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Literal

Pattern = Literal["steady", "poisson", "bursty", "trace"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of constant mean rate, `rate_rps` for `duration_s`."""

    rate_rps: float
    duration_s: float


def steady(rate_rps: float, duration_s: float) -> Iterator[float]:
    """Evenly spaced, the first at once."""
    for index in count():
        due = index / rate_rps
        if due >= duration_s:
            return
        yield due


def renewal(rate_rps: float, duration_s: float, cv: float, random: Random) -> Iterator[float]:
    """Gamma-distributed gaps with coefficient of variation `cv`: 1 is a Poisson process, above 1 comes in bursts."""
    shape = 1 / (cv * cv)
    due = random.gammavariate(shape, 1 / (rate_rps * shape))
    while due < duration_s:
        yield due
        due += random.gammavariate(shape, 1 / (rate_rps * shape))


def trace(timestamps_s: Iterable[float], duration_s: float) -> Iterator[float]:
    """Recorded arrival times, moved to start at zero and cut at the end of the run."""
    ordered = sorted(timestamps_s)
    return (moment - ordered[0] for moment in ordered if moment - ordered[0] < duration_s)


def arrivals(
    pattern: Pattern, stages: Iterable[Stage], *, cv: float, random: Random, timestamps_s: Iterable[float] = ()
) -> Iterator[float]:
    """Arrivals over consecutive stages (one stage: constant mean rate; several: a rate sweep).

    `cv` counts for `bursty` only; `timestamps_s` for `trace` only, whose rate is its own.
    """
    begin_s = 0.0
    for stage in stages:
        if pattern == "trace":
            offsets = trace(timestamps_s, stage.duration_s)
        elif pattern == "steady":
            offsets = steady(stage.rate_rps, stage.duration_s)
        else:
            offsets = renewal(stage.rate_rps, stage.duration_s, cv if pattern == "bursty" else 1.0, random)
        end_s = begin_s + stage.duration_s
        yield from (begin_s + offset for offset in offsets if begin_s + offset < end_s)  # a sum may round up to the end
        begin_s = end_s
