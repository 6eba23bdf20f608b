"""Plots of a plan: latency by load, cost over the years, a day, simulated waits, cost against latency."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from templates.numbers import amount, dollars
from tools.drawing import WIDE, Area, Bar, Drawing, Line, Mark, Note, Scale, Tick, from_zero, joined, stepped
from tools.planner.cost_course import CostCourse, Way
from tools.planner.day_course import DayCourse
from tools.planner.load_curve import LoadCurve
from tools.planner.waiting import Waiting

LEFT, RIGHT, TOP, BOTTOM = WIDE.left, WIDE.right, WIDE.top, WIDE.bottom

_ABOVE = 1.6  # times the target that the latency plot shows at least
_DEARER = 4.0  # times the cheapest way at the end, or
_DEARER_THAN_FIRST = 2.0  # times what is cheapest at first: what costs more is only named
_KINDS = ("main", "second", "third", "fourth", "main-soft")


def latency_by_load(curve: LoadCurve) -> Drawing:
    """TTFT percentiles against the load, with the target, the planned load and the load at which a target breaks."""
    percentile, target = curve.targets.percentile, curve.targets.ttft_ms
    planned = _at(curve.rate_rps, curve.ttft_ms[percentile], curve.planned_rps)
    top = max(target * _ABOVE, planned * _ABOVE)
    x = Scale(0.0, curve.rate_rps[-1], LEFT, RIGHT)
    y = from_zero((top,), BOTTOM, TOP)
    lines = [
        Line(joined([(x(a), y(b)) for a, b in _below(curve.rate_rps, values, y.high)]), kind, f"p{name}")
        for (name, values), kind in zip(
            sorted(curve.ttft_ms.items()), ("main-soft", "main", "second", "third"), strict=False
        )
    ]
    lines.append(Line(joined([(LEFT, y(target)), (RIGHT, y(target))]), "bound", f"target p{percentile} {target:g} ms"))
    here = x(min(curve.planned_rps, x.high))
    lines.append(Line(joined([(here, TOP), (here, BOTTOM)]), "here"))
    notes = [_beside(here, TOP + 10, f"planned {curve.planned_rps:.3g}/s")]
    if curve.largest_rps < x.high:
        edge = x(curve.largest_rps)
        lines.append(Line(joined([(edge, TOP), (edge, BOTTOM)]), "here"))
        notes.append(_beside(edge, TOP + 26, f"holds up to {curve.largest_rps:.3g}/s"))
    words = (
        f"TTFT p{percentile} is {planned:,.0f} ms at the planned {curve.planned_rps:.3g} requests/s; the target of "
        f"{target:g} ms and the others hold up to {curve.largest_rps:.3g} requests/s."
    )
    return Drawing(
        title="Time to first token by load, ms",
        lines=tuple(lines),
        marks=(
            Mark(here, y(planned), f"planned: {planned:,.0f} ms at {curve.planned_rps:.3g} requests/s", "planned", 5),
        ),
        notes=tuple(notes),
        x_ticks=_ticks(x),
        y_ticks=_ticks(y),
        x_title="requests/s over all replicas",
        words=words,
        frame=WIDE,
    )


def cost_by_way(course: CostCourse) -> Drawing | None:
    """Everything paid by month, one line per way to run the model, with the month in which buying pays."""
    shown = _shown(course)
    if not shown:
        return None
    x = Scale(0.0, course.months, LEFT, RIGHT)
    y = from_zero([way.paid_usd(course.months) for way in shown], BOTTOM, TOP)
    lines, notes, marks = [], [], []
    for way, kind in zip(shown, _KINDS, strict=False):
        ends = [(x(0), y(way.upfront_usd)), (x(course.months), y(way.paid_usd(course.months)))]
        lines.append(Line(joined(ends), kind, way.name))
        month = way.break_even_month
        if month is not None and month <= course.months:
            paid = way.paid_usd(month)
            marks.append(
                Mark(x(month), y(paid), f"{way.name}: pays from month {month} on, {dollars(paid)} paid", "planned", 5)
            )
            notes.append(_beside(x(month), y(paid) + 16, f"month {month}"))
    return Drawing(
        title="Paid after so many months",
        lines=tuple(lines),
        marks=tuple(marks),
        notes=tuple(notes),
        x_ticks=tuple(Tick(x(month), f"{month}") for month in range(0, course.months + 1, 6)),
        y_ticks=tuple(Tick(y(value), _short(value)) for value in y.round_values()),
        x_title="months",
        words="; ".join(cost_words(way) for way in course.ways),
        frame=WIDE,
    )


def cost_words(way: Way) -> str:
    """A way in words."""
    upfront = f"{dollars(way.upfront_usd)} at once and " if way.upfront_usd else ""
    overtakes = f", pays against renting from month {way.break_even_month} on" if way.break_even_month else ""
    name = way.name[:1].upper() + way.name[1:]
    return f"{name} ({way.runs}): {upfront}{dollars(way.monthly_usd)} a month{overtakes}"


def replicas_by_hour(course: DayCourse) -> Drawing:
    """Load by the hour, and what the replicas carry: as planned and when they follow the day."""
    x = Scale(0.0, 24.0, LEFT, RIGHT)
    carried = course.planned * course.replica_rps
    y = from_zero([*course.peak_rps, min(carried, max(course.peak_rps) * 2.2)], BOTTOM, TOP)
    mean = stepped([(x(hour), y(rate)) for hour, rate in enumerate(course.mean_rps)], x(24))
    peak = stepped([(x(hour), y(rate)) for hour, rate in enumerate(course.peak_rps)], x(24))
    lines = [Line(joined(peak), "main", "peaks within the hour")]
    notes = []
    if carried <= y.high:
        lines.append(
            Line(joined([(LEFT, y(carried)), (RIGHT, y(carried))]), "fourth", f"{course.planned} replicas carry")
        )
    else:
        notes.append(Note(RIGHT, TOP + 10, f"{course.planned} replicas carry {carried:.3g}/s, above this plot", "end"))
    if course.following is not None:
        steps = [(x(hour), y(min(count * course.replica_rps, y.high))) for hour, count in enumerate(course.following)]
        lines.append(Line(joined(stepped(steps, x(24))), "second", "replicas that follow the day carry"))
    hours = f"{min(course.mean_rps):.3g} to {max(course.mean_rps):.3g} requests/s in the mean of an hour"
    return Drawing(
        title="Requests/s over the day",
        lines=tuple(lines),
        areas=(Area(joined([(LEFT, BOTTOM), *mean, (RIGHT, BOTTOM)]), "demand", "mean of the hour"),),
        notes=tuple(notes),
        x_ticks=tuple(Tick(x(hour), f"{hour}:00") for hour in range(0, 25, 4)),
        y_ticks=_ticks(y),
        words=f"{hours}, peaks up to {max(course.peak_rps):.3g}/s; {course.planned} replicas carry {carried:.3g}/s.",
        frame=WIDE,
    )


def day_words(course: DayCourse) -> str:
    """What following the day would save."""
    if course.following is None or course.following_monthly_usd is None or course.monthly_usd is None:
        return "Replicas that follow the day would save nothing here."
    fewest, most = min(course.following), max(course.following)
    saved = course.monthly_usd - course.following_monthly_usd
    return (
        f"With {fewest} to {most} replicas that follow the day the bill is {dollars(course.following_monthly_usd)} a "
        f"month, {dollars(saved)} less, if machines are given back when idle."
    )


def waits(found: Waiting) -> Drawing:
    """Simulated requests by TTFT, those beyond the target in another colour."""
    x = Scale(0.0, found.edges_ms[-1], LEFT, RIGHT)
    y = from_zero([count / found.requests * 100 for count in found.counts], BOTTOM, TOP)
    bars = []
    for low, high, count in zip(found.edges_ms, found.edges_ms[1:], found.counts, strict=False):
        share = count / found.requests * 100
        kind = "within" if (low + high) / 2 <= found.target_ms else "over"
        last = " or more" if high == found.edges_ms[-1] else ""
        label = f"{low:,.0f} to {high:,.0f} ms{last}: {share:.1f} % of the requests"
        bars.append(Bar(x(low), y(share), round(x(high) - x(low) - 1, 1), round(BOTTOM - y(share), 1), kind, label))
    lines: list[Line] = []
    notes: list[Note] = []
    for name, value in (("p50", found.p50_ms), ("p90", found.p90_ms), ("p99", found.p99_ms)):
        if value <= x.high:
            lines.append(Line(joined([(x(value), TOP), (x(value), BOTTOM)]), "here"))
            notes.append(_beside(x(value), TOP + 10 + 14 * len(notes), f"{name} {value:,.0f} ms"))
    if found.target_ms <= x.high:
        at = x(found.target_ms)
        lines.append(Line(joined([(at, TOP), (at, BOTTOM)]), "bound", f"target {found.target_ms:g} ms"))
    return Drawing(
        title="Simulated waits for the first token, % of the requests",
        lines=tuple(lines),
        bars=tuple(bars),
        notes=tuple(notes),
        x_ticks=_ticks(x, " ms"),
        y_ticks=_ticks(y, " %"),
        words=waiting_words(found),
        frame=WIDE,
    )


def waiting_words(found: Waiting) -> str:
    """The distribution in a sentence."""
    return (
        f"{found.requests:,} simulated requests: half begin within {found.p50_ms:,.0f} ms, nine in ten within "
        f"{found.p90_ms:,.0f} ms, 99 % within {found.p99_ms:,.0f} ms; {found.within_share:.1%} meet the target of "
        f"{found.target_ms:g} ms."
    )


@dataclass(frozen=True, slots=True)
class Spot:
    """An option as a point: USD a month, TTFT p90 in ms, quality of 100 where it is known, and what it says."""

    option_id: str
    monthly_usd: float
    ttft_p90_ms: float
    quality: float | None
    label: str


def spot(option: Mapping[str, Any]) -> Spot | None:
    """An option (as JSON) as a point; None when its cost or its latency is not known."""
    predicted, usd, score = option["predicted"], option["cost"]["monthly_usd"], option["quality"]["score"]
    if predicted is None or not usd:
        return None
    ms = predicted["ttft_ms"]["p90"]
    quality = "quality unknown" if score is None else f"quality {score:.0f}"
    runs = f"{option['model_id']} on {option['gpu_count']} × {option['gpu_type']}"
    return Spot(option["id"], usd, ms, score, f"{runs}: {dollars(usd)} a month, TTFT p90 {ms:,.0f} ms, {quality}")


def cost_against_latency(spots: Sequence[Spot], front: Collection[str], chosen: str | None) -> Drawing | None:
    """Options by cost and TTFT p90, larger for better quality; those of the Pareto set filled; each can be picked."""
    if len(spots) < 2:
        return None
    x = _spanning([each.monthly_usd for each in spots], LEFT, RIGHT)
    y = _spanning([each.ttft_p90_ms for each in spots], BOTTOM, TOP)
    marks = []
    for each in spots:
        kind = "picked" if each.option_id == chosen else "front" if each.option_id in front else "dot"
        radius = round(4 + (each.quality or 0) / 14, 1)
        marks.append(Mark(x(each.monthly_usd), y(each.ttft_p90_ms), each.label, kind, radius, each.option_id))
    marks.sort(key=lambda mark: (mark.kind == "picked", -mark.radius))  # what is chosen and what is small stay on top
    return Drawing(
        title="Cost and TTFT p90; larger is better quality, filled the best trade-offs",
        marks=tuple(marks),
        x_ticks=tuple(Tick(x(value), _short(value)) for value in x.round_values()),
        y_ticks=tuple(Tick(y(value), f"{value:g} ms") for value in y.round_values(4)),
        x_title="USD a month",
        words="Options by monthly cost and TTFT p90",
        frame=WIDE,
    )


def _spanning(values: Sequence[float], start: float, end: float) -> Scale:
    return Scale(min(values) / 1.2, max(values) * 1.2, start, end, logarithmic=True)


def _shown(course: CostCourse) -> list[Way]:
    """The ways that a plot can hold together."""
    if not course.ways:
        return []
    ends = [way.paid_usd(course.months) for way in course.ways]
    most = max(min(ends) * _DEARER, ends[0] * _DEARER_THAN_FIRST)
    return [way for way, end in zip(course.ways, ends, strict=True) if end <= most]


def _at(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    place = min(range(len(xs)), key=lambda n: abs(xs[n] - x))
    return ys[place]


def _below(xs: Sequence[float], ys: Sequence[float], most: float) -> list[tuple[float, float]]:
    """The part of a rising curve below `most`, up to where it leaves the plot."""
    inside = [(x, y) for x, y in zip(xs, ys, strict=True) if y <= most]
    beyond = next(((x, y) for x, y in zip(xs, ys, strict=True) if y > most), None)
    if beyond is None or not inside:
        return inside
    (x0, y0), (x1, y1) = inside[-1], beyond
    return [*inside, (x0 + (x1 - x0) * (most - y0) / (y1 - y0), most)]


def _beside(x: float, y: float, text: str) -> Note:
    """Words beside a place, on the side where there is room."""
    return Note(x - 6, y, text, "end") if x > (LEFT + RIGHT) * 0.6 else Note(x + 6, y, text)


def _ticks(scale: Scale, unit: str = "") -> tuple[Tick, ...]:
    return tuple(Tick(scale(value), f"{amount(round(value, 6))}{unit}") for value in scale.round_values())


def _short(usd: float) -> str:
    if usd >= 1e6:
        return f"${usd / 1e6:g}M"
    return f"${usd / 1000:g}k" if usd >= 1000 else f"${usd:g}"
