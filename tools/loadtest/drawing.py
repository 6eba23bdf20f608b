"""Plots of a load test."""

from collections.abc import Sequence

from tools.drawing import Bar, Drawing, Line, Mark, Scale, Tick, from_zero, joined
from tools.loadtest.report import LoadReport


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
    lines = [Line(joined([(x(i + 1), y(v)) for i, v in enumerate(curve) if v is not None]), "main", "measured")]
    lines += [Line(joined([(x(0), y(bound)), (x(99), y(bound))]), "bound", "objective") for bound in bounds[:1]]
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
        lines.append(Line(joined([(x(at), y(v)) for at, v in values if v is not None]), kind, label))
    return Drawing(
        title="Over the run: TTFT in ms; bars: requests due and failed",
        lines=tuple(lines),
        marks=(),
        bars=tuple(bars),
        x_ticks=tuple(Tick(x(end_s * part / 4), f"{end_s * part / 4:.3g} s") for part in range(5)),
        y_ticks=ticks,
    )


def _axes(x_max: float, y_values: Sequence[float | None]) -> tuple[Scale, Scale, tuple[Tick, ...]]:
    """Scales from data to the plot area (52..412 × 212..10), and ticks at round numbers from zero."""
    y = from_zero(y_values, 212, 10)
    return Scale(0.0, x_max, 52, 412), y, tuple(Tick(y(value), f"{value:g}") for value in y.round_values())
