"""Targets for time to first token, time per token and end to end."""

from collections.abc import Mapping, Sequence

from agent.understanding.context import Match
from agent.understanding.draft import Draft
from agent.understanding.quantities import Quantity
from agent.understanding.scene import Scene, unusable
from agent.understanding.text import words
from agent.understanding.vocabulary.units import Unit

SURE_COST = 2.0
_HOUR = Unit("time", 3.6e6, "hour")
_RANKS = words("p90 p95 p99")
_MEDIAN = words("median p50 medianlatenz")
MINUTE_MS = 60_000.0
WINDOW_FROM_MS = 900_000.0
MAX_TARGET_MS = 1_800_000.0
_FIELDS = {
    "ttft": "target_ttft_p90_ms",
    "tpot": "target_tpot_p90_ms",
    "e2e": "target_e2e_latency_p90_ms",
}
_QUICK_ROLES = ("ttft", "tpot", "e2e", "latency")
_SLOW_ROLES = ("e2e", "latency", "window", "audio", "footage", "idle", "amortise")
_MEDIA = {"speech_to_text": "audio", "text_to_speech": "audio", "video_generation": "video", "vision": "video"}
_ASK = "Is “{}” the time to the first token, or to the complete answer?"
_CHOICES = ("first token", "complete answer")
_IN = words("in within binnen en dans")
_WHOLE_ANSWERS = words(
    "classification extraction translation summarization long_document_summarization code_completion"
)
_OF_MEDIA = words("of d de von an")
_TOTALLING = words("of worth")


def read_times(scene: Scene, draft: Draft) -> None:
    """Fill the latency targets; clock time of audio and video is left for the usage reader."""
    times = [each for each in scene.open("time") if not _is_media(scene, each)]
    quick = [each for each in times if each.unit and each.top * each.unit.factor < WINDOW_FROM_MS]
    slow = [each for each in times if each not in quick]
    matches = scene.context.assign(quick, _QUICK_ROLES) | scene.context.assign(slow, _SLOW_ROLES)
    mean = _doubt_means(scene, draft, quick)
    for quantity in times:
        match = matches.get(quantity.first)
        if quantity is mean:
            continue
        past = match is not None and _is_past(scene, quantity, match, times, matches)
        if (role := _corrected(scene, draft, quantity, match)) is not None:
            _say(scene, draft, quantity, role)
            continue
        if past:
            scene.use(quantity)
            draft.doubt(*scene.span(quantity), "how long it takes today; the other time is the target")
            continue
        if match is None and mean is not None and _has_rank(scene, quantity):
            match = matches.get(mean.first)
        _read_time(scene, draft, quantity, match)


def _has_rank(scene: Scene, quantity: Quantity) -> bool:
    """Whether a percentile stands beside a time."""
    ranked = scene.context.nearest(quantity, ("percentile",), 3.0) is not None
    return ranked or not _RANKS.isdisjoint(scene.before(quantity, 6))


def _read_time(scene: Scene, draft: Draft, quantity: Quantity, match: Match | None) -> None:
    if quantity.per("token"):
        _say(scene, draft, quantity, "tpot", (quantity.per("token") or quantity.pers[0]).amount)
    elif quantity.per("request"):
        _say(scene, draft, quantity, "e2e")
    elif match is None or match.role == "idle":
        _lone(scene, draft, quantity, match)
    elif match.role == "e2e" and _is_duration(scene, quantity, match):
        return
    elif match.role in _FIELDS:
        _say(scene, draft, quantity, match.role)
    elif match.role == "latency":
        _bare(scene, draft, quantity)
    elif match.role == "window":
        _window(scene, draft, quantity)


def _doubt_means(scene: Scene, draft: Draft, quick: Sequence[Quantity]) -> Quantity | None:
    """ "1.5 s on average, 90th percentile 3 s": the percentile is the target, the mean beside it has no field."""
    if not any(scene.context.nearest(each, ("percentile",), 3.0) for each in quick) and not _ranked(scene, draft):
        return None
    for each in quick:
        if not _MEDIAN.isdisjoint((*scene.before(each, 6), *scene.behind(each, 1))) and _ranked(scene, draft):
            scene.use(each)
            draft.doubt(*scene.span(each), "a median; the percentile beside it is planned", "slo_percentile")
            return each
        average = scene.context.nearest(each, ("average",), 2.0)
        if average and average.hit.first >= each.last and not scene.context.nearest(each, ("percentile",), 3.0):
            scene.use(each)
            draft.doubt(*scene.span(each), "a mean latency; the percentile beside it is planned", "slo_percentile")
            return each
    return None


def _is_past(
    scene: Scene, quantity: Quantity, match: Match, times: Sequence[Quantity], matches: Mapping[int, Match]
) -> bool:
    """ "Users wait 4 s today, we promised 1.5 s": of two times in one role the one of today is no target."""
    others = [
        each
        for each in times
        if each is not quantity and (found := matches.get(each.first)) and found.role == match.role
    ]
    return match.role in _FIELDS and bool(others) and scene.context.nearest(quantity, ("current",), 1.5) is not None


