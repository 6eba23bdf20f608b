"""How fast the screening plan is: candidates per second, beside a loop that prices one configuration at a time.

`python -m evals.benchmarks.planner_speed` prints the table. CPU time of one core, after the facts are read.
"""

import sys
import time
from collections.abc import Callable

from knowledge import snapshot
from tools.intent import Intent
from tools.market import Market
from tools.memory import memory_budget
from tools.performance import predict
from tools.performance.configuration import Configuration
from tools.planner import plan
from tools.planner.case import Case
from tools.planner.field import forget_screens
from tools.planner.grid import fitting
from tools.planner.planning import search
from tools.planner.profile import profile

INTENT = Intent.model_validate({"task_type": "chatbot", "total_users": 1000, "priority": "latency"})
NAIVE_SAMPLE = 200
REPEATS = 5


def fastest(work: Callable[[], object]) -> float:
    """CPU seconds of the fastest of a few runs."""
    times = []
    for _ in range(REPEATS):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)


def main() -> None:
    """Print the table."""
    facts = snapshot.load()
    market = Market.bundled(facts)
    traffic = profile(INTENT, facts)

    def screened() -> None:
        forget_screens()
        search(Case(INTENT, traffic, facts, market))

    found = search(Case(INTENT, traffic, facts, market))
    considered = found.considered
    naive = _naive_seconds(found.field.grid.configurations() if found.field else [], traffic.isl.mean, traffic.osl.mean)
    fresh = fastest(screened)
    again = fastest(lambda: search(Case(INTENT, traffic, facts, market)))
    whole = fastest(lambda: plan(INTENT, facts, market))
    models = [model for model in facts.models.values() if model.kind in ("dense", "moe")]
    cards = list(facts.accelerators.values())
    count = considered["configurations"]
    rows = [
        ("configurations tried in memory", f"{count:,}"),
        ("candidates priced", f"{considered['candidates']:,}"),
        ("screening plan, first of its lengths", f"{fresh * 1000:.0f} ms"),
        ("screening plan, lengths seen before", f"{again * 1000:.0f} ms"),
        ("the same with options drawn", f"{whole * 1000:.0f} ms"),
        ("configurations a second", f"{count / fresh:,.0f}"),
        ("naive loop, configurations a second", f"{1 / naive:,.0f}"),
        ("memory grid of every model and accelerator", f"{len(fitting(models, cards).grid):,}"),
    ]
    sys.stdout.write("\n".join(f"{name:45} {value:>12}" for name, value in rows) + "\n")


def _naive_seconds(configurations: list[Configuration], isl: float, osl: float) -> float:
    """Seconds that memory and one prediction of one configuration take in a plain loop."""
    sample = configurations[:: max(len(configurations) // NAIVE_SAMPLE, 1)][:NAIVE_SAMPLE]
    begun = time.process_time()
    for each in sample:
        memory_budget(each, max_model_len=4096)
        predict(each, isl=isl, osl=osl, request_rate_rps=1.0)
    return (time.process_time() - begun) / max(len(sample), 1)


if __name__ == "__main__":
    main()
