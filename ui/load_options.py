"""From the flags of `sextant validate` to the plan of a load test."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from knowledge.errors import BadInput, Conflict, NotFound

if TYPE_CHECKING:
    from knowledge.records import Deployment
    from tools.loadtest import LoadPlan
    from tools.loadtest.arrivals import Stage

DEFAULT_RATE_RPS = 1.0
DEFAULT_ISL, DEFAULT_OSL = 500.0, 150.0
MAX_TRACE_BYTES = 20_000_000
OF_THE_LOAD = {"model", "request_rate_rps", "pattern", "cv", "isl", "osl", "prefix_share", "trace_s", "sweep"}
"""What makes a load another one than was planned for."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What was said on the command line; None and empty follow the deployment or a default."""

    model: str | None
    rate_rps: float | None
    duration_s: float
    warmup_s: float | None
    pattern: str | None
    cv: float | None
    trace: Path | None
    sweep: str
    isl: float | None
    osl: float | None
    prefix_share: float | None
    slos: tuple[str, ...]
    time_factor: float | None
    max_requests: int | None
    timeout_s: float | None
    seed: int | None
    completions: bool
    allowed_hosts: tuple[str, ...]
    api_key_file: Path | None

    def of_deployment(self, deployment: "Deployment") -> "LoadPlan":
        """The planned load of a deployment, with what was said instead. Conflict when it does not run."""
        from tools.deploy.specification import read_specification
        from tools.deploy.verification import load_plan

        if not deployment.endpoints:
            raise Conflict(
                f"deployment {deployment.deployment_id} does not run ({deployment.state})", "deploy it again"
            )
        plan = load_plan(
            read_specification(deployment.spec),
            replicas_driven=len(deployment.endpoints),
            time_factor=deployment.time_factor,
            duration_s=self._positive("duration", self.duration_s),
        )
        return self._changed(plan)

    def of_endpoint(self, url: str) -> "LoadPlan":
        """A load for an address that nothing is known of. BadInput when it may not be loaded."""
        from tools.loadtest import LoadPlan
        from tools.loadtest.lengths import fixed
        from tools.loadtest.permission import permit
        from tools.loadtest.served import served_models

        endpoint = permit(url, allowed_hosts=self.allowed_hosts)
        name = self.model or next(iter(served_models(endpoint)), None)
        if name is None:
            raise NotFound("model at", url)
        duration_s = self._positive("duration", self.duration_s)
        return self._changed(
            LoadPlan(
                model=name,
                request_rate_rps=DEFAULT_RATE_RPS,
                duration_s=duration_s,
                warmup_s=0.1 * duration_s,
                isl=fixed(DEFAULT_ISL),
                osl=fixed(DEFAULT_OSL),
                time_factor=self.time_factor or 1.0,
            )
        )

    def api_key(self) -> str | None:
        """The key in the key file."""
        if self.api_key_file is None:
            return None
        try:
            return self.api_key_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise BadInput(
                f"{self.api_key_file} cannot be read", "name a readable file", field="api_key_file"
            ) from error

    def _changed(self, plan: "LoadPlan") -> "LoadPlan":
        from tools.loadtest import read_slo
        from tools.loadtest.lengths import fixed

        changes: dict[str, Any] = {
            "model": self.model,
            "request_rate_rps": self.rate_rps,
            "warmup_s": self.warmup_s,
            "pattern": self._pattern(),
            "cv": self.cv,
            "isl": None if self.isl is None else fixed(self._positive("isl", self.isl)),
            "osl": None if self.osl is None else fixed(self._positive("osl", self.osl)),
            "prefix_share": self.prefix_share,
            "slos": tuple(read_slo(text) for text in self.slos) or None,
            "max_requests": self.max_requests,
            "request_timeout_s": self.timeout_s,
            "seed": self.seed,
            "chat": False if self.completions else None,
            "trace_s": self._trace(),
            "sweep": self._sweep(),
        }
        given = {name: value for name, value in changes.items() if value is not None}
        if given.keys() & OF_THE_LOAD:
            given[
                "predicted"
            ] = {}  # predictions are for the planned load: beside another they would teach what is false
        if self.rate_rps is not None or "sweep" in given or "trace_s" in given:
            given["duration_s"] = self.duration_s
            given.setdefault("warmup_s", 0.1 * self.duration_s)
        return replace(plan, **given)

    def _pattern(self) -> str | None:
        from tools.loadtest.arrivals import Pattern

        if self.trace is not None:
            return "trace"
        if self.pattern is None and self.cv is not None:
            return "bursty"
        if self.pattern is not None and self.pattern not in get_args(Pattern):
            raise BadInput(
                f"unknown pattern: {self.pattern[:40]!r}", f"one of {', '.join(get_args(Pattern))}", field="pattern"
            )
        return self.pattern

    def _sweep(self) -> "tuple[Stage, ...] | None":
        """Equal stretches of the run, one for each rate."""
        from tools.loadtest.arrivals import Stage

        if not self.sweep:
            return None
        rates = [self._number("sweep", part) for part in self.sweep.split(",")]
        return tuple(Stage(rate, self.duration_s / len(rates)) for rate in rates)

    def _trace(self) -> tuple[float, ...] | None:
        if self.trace is None:
            return None
        try:
            if self.trace.stat().st_size > MAX_TRACE_BYTES:
                raise BadInput(f"{self.trace} is larger than {MAX_TRACE_BYTES:,} bytes", field="trace")
            lines = self.trace.read_text(encoding="utf-8").split()
        except (OSError, ValueError) as error:
            raise BadInput(
                f"{self.trace} cannot be read", "one arrival time in seconds per line", field="trace"
            ) from error
        times = []
        for line in lines:
            try:
                times.append(float(line))
            except ValueError as error:
                raise BadInput(f"{self.trace}: not a time: {line[:40]!r}", field="trace") from error
        if not all(math.isfinite(time) for time in times):
            raise BadInput(f"{self.trace} holds times that are not finite", field="trace")
        return tuple(times)

    def _number(self, name: str, text: str) -> float:
        try:
            return self._positive(name, float(text))
        except ValueError as error:
            raise BadInput(f"{name} must hold numbers, not {text[:40]!r}", field=name) from error

    @staticmethod
    def _positive(name: str, number: float) -> float:
        if not math.isfinite(number) or number <= 0:
            raise BadInput(f"{name} must be a positive number, not {number:g}", field=name)
        return number
