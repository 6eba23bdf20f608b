"""Speed and fidelity of the simulation: `python -m evals.benchmarks.simulation [speed|fidelity|overload]`.

Fidelity replays the open-loop TensorRT-LLM runs of the benchmark table (Llama 3.1 8B and 70B on H100 and H200, 500
Poisson requests each) with four numbers calibrated per pair: step intercept and slope, prefill per token, fixed time.
Scored with arrivals drawn anew, with the spread between draws beside it: the published figures are of one draw.
`held out` leaves each length class out of the calibration that predicts it.

Overload sets the closed form of the planner beside the simulation at rates up to twice what a replica can carry.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import mean, median, stdev

from knowledge import snapshot
from knowledge.facts import Benchmark, Lengths
from tools.memory import native_precision
from tools.performance import Configuration, predict
from tools.performance.step import StepCost
from tools.scheduler import Limits
from tools.simulation import Traffic, constant, simulate
from tools.simulation.calibration import Measured, calibrate, replay
from tools.simulation.rate import saturation_rps
from tools.simulator.replica import Wanted, replica

SOURCE = "trtllm-online-serving"
LIMITS = Limits(max_num_seqs=2048, max_num_batched_tokens=8192, kv_blocks=30_000)
CHAT = Lengths(mean=1000, p50=820, p90=1850, p99=3300), Lengths(mean=200, p50=165, p90=370, p99=660)
H100_8B = StepCost((1, 8, 64, 256), (7.0, 7.5, 11.0, 22.0), 5.5e-5, 0.017, 5.0)
_FIT_SEED, _SCORE_SEEDS = 0, (11, 12, 13, 14, 15)
_OVERLOADED = (("Llama-3.1-8B-Instruct", "H100", 1, 1000, 200), ("Llama-3.1-70B-Instruct", "H100", 4, 1000, 500),
               ("Llama-3.1-8B-Instruct", "L4", 1, 1000, 500))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Score:
    """Relative errors of one replayed run; `ttft_spread_ms` is the standard deviation between draws of arrivals."""

    pair: str
    point: Measured
    ttft_ms: float
    ttft_spread_ms: float
    tpot_ms: float

    @property
    def ttft_error(self) -> float:
        """Of the mean TTFT."""
        return abs(self.ttft_ms / (self.point.ttft_mean_ms or 1) - 1)

    @property
    def tpot_error(self) -> float:
        """Of the mean TPOT."""
        return abs(self.tpot_ms / (self.point.tpot_mean_ms or 1) - 1)


def pairs(rows: Iterable[Benchmark]) -> dict[str, list[Measured]]:
    """The measured runs by model and accelerator."""

    def name(row: Benchmark) -> str:
        return f"{row.model_id.split('/')[-1]} on {row.tensor_parallel} × {row.gpu_type}"

    kept = [row for row in rows if row.source == SOURCE and row.load_kind == "open_poisson"]
    return {
        pair: [
            Measured(
                int(row.isl or 0), int(row.osl or 0), row.request_rate_rps or 0, row.ttft_mean_ms, row.tpot_mean_ms
            )
            for row in group
        ]
        for pair, group in groupby(sorted(kept, key=name), name)
    }


def scored(pair: str, cost: StepCost, points: Sequence[Measured]) -> list[Score]:
    """Replay runs and compare."""
    made = []
    for point in points:
        runs = [replay(cost, LIMITS, point, seed=seed) for seed in _SCORE_SEEDS]
        ttfts = [run.ttft_ms.mean for run in runs]
        made.append(Score(pair, point, mean(ttfts), stdev(ttfts), mean(run.tpot_ms.mean for run in runs)))
    return made


def held_out(pair: str, points: Sequence[Measured], trials: int) -> list[Score]:
    """Score each length class with a calibration that has not seen it."""
    made = []
    for lengths in sorted({(point.isl, point.osl) for point in points}):
        others = [point for point in points if (point.isl, point.osl) != lengths]
        cost = calibrate(others, LIMITS, seeds=(_FIT_SEED,), trials=trials)
        made += scored(pair, cost, [point for point in points if (point.isl, point.osl) == lengths])
    return made


def fidelity(trials: int = 150) -> str:
    """The table of runs, and the summary."""
    lines = [f"{'pair':45} isl/osl   rps   TTFT ms measured simulated     ±  TPOT ms measured simulated"]
    own: list[Score] = []
    unseen: list[Score] = []
    for pair, points in pairs(snapshot.load().benchmarks).items():
        own += scored(pair, calibrate(points, LIMITS, seeds=(_FIT_SEED,), trials=trials), points)
        unseen += held_out(pair, points, trials)
    for score in own:
        point = score.point
        lines.append(
            f"{score.pair:45} {point.isl}/{point.osl:<4} {point.request_rate_rps:4g} {point.ttft_mean_ms:15.0f} "
            f"{score.ttft_ms:9.1f} {score.ttft_spread_ms:5.0f} {point.tpot_mean_ms:16.0f} {score.tpot_ms:9.1f}"
        )
    for name, scores in (("own calibration", own), ("held out", unseen)):
        lines.append(
            f"{name}: {len(scores)} runs, TPOT median error {median(s.tpot_error for s in scores):.1%} "
            f"(mean {mean(s.tpot_error for s in scores):.1%}), TTFT {median(s.ttft_error for s in scores):.1%} "
            f"(mean {mean(s.ttft_error for s in scores):.1%})"
        )
    return "\n".join(lines)


def overload(requests: int = 500) -> str:
    """Mean times and rate served, by closed form and by simulation of as many requests as the closed form queues."""
    facts = snapshot.load()
    lines = [
        f"{'of what a replica can carry':33}TTFT ms closed simulated    TPOT ms closed simulated    "
        "served/s closed simulated"
    ]
    for model, gpu, tensor, isl, osl in _OVERLOADED:
        wanted = Wanted(model, gpu, tensor, max_num_seqs=256, isl=isl, osl=osl, prefix_caching=False)
        made, traffic = replica(wanted, facts), Traffic(1.0, constant(isl), constant(osl))
        held = facts.models[made.model]
        card = facts.accelerators[made.description["gpu"]]
        each = Configuration(held, card, native_precision(held), tensor_parallel=tensor)
        most = saturation_rps(made.cost, made.limits, traffic)
        lines.append(f"{model} on {tensor} × {gpu}, {isl}/{osl} tokens, {most:.2f} requests/s")
        for share in (0.5, 0.8, 0.9, 1.0, 1.1, 1.5, 2.0):
            load = replace(traffic, rate_rps=share * most)
            closed = predict(each, isl=isl, osl=osl, request_rate_rps=load.rate_rps)
            runs = [simulate(made.cost, made.limits, load, 1, seed, requests=requests) for seed in _SCORE_SEEDS]
            ttft, tpot, rate = (
                mean(values)
                for values in zip(*((r.ttft_ms.mean, r.tpot_ms.mean, r.requests_per_s) for r in runs), strict=True)
            )
            lines.append(
                f"  {share:4.0%} {closed.ttft_ms.mean:38,.0f} {ttft:9,.0f} {closed.tpot_ms.mean:17.1f} {tpot:9.1f} "
                f"{closed.requests_per_s:18.2f} {rate:9.2f}"
            )
    return "\n".join(lines)


def speed(requests: int = 100_000) -> str:
    """Simulated requests per minute of CPU for a chat load, by load of the replica."""
    lines = []
    for rate_rps in (2, 8, 12):
        began = time.process_time()
        result = simulate(H100_8B, Limits(kv_blocks=28_000), Traffic(rate_rps, *CHAT), requests=requests)
        spent_s = time.process_time() - began
        lines.append(
            f"chat 1000/200 at {rate_rps:2} requests/s (batch {result.running_mean:5.1f}): "
            f"{requests / spent_s * 60 / 1e6:.1f} million simulated requests per minute of CPU"
        )
    few = min(requests, 2000)
    began = time.process_time()
    simulate(H100_8B, Limits(kv_blocks=28_000), Traffic(8, *CHAT), requests=few, step_by_step=True)
    stepped = few / (time.process_time() - began) * 60 / 1e6
    lines.append(f"step by step through the scheduler, at 8 requests/s: {stepped:.3f} million per minute")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Print what was asked for, or all."""
    for name, measure in (("speed", speed), ("fidelity", fidelity), ("overload", overload)):
        if not arguments or name in arguments:
            sys.stdout.write(measure() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
