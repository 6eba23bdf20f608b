"""What your own deployments teach predictions: the corrections of `tools.learning`, looked up and shown as evidence.

A prediction for an engine is corrected by outcomes of that engine alone. Outcomes of the simulator come from the very
latency model that they would correct: they show that the machinery works, not how fast a GPU is. They count only when
asked for (`rehearsed`), and never where the real engine has outcomes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tools.learning import Correction, Subject, corrections
from tools.performance.configuration import Configuration
from tools.performance.residual import Residual, load_residual

if TYPE_CHECKING:
    from knowledge.records import Outcome

SOURCE = "your own deployments"
SIMULATED = "-simulator"
CORRECTED = ("ttft_ms", "tpot_ms")
"""Metrics that corrections apply to; the time of a whole answer follows from these two."""


@dataclass(frozen=True, slots=True)
class Experience:
    """Corrections by model, accelerator, engine and metric; empty by default, and then nothing changes.

    `residual` holds the measurements that somebody added (`tools.performance.conditioning`); None: the shipped ones.
    """

    corrections: Mapping[Subject, Correction] = field(default_factory=dict)
    residual: Residual | None = field(default=None, compare=False, repr=False)

    def __bool__(self) -> bool:
        return bool(self.corrections)

    @property
    def learned(self) -> Residual:
        """The measured points that predictions lean on."""
        return self.residual or load_residual()

    def correction(self, configuration: Configuration, metric: str) -> Correction | None:
        """What was learned about one metric of a configuration."""
        subject = Subject(
            configuration.model.model_id, configuration.accelerator.gpu_type, configuration.engine, metric
        )
        return self.corrections.get(subject)

    def factors(self, configuration: Configuration) -> tuple[float, float]:
        """Multiply predicted TTFT and TPOT by these; 1 where nothing was learned."""
        first, step = (self.correction(configuration, metric) for metric in CORRECTED)
        return first.factor if first else 1.0, step.factor if step else 1.0

    def evidence(self, configuration: Configuration) -> dict[str, Any] | None:
        """The corrections of a configuration as evidence, by metric; None when there are none."""
        found = {metric: self.correction(configuration, metric) for metric in CORRECTED}
        known = {metric: _shown(entry) for metric, entry in found.items() if entry is not None}
        return {"source": SOURCE, **known} if known else None

    def log_factors(self, configurations: Sequence[Configuration]) -> npt.NDArray[np.float64]:
        """Logarithms of the factors on TTFT and TPOT (configurations × 2)."""
        known: dict[tuple[int, int, str], tuple[float, float]] = {}
        rows = []
        for each in configurations:
            key = (id(each.model), id(each.accelerator), each.engine)  # thousands of rows share few models and cards
            if key not in known:
                known[key] = self.factors(each)
            rows.append(known[key])
        return np.log(np.array(rows, dtype=np.float64).reshape(-1, 2))


NO_EXPERIENCE = Experience()


def experience(
    outcomes: "Iterable[Outcome]", *, rehearsal: bool = False, residual: Residual | None = None
) -> Experience:
    """What outcomes teach, with `rehearsal` also those of simulated deployments; and the measurements in `residual`."""
    found = corrections(outcomes)
    return Experience(rehearsed(found) if rehearsal else found, residual)


def rehearsed(found: Mapping[Subject, Correction]) -> Mapping[Subject, Correction]:
    """The same corrections, where the simulator's stand in for a real engine that has none of its own."""
    simulated = {
        replace(subject, engine=subject.engine.removesuffix(SIMULATED)): entry
        for subject, entry in found.items()
        if subject.engine.endswith(SIMULATED)
    }
    return {**simulated, **found}


def _shown(entry: Correction) -> dict[str, Any]:
    return {
        "factor": entry.factor,
        "interval_80": [entry.low, entry.high],
        "seen": entry.raw_factor,
        "outcomes": entry.outcomes,
        "biased": entry.biased,
        "drifting": entry.drifting,
    }
