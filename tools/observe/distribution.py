"""A histogram as Prometheus keeps it: counts below edges. It says no more than its edges allow."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distribution:
    """Observations counted below each of `edges` (rising, the last one infinite); `total` is their sum."""

    edges: tuple[float, ...]
    below: tuple[float, ...]
    total: float

    @property
    def count(self) -> float:
        """How many observations there are."""
        return self.below[-1] if self.below else 0.0

    @property
    def mean(self) -> float | None:
        """The mean; exact, whatever the edges."""
        return self.total / self.count if self.count > 0 else None

    def quantile(self, share: float) -> float | None:
        """The value below which `share` lies, linear between edges like PromQL's histogram_quantile.

        None when there is nothing, or when it lies beyond the last finite edge: then only that is known.
        """
        low, high = self.bucket(share)
        if low is None or high is None:
            return None
        at = self.edges.index(high)
        before = self.below[at - 1] if at else 0.0
        inside = self.below[at] - before
        return low + (high - low) * (share * self.count - before) / inside if inside > 0 else high

    def bucket(self, share: float) -> tuple[float | None, float | None]:
        """The edges around a quantile; the upper one is None beyond the last finite edge, both without data."""
        if self.count <= 0:
            return None, None
        at = next((i for i, below in enumerate(self.below) if below >= share * self.count), len(self.below) - 1)
        low = self.edges[at - 1] if at else 0.0
        return low, None if math.isinf(self.edges[at]) else self.edges[at]

    def share_within(self, bound: float) -> float | None:
        """Share of observations of at most `bound`, linear between edges; beyond the last finite edge none counts."""
        if self.count <= 0:
            return None
        low, before = 0.0, 0.0
        for edge, below in zip(self.edges, self.below, strict=True):
            if bound < edge:
                inside = 0.0 if math.isinf(edge) else (below - before) * (bound - low) / (edge - low)
                return (before + inside) / self.count
            low, before = edge, below
        return before / self.count


def distribution(buckets: Iterable[tuple[float, float]], total: float) -> Distribution:
    """From (edge, count below) in any order. Counts are made to rise: replicas are not scraped at one instant."""
    edges, below, highest = [], [], 0.0
    for edge, count in sorted(buckets):
        highest = max(highest, count)
        edges.append(edge)
        below.append(highest)
    return Distribution(tuple(edges), tuple(below), total)