def _corrected(scene: Scene, draft: Draft, quantity: Quantity, match: Match | None) -> str | None:
    """ "300 ms TTFT - wait, it's 450 ms now": a correction takes the role of the time before it."""
    before = scene.preceding(quantity)
    if before is None or before.dimension != "time" or (match is not None and match.cost <= SURE_COST):
        return None
    start, end = scene.span(before)[1], scene.span(quantity)[0]
    said = [role for role, field in _FIELDS.items() if draft.spans(field, scene.span(before)[0])]
    return said[0] if said and any(start <= at < end for at in draft.corrections) else None


def _is_duration(scene: Scene, quantity: Quantity, match: Match) -> bool:
    """ "each call takes 6 minutes" is no target: minutes need a word such as "within"."""
    long = quantity.unit is not None and quantity.top * quantity.unit.factor >= MINUTE_MS
    return long and match.hit.cue.weakness >= 3 and not scene.context.nearest(quantity, ("ceiling",), 2.0)


def _ranked(scene: Scene, draft: Draft) -> bool:
    """Whether a median stands beside another percentile: "median 250 ms, p95 600 ms"."""
    return not _MEDIAN.isdisjoint(scene.texts) and (draft.value("slo_percentile") or 50) != 50


def _is_media(scene: Scene, quantity: Quantity) -> bool:
    """Hours and minutes of recordings are usage, not latency."""
    if quantity.unit is None or quantity.unit.factor < 1e3 or quantity.per("token"):
        return False
    if scene.before(quantity, 1) in (("of",), ("with",), ("each",)) and not quantity.period:
        return False
    behind = scene.behind(quantity, 6)
    medium = scene.context.nearest(quantity, ("audio", "footage"), 4.0)
    of = bool(behind) and behind[0] in _TOTALLING | _OF_MEDIA
    if quantity.unit.factor >= 6e4 and medium and (quantity.period or of or scene.workload in _MEDIA):
        return medium.hit.first >= quantity.first or quantity.period is not None
    return bool(of and medium and medium.hit.first > quantity.first) or (
        quantity.period is not None and scene.workload in _MEDIA and quantity.period.kind not in ("second", "minute")
    )


def _say(scene: Scene, draft: Draft, quantity: Quantity, role: str, divisor: float = 1.0) -> None:
    scene.use(quantity)
    factor = quantity.unit.factor if quantity.unit else 1.0
    why = unusable(quantity)
    if not why and role == "e2e" and quantity.top * factor > MAX_TARGET_MS:
        _window(scene, draft, quantity)
        return
    if why:
        draft.doubt(*scene.span(quantity), why, _FIELDS[role])
        return
    detail = "the upper end of the range" if quantity.high else None
    draft.say(_FIELDS[role], round(quantity.top * factor / divisor, 9), *scene.span(quantity), detail)


def _bare(scene: Scene, draft: Draft, quantity: Quantity) -> None:
    """ "latency under 200 ms": of what? Only workloads without tokens leave no doubt."""
    if scene.workload and scene.workload not in ("llm",):
        _say(scene, draft, quantity, "e2e")
        return
    scene.use(quantity)
    text = draft.message[slice(*scene.span(quantity))]
    draft.doubt(*scene.span(quantity), "a latency, not said of what: first token or complete answer",
                "target_ttft_p90_ms", _ASK.format(text), _CHOICES)  # fmt: skip


def _lone(scene: Scene, draft: Draft, quantity: Quantity, match: Match | None) -> None:
    if quantity.number.soft or match is not None:
        scene.use(quantity)
        return
    ceiling = scene.context.nearest(quantity, ("ceiling",), 3.0)
    before = scene.preceding(quantity)
    counted = before is not None and before.dimension in ("item", "request") and not before.pers
    if counted and scene.before(quantity, 1) in (("in",), ("within",)) and quantity.unit == _HOUR:
        _window(scene, draft, quantity)  # "3 million records in 12 hours"
        return
    led = bool(_IN.intersection(scene.before(quantity, 1))) or (ceiling is not None and ceiling.cost < 1)
    if led and draft.value("task_type") in _WHOLE_ANSWERS:
        _say(scene, draft, quantity, "e2e")
        return
    if ceiling and (quantity.unit is None or quantity.top * quantity.unit.factor <= MAX_TARGET_MS):
        _bare(scene, draft, quantity)


def _window(scene: Scene, draft: Draft, quantity: Quantity) -> None:
    """Hours in which a batch must be done."""
    factor = (quantity.unit.factor if quantity.unit else 1.0) / 3.6e6
    if quantity.top * factor < 0.25 or (quantity.period and quantity.period.kind not in ("day", "night")):
        return
    scene.use(quantity)
    if why := unusable(quantity):
        draft.doubt(*scene.span(quantity), why, "batch_window_hours")
        return
    draft.say("batch_window_hours", round(quantity.top * factor, 9), *scene.span(quantity))
