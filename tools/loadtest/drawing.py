"""Plots of a report as plain shapes in SVG coordinates; the page only writes them down."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.loadtest.report import LoadReport

_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline; `kind` is its style."""

    points: str
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; `kind` is its style."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with a label."""

    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """One plot."""

    title: str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    bars: tuple[Bar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = 432
    height: int = 240
    left: int = 52
    right: int = 412
    top: int = 10
    bottom: int = 212


def drawings(report: LoadReport) -> list[Drawing]:
    """Latency by percentile for each metric, then the run over time."""
    names = [
        name for name in ("ttft", "tpot", "e2e") if any(point is not None for point in report.curves.get(name, ()))
    ]
    found = [_percentiles(report, name) for name in names]
    return [*found, _over_time(report)] if report.timeline else found


def _percentiles(report: LoadReport, name: str) -> Drawing:
    """Percentile on x from 1 to 99, ms on y, with the bound of the objective and the predicted percentiles."""
    curve = report.curves[name]
    bounds = [slo.bound for slo in report.slos if slo.name.startswith(f"{name}_p")]
    predicted = {
        percent: report.predicted[f"{name}_p{percent}_ms"]
        for percent in (50, 90, 95, 99)
        if f"{name}_p{percent}_ms" in report.predicted
    }
    x, y, ticks = _axes(99, [*curve, *bounds[:1], *predicted.values()])
    lines = [Line(_points([(x(i + 1), y(v)) for i, v in enumerate(curve) if v is not None]), "main", "measured")]
    lines += [Line(_points([(x(0), y(bound)), (x(99), y(bound))]), "bound", "objective") for bound in bounds[:1]]
    return Drawing(
        title=f"{name.upper()} by percentile, ms",
        lines=tuple(lines),
        marks=tuple(Mark(x(p), y(v), f"predicted p{p}: {v:.4g} ms") for p, v in predicted.items()),
        bars=(),
        x_ticks=tuple(Tick(x(percent), f"p{percent}") for percent in (10, 50, 90, 99)),
        y_ticks=ticks,
    )


def _over_time(report: LoadReport) -> Drawing:
    """TTFT over the run, with requests due and failed as bars of relative height behind it."""
    bins = report.timeline
    width_s = bins[1].begin_s if len(bins) > 1 else report.duration_s
    end_s = bins[-1].begin_s + width_s
    x, y, ticks = _axes(end_s, [entry.ttft_p90_ms for entry in bins])
    busiest = max(1, *(entry.due for entry in bins))
    bars = []
    for entry in bins:
        for kind, count in (("due", entry.due), ("failed", entry.failed)):
            height = 60 * count / busiest
            bars.append(Bar(x(entry.begin_s), 212 - height, max(0.5, x(width_s) - x(0) - 1), height, kind))
    series = (("main", "TTFT p50", "ttft_p50_ms"), ("second", "TTFT p90", "ttft_p90_ms"))
    lines = []
    for kind, label, field in series:
        values = [(entry.begin_s + width_s / 2, getattr(entry, field)) for entry in bins]
        lines.append(Line(_points([(x(at), y(v)) for at, v in values if v is not None]), kind, label))
    return Drawing(
        title="Over the run: TTFT in ms; bars: requests due and failed",
        lines=tuple(lines),
        marks=(),
        bars=tuple(bars),
        x_ticks=tuple(Tick(x(end_s * part / 4), f"{end_s * part / 4:.3g} s") for part in range(5)),
        y_ticks=ticks,
    )


def _axes(
    x_max: float, y_values: Sequence[float | None]
) -> tuple[Callable[[float], float], Callable[[float], float], tuple[Tick, ...]]:
    """Scales from data to the plot area (52..412 × 212..10), and ticks at round numbers from zero."""
    highest = max((value for value in y_values if value is not None), default=1.0) or 1.0
    step = _round_step(highest / 4)
    y_max = step * math.ceil(highest / step)

    def x(value: float) -> float:
        return round(52 + 360 * value / x_max, 1)

    def y(value: float) -> float:
        return round(212 - 202 * value / y_max, 1)

    count = round(y_max / step)
    return x, y, tuple(Tick(y(step * part), f"{step * part:g}") for part in range(count + 1))


def _round_step(least: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(step * magnitude for step in _STEPS if step * magnitude >= least * (1 - 1e-9))


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
