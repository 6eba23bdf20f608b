"""How long people wait for the first token: the simulated requests of an option, counted by their TTFT."""

from dataclasses import dataclass

import numpy as np

from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.planner.network import served
from tools.planner.option import Option
from tools.planner.refinement import SEED, trial_of
from tools.planner.traffic import TrafficProfile
from tools.simulation.result import Floats

RUNS = 4
BINS = 48

_SHOWN_SHARE = 0.995  # of the requests: the few longest waits stand in the last bin


@dataclass(frozen=True, slots=True)
class Waiting:
    """Requests by TTFT at the planned peak: `counts` of them between successive `edges_ms`, longer ones in the last.

    `within_share` meets the target; `runs` simulations, each with arrivals and lengths drawn anew.
    """

    option_id: str
    edges_ms: tuple[float, ...]
    counts: tuple[int, ...]
    p50_ms: float
    p90_ms: float
    p99_ms: float
    target_ms: float
    within_share: float
    requests: int
    runs: int


def waiting(
    option: Option, traffic: TrafficProfile, experience: Experience = NO_EXPERIENCE, *, runs: int = RUNS
) -> Waiting | None:
    """What `runs` simulations found together; None for APIs. The same every time."""
    seen: list[Floats] = []
    for run in range(runs):
        trial = trial_of(option, traffic, experience, seed=SEED + run)
        if trial is None or option.replicas is None:
            return None
        seen.append(trial.run(option.replicas).samples["ttft_ms"])
    allowed_ms = served(traffic.targets, option.network_ms).ttft_ms
    return _counted(option, np.concatenate(seen), allowed_ms, runs)


def _counted(option: Option, ttft_ms: Floats, target_ms: float, runs: int) -> Waiting:
    last = float(np.quantile(ttft_ms, _SHOWN_SHARE))
    width = max(last, target_ms * 0.5) / BINS
    edges = width * np.arange(BINS + 1)
    counts, _ = np.histogram(np.minimum(ttft_ms, edges[-1]), edges)
    p50, p90, p99 = np.percentile(ttft_ms, (50, 90, 99)).tolist()
    return Waiting(
        option_id=option.id,
        edges_ms=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        target_ms=target_ms,
        within_share=float((ttft_ms <= target_ms).mean()),
        requests=len(ttft_ms),
        runs=runs,
    )
