"""Fitted physics: reviewed constants and group effects, read from knowledge/data/performance/physics.json."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.facts import Accelerator, Model
from tools.performance.points import Floats
from tools.performance.roofline import Effects

DIRECTORY = Path(__file__).parents[2] / "knowledge" / "data" / "performance"
PHYSICS = DIRECTORY / "physics.json"

EFFECTS = ("bandwidth", "compute", "overhead", "request", "queue")
"""What a group may change: bandwidth and compute efficiency, step and layer overhead, fixed time of a request, and how
long prompts wait for one another."""

_PRECISIONS = {"bf16": "16bit", "fp16": "16bit", "fp8": "8bit", "int8": "int8", "fp4": "4bit", "int4": "int4"}
CURRENT_YEAR = 2026.3
REFERENCE_YEAR = 2025.0


@dataclass(frozen=True, slots=True)
class ServingClass:
    """The groups that one point belongs to; points of a class share their effects."""

    architecture: str
    gpu_type: str
    engine: str
    precision: str
    kind: str
    year: float
    vendor: str = ""

    @property
    def memberships(self) -> tuple[tuple[str, str], ...]:
        """Pairs (grouping, member) in the order of `physics.json`; unknown members have no effect."""
        return (
            ("architecture", self.architecture),
            ("gpu_type", self.gpu_type),
            ("engine", self.engine),
            ("precision", self.precision),
            ("kind", self.kind),
            ("engine_kind", f"{self.engine} {self.kind}"),
        )


def serving_class(model: Model, accelerator: Accelerator, quantization: str, engine: str, year: float) -> ServingClass:
    """The class of a configuration; `year` is when its engine was built (fraction of a year)."""
    return ServingClass(
        architecture=accelerator.architecture,
        gpu_type=accelerator.gpu_type,
        engine=engine,
        precision=_PRECISIONS.get(quantization, "16bit"),
        kind="moe" if model.kind == "moe" else "dense",
        year=year,
        vendor=accelerator.vendor,
    )


@dataclass(frozen=True, slots=True)
class Physics:
    """Constants, group effects (natural logarithms) and bounds."""

    constants: Mapping[str, float]
    bounds: Mapping[str, tuple[float, float]]
    groups: Mapping[str, Mapping[str, Mapping[str, float]]]
    percentiles: Mapping[str, Mapping[str, float]]  # percentile over mean of ttft, tpot, e2e
    per_year: Mapping[str, float]  # change of a log effect per year of engine development since REFERENCE_YEAR

    def log_effects(self, member: ServingClass) -> tuple[float, ...]:
        """Sum of the group effects of a class, in the order of `EFFECTS`."""
        years = member.year - REFERENCE_YEAR
        sums = {effect: self.per_year.get(effect, 0.0) * years for effect in EFFECTS}
        for grouping, name in member.memberships:
            for effect, value in self.groups.get(grouping, {}).get(name, {}).items():
                sums[effect] += value
        return tuple(sums[effect] for effect in EFFECTS)

    def effects(self, classes: Iterable[ServingClass]) -> Effects:
        """Effects of every class in turn, inside the physical bounds."""
        logs = np.array([self.log_effects(member) for member in classes], dtype=np.float64).reshape(-1, len(EFFECTS))
        return self.effects_of(logs)

    def effects_of(self, logs: Floats) -> Effects:
        """Effects from log multipliers (points × `EFFECTS`)."""
        bandwidth, compute, overhead, request, queue = np.exp(logs).T
        one = np.ones_like(bandwidth)
        return Effects(
            bandwidth=self._bounded("bandwidth", bandwidth),
            cache_bandwidth=self._bounded("cache_bandwidth", bandwidth),
            prefill=self._bounded("prefill", compute),
            decode=self._bounded("decode", compute),
            link=self._bounded("link", one),
            collective_us=self._bounded("collective_us", overhead),
            layer_us=self._bounded("layer_us", overhead),
            step_us=self._bounded("step_us", overhead),
            sequence_us=self._bounded("sequence_us", overhead),
            interference=self._bounded("interference", one),
            request_ms=self._bounded("request_ms", request),
            slack=self._bounded("slack", one),
            queue=self._bounded("queue", queue),
            crowd=self._bounded("crowd", queue),
        )

    def _bounded(self, name: str, factor: Floats) -> Floats:
        low, high = self.bounds[name]
        return np.clip(self.constants[name] * factor, low, high)


def physics_from(data: Mapping[str, Any]) -> Physics:
    """Physics from the object in the file."""
    return Physics(
        constants=data["constants"],
        bounds={name: (float(low), float(high)) for name, (low, high) in data["bounds"].items()},
        groups=data["groups"],
        percentiles=data["percentiles"],
        per_year=data["per_year"],
    )


@lru_cache(maxsize=4)
def load_physics(path: Path = PHYSICS) -> Physics:
    """The shipped physics (read once)."""
    return physics_from(json.loads(path.read_text(encoding="utf-8")))
