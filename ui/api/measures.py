"""Figures for a monitor, one set per application: turns, their times, what people do with a card."""

import time
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry, Counter, Histogram

from agent.events import Event, Options, Report

SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)


class Measures:
    """Counters and times of the session door."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.turns = Counter(
            "sextant_turns", "Turns by face, kind and outcome.", ("face", "kind", "outcome"), registry=self.registry
        )
        self.seconds = Histogram(
            "sextant_turn_seconds", "Time of a turn.", ("kind",), buckets=SECONDS, registry=self.registry
        )
        self.plans = Counter("sextant_plans", "Plans shown.", ("feasible",), registry=self.registry)
        self.verdicts = Counter("sextant_verdicts", "Verdicts of load tests.", ("verdict",), registry=self.registry)

    async def watched(self, face: str, kind: str, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """The same events, counted. A turn that raises or is left counts as refused or left."""
        began, outcome = time.perf_counter(), "refused"
        try:
            async for event in events:
                outcome = "left"
                self._count(event)
                yield event
            outcome = "done"
        finally:
            self.turns.labels(face, kind, outcome).inc()
            self.seconds.labels(kind).observe(time.perf_counter() - began)

    def _count(self, event: Event) -> None:
        match event:
            case Options(options=options):
                self.plans.labels("yes" if options else "no").inc()
            case Report(report=report):
                self.verdicts.labels(report["verdict"]).inc()
            case _:
                pass
