"""A load test while it runs, as a plot: percentiles so far against the time that has passed."""

from collections.abc import Sequence

from tools.drawing import Drawing, Frame, Line, Scale, Tick, from_zero, joined

FRAME = Frame(400, 170, 44, 390, 10, 144)


def live_plot(
    name: str, points: Sequence[tuple[float, float, float]], *, total_s: float, bound_ms: float | None
) -> Drawing | None:
    """`points` are (elapsed s, p50 ms, p90 ms) in the order of time; None before there are two of them."""
    if len(points) < 2:
        return None
    x = Scale(0.0, total_s, FRAME.left, FRAME.right)
    y = from_zero([*(p90 for _, _, p90 in points), bound_ms], FRAME.bottom, FRAME.top, count=4)
    lines = [
        Line(joined([(x(at), y(p50)) for at, p50, _ in points]), "main-soft", "p50"),
        Line(joined([(x(at), y(p90)) for at, _, p90 in points]), "main", "p90"),
    ]
    if bound_ms is not None:
        lines.append(Line(joined([(FRAME.left, y(bound_ms)), (FRAME.right, y(bound_ms))]), "bound", "target"))
    return Drawing(
        title=f"{name} so far, ms",
        lines=tuple(lines),
        x_ticks=tuple(Tick(x(value), f"{value:g} s") for value in x.round_values()),
        y_ticks=tuple(Tick(y(value), f"{value:,.0f}") for value in y.round_values(4)),
        words=f"{name}: p50 {points[-1][1]:,.0f} ms and p90 {points[-1][2]:,.0f} ms until now",
        frame=FRAME,
    )
