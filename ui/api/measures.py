"""Figures for a monitor: turns and plans of this process, and what came of all conversations, from the records."""

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.events import Event, Options, Report
from knowledge.records import Records

SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
EDITS = (0, 1, 2, 3, 5, 8, 13)
UNTIL_VERIFIED_S = (30, 60, 120, 300, 600, 1800, 3600, 14_400, 86_400, 604_800)


class Measures:
    """Counters and times of the session door."""

    def __init__(self, records: Records) -> None:
        self.registry = CollectorRegistry()
        self.turns = Counter(
            "sextant_turns", "Turns by face, kind and outcome.", ("face", "kind", "outcome"), registry=self.registry
        )
        self.seconds = Histogram(
            "sextant_turn_seconds", "Time of a turn.", ("kind",), buckets=SECONDS, registry=self.registry
        )
        self.plans = Counter("sextant_plans", "Plans shown.", ("feasible",), registry=self.registry)
        self.verdicts = Counter("sextant_verdicts", "Verdicts of load tests.", ("verdict",), registry=self.registry)
        self.registry.register(_OverConversations(records))

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


class _OverConversations(Collector):
    """Figures over every conversation that the records know, whichever process and face it was held with."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not read the records."""
        return ()

    def collect(self) -> Iterable[Metric]:
        figures = self._records.conversations.figures()
        total = GaugeMetricFamily("sextant_conversations", "Conversations that got so far.", labels=("stage",))
        total.add_metric(("begun",), figures.conversations)
        total.add_metric(("planned",), figures.planned)
        total.add_metric(("approved",), figures.approved)
        total.add_metric(("verified",), len(figures.seconds_to_verified))
        yield total
        accepted = GaugeMetricFamily("sextant_acceptance_ratio", "Conversations approved, of those with a plan.")
        if figures.planned:
            accepted.add_metric((), figures.approved / figures.planned)
        yield accepted
        yield _histogram(
            "sextant_edits_per_specification", "Changes of a specification after its first plan.", EDITS, figures.edits
        )
        spans: dict[float, int] = {}
        for seconds in figures.seconds_to_verified:
            spans[seconds] = spans.get(seconds, 0) + 1
        yield _histogram(
            "sextant_first_word_to_verified_seconds",
            "From the first word to a deployment that met its objectives.",
            UNTIL_VERIFIED_S,
            spans,
        )


def _histogram(
    name: str, text: str, bounds: Iterable[float], values: Mapping[float, int] | Mapping[int, int]
) -> Metric:
    """A histogram of values with how often each occurred."""
    edges = [*map(float, bounds), float("inf")]
    counts = [0] * len(edges)
    for value, many in values.items():
        counts[next(place for place, edge in enumerate(edges) if value <= edge)] += many
    names = ["+Inf" if edge == float("inf") else f"{edge:g}" for edge in edges]
    buckets = [(each, float(count)) for each, count in zip(names, accumulate(counts), strict=True)]
    total = float(sum(value * many for value, many in values.items()))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=total)
