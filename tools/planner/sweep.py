"""Sweeps: one intent planned under every combination of values, on any executor; the same results on each.

Work goes out in chunks through the standard interface (`concurrent.futures.Executor`), so that a pool of processes and
a cluster of machines serve alike. A chunk carries all that it needs; facts are read where it runs.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from knowledge.errors import BadInput, SextantError
from knowledge.snapshot import Snapshot
from tools.editing import edit
from tools.intent import Intent
from tools.market import Market
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.planner.mix import RequestClass
from tools.planner.planning import Plan, plan
from tools.planner.refinement import PICKS, refine

MOST_POINTS = 10_000
CHUNKS_PER_WORKER = 4

Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """What is swept over. `market` None: the bundled prices, which each worker reads itself."""

    intent: Intent
    snapshot: Snapshot
    market: Market | None = None
    classes: tuple[RequestClass, ...] = ()
    experience: Experience = NO_EXPERIENCE
    refined: bool = False


@dataclass(frozen=True, slots=True)
class Pick:
    """The first option of a list, in short. Times are at the percentile of the targets; `holds`: when simulated."""

    option_id: str
    kind: str
    model_id: str
    runs_on: str | None
    replicas: int | None
    gpu_count: int | None
    monthly_usd: float | None
    ttft_ms: float | None
    tpot_ms: float | None
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """One combination: its picks by list; none of them when nothing serves it, `error` when it cannot be planned."""

    changes: Changes
    peak_qps: float | None
    picks: Mapping[str, Pick]
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """One entry of `points`."""
        return asdict(self) | {"feasible": bool(self.picks)}


def combinations(values: Mapping[str, Sequence[Any]]) -> list[Changes]:
    """Every combination, the last field varying fastest. Raises BadInput when there are too many or none."""
    count = 1
    for each in values.values():
        count *= len(each)
    if not values or not 1 <= count <= MOST_POINTS:
        raise BadInput(f"{count if values else 0} combinations: 1 to {MOST_POINTS:,} are swept over", field="vary")
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def sweep(
    study: Study,
    points: Sequence[Changes],
    executor: Executor | None = None,
    *,
    workers: int = 1,
    seen: Callable[[int], None] = lambda _: None,
) -> list[Swept]:
    """Plan every point, in their order; without an executor one after another. `seen` hears how many more are done."""
    if executor is None:
        found = []
        for point in points:
            found += chunk(study, [point])
            seen(1)
        return found
    size = max(1, -(-len(points) // (workers * CHUNKS_PER_WORKER)))
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    futures: list[Future[list[Swept]]] = [executor.submit(chunk, study, part) for part in parts]
    for future in as_completed(futures):
        seen(len(future.result()))
    return [swept for future in futures for swept in future.result()]


def chunk(study: Study, points: Sequence[Changes]) -> list[Swept]:
    """Plan some points here."""
    return [_swept(study, point) for point in points]


def _swept(study: Study, changes: Changes) -> Swept:
    try:
        intent = edit(study.intent, dict(changes))
        made = plan(
            intent,
            study.snapshot,
            study.market,
            limit=1,
            experience=study.experience,
            classes=study.classes,
            with_tuned=False,
        )
    except SextantError as error:
        return Swept(changes, None, {}, error.message)
    return Swept(changes, made.traffic.peak_qps, _picks(made, refined=study.refined))


def _picks(made: Plan, *, refined: bool) -> dict[str, Pick]:
    simulated = refine(made) if refined else {}
    picks = {}
    for name in PICKS:
        option = made.best(name)
        if option is not None:
            found, predicted = simulated.get(option.id), option.predicted
            picks[name] = Pick(
                option_id=option.id,
                kind=option.kind,
                model_id=option.model_id,
                runs_on=option.gpu_type or option.provider,
                replicas=option.replicas,
                gpu_count=option.gpu_count,
                monthly_usd=option.cost.monthly_usd,
                ttft_ms=predicted.ttft_ms.at_target if predicted else None,
                tpot_ms=predicted.tpot_ms.at_target if predicted else None,
                holds=found.holds if found else None,
            )
    return picks
