"""Percentages and bare labelled numbers: reliability, percentiles, PUE, amortisation, "users: 500"."""

from agent.understanding.draft import Draft
from agent.understanding.quantities import Quantity
from agent.understanding.scene import Scene, unusable

PERCENTILES = (50, 90, 95, 99)
RANKS = (90, 95, 99)
_OF = (("of",), ("der",), ("des",), ("de",), ("aller",))
LABEL_REACH = 1.5
_LABELS: dict[str, str] = {
    "users": "total_users",
    "concurrent": "concurrent_users",
    "ttft": "target_ttft_p90_ms",
    "tpot": "target_tpot_p90_ms",
    "e2e": "target_e2e_latency_p90_ms",
    "gpus": "max_gpus",
    "requests_per_day": "requests_per_day",
    "tokens_per_day": "tokens_per_day",
    "pue": "datacenter_context.cooling_overhead_pue",
}
_PERIODIC = ("requests_per_day", "tokens_per_day")


def read_percentages(scene: Scene, draft: Draft) -> None:
    """Fill reliability_target and slo_percentile."""
    for quantity in list(scene.open("percent")):
        reliability = scene.context.nearest(quantity, ("reliability",), 5.0)
        percentile = scene.context.nearest(quantity, ("percentile",), 3.0)
        if percentile and percentile.hit.first < quantity.first:
            percentile = None
        span = scene.span(quantity)
        if unusable(quantity) or quantity.high or quantity.value >= 100:
            continue
        timed = quantity.value in RANKS and scene.behind(quantity, 1) in _OF and _timed(scene, quantity)
        if (percentile or timed) and quantity.value in PERCENTILES:
            scene.use(quantity)
            draft.say("slo_percentile", quantity.value, *span)
        elif reliability and quantity.value >= 90:
            scene.use(quantity)
            draft.say("reliability_target", quantity.value, *span)

    for quantity in list(scene.open(None, "request", "user", "item")):
        rank = round(quantity.value * 100, 6)
        if rank in RANKS and quantity.number.last - quantity.number.first > 1 and _timed(scene, quantity):
            scene.use(quantity)  # "9 out of 10 requests"
            draft.say("slo_percentile", rank, *scene.span(quantity))


def _timed(scene: Scene, quantity: Quantity) -> bool:
    """Whether a time stands in the same sentence: "90 % of first tokens inside 500 ms"."""
    low, high = scene.context.bounds(quantity)
    return any(each.dimension == "time" and low <= each.first < high for each in scene.quantities)


def read_data_centre(scene: Scene, draft: Draft) -> None:
    """Fill cooling_overhead_pue and amortization_period_months."""
    for quantity in list(scene.open(None, "times")):
        cue = scene.context.nearest(quantity, ("pue",), LABEL_REACH)
        if cue and 1 <= quantity.value <= 5:
            scene.use(quantity)
            draft.say("datacenter_context.cooling_overhead_pue", quantity.value, *scene.span(quantity))
    for quantity in list(scene.open("span")):
        cue = scene.context.nearest(quantity, ("amortise",), 8.0)
        if cue and not unusable(quantity) and quantity.unit and not quantity.number.soft:
            scene.use(quantity)
            months = round(quantity.top * quantity.unit.factor)
            draft.say("datacenter_context.amortization_period_months", float(months), *scene.span(quantity))


def read_labels(scene: Scene, draft: Draft) -> None:
    """Bare numbers beside a label: "QPS: 50", "users = 500", "TTFT: 300"."""
    for quantity in list(scene.open(None)):
        if quantity.number.soft or unusable(quantity):
            continue
        if _load(scene, draft, quantity) or _availability(scene, draft, quantity):
            continue
        match = scene.context.nearest(quantity, tuple(_LABELS), LABEL_REACH)
        if match is None or (match.hit.first > quantity.first and match.role != "concurrent"):
            continue
        _say_label(scene, draft, quantity, match.role)


def _availability(scene: Scene, draft: Draft, quantity: Quantity) -> bool:
    """ "99.95 availability", "SLA 99.9"."""
    if not 90 <= quantity.value < 100 or scene.context.nearest(quantity, ("reliability",), LABEL_REACH) is None:
        return False
    scene.use(quantity)
    draft.say("reliability_target", quantity.value, *scene.span(quantity))
    return True


def _say_label(scene: Scene, draft: Draft, quantity: Quantity, role: str) -> None:
    if quantity.high is not None or (role in _PERIODIC and quantity.period and quantity.period.kind != "day"):
        return
    if role in ("ttft", "tpot", "e2e") and quantity.value < 5:
        return
    concurrent = scene.context.nearest(quantity, ("concurrent",), LABEL_REACH + 1.0)
    field = "concurrent_users" if role == "users" and concurrent else _LABELS[role]
    scene.use(quantity)
    draft.say(field, quantity.value, *scene.span(quantity))


def _peak(scene: Scene, draft: Draft, quantity: Quantity) -> bool:
    """ "qps=25 peak=75": the peak of a load that was said before."""
    match = scene.context.nearest(quantity, ("peak",), LABEL_REACH)
    if match is None or match.hit.first > quantity.first or draft.value("expected_qps") is None:
        return False
    scene.use(quantity)
    draft.say("peak_qps", quantity.top, *scene.span(quantity))
    return True


def _load(scene: Scene, draft: Draft, quantity: Quantity) -> bool:
    """ "peak QPS: 100", "rps 50"."""
    match = scene.context.nearest(quantity, ("qps",), LABEL_REACH)
    if match is None:
        return _peak(scene, draft, quantity)
    words = scene.texts[match.hit.first : match.hit.last]
    before = scene.preceding(quantity)
    if before and before.first <= match.hit.first < before.last:
        return False  # the unit of the number before: "5 rps, 2k"
    if match.hit.first > quantity.first or set(words) <= {"load", "traffic", "verkehr", "trafic", "trafico"}:
        return False
    peak = scene.context.nearest(quantity, ("peak", "average"), LABEL_REACH + 2.0)
    target = scene.context.nearest(quantity, ("required",), LABEL_REACH + 2.0)
    scene.use(quantity)
    span = scene.span(quantity)
    if peak and peak.role == "peak":
        draft.say("peak_qps", quantity.top, *span)
    elif target and not peak:
        draft.say("target_throughput_rps", quantity.top, *span)
    else:
        draft.say("expected_qps", quantity.value, *span)
        if quantity.high:
            draft.say("peak_qps", quantity.high, *span)
    return True
