"""Requests per second and per day, peaks, required throughput, tokens per day, and usage of other workloads."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from agent.understanding.draft import Draft
from agent.understanding.nouns import UNKNOWN_NOUN
from agent.understanding.quantities import PERIODS, Quantity, period_seconds
from agent.understanding.rates import OTHER
from agent.understanding.scene import Scene, unusable
from agent.understanding.text import words
from agent.understanding.vocabulary.units import PERIOD_SECONDS, names_person
from knowledge.errors import BadInput
from tools.units import parse_unit

SECONDS_PER_DAY = 86400.0
LOAD_REACH = 6.0
MAX_STEPS = 200
_USUAL = words("usual average normal avg mean typical baseline much many")
_THAT = (("that",), ("this",), ("davon",), ("eso",))
_READ, _WRITTEN = words("input in prompt inputs"), words("output out completion outputs generated")
_JOINED = words("and plus + , tokens token & und et y")
_STEPS = words(
    "turn turns message messages question questions prompt prompts request requests call calls step steps query "
    "queries exchange exchanges"
)
_PAPERS = words(
    "invoices receipts forms contracts letters scans applications claims tickets cheques checks passports ids faxes"
)
_COUNTED_IN = {"moderation": "messages", "video_generation": "videos", "image_generation": "images"}
_MEASURED = ("time", "character")
_SEEN = ("image", "video")
_COUNTED = ("request", "item", "concurrency", "page", "request_rate")
_TAKES = words("needs takes requires triggers causes makes means involves needing taking requiring triggering")
_CROSSES = (("x",), ("*",), ("×",), ("à",))
_AT_TIMES = words("when during while whenever wenn wahrend quand lors pendant cuando durante")
_EVERYBODY = words("everybody everyone jeder chacun chacune")
_DETERMINERS = words("each every of our the all these those about around roughly some ~ a an approximately")
_ONE_OF_MANY = words("each every per a an one jeder jede jedes chaque cada")
_EACH = words("each every per jeder jede jeden chaque cada pro par por")
_DOES = words(
    "gets sends asks makes handles receives has uses generates writes doing sending asking making posts "
    "submits creates processes answers reads runs does issues produces "
    "dictates trigger send ask make handle receive use generate write post submit create process answer issue produce"
)
_TIMES_OF_DAY = words("day night week month hour year minute second weekday morning evening")
_USAGE_NOUNS = {"image": "images", "video": "videos", "character": "characters", "page": "pages"}
_MEDIA_UNIT = {1e3: "seconds", 6e4: "minutes", 3.6e6: "hours"}
_UP_TO = words("max maximum maximal hasta maximo")
_UP_TO_PHRASES = (("up", "to"), ("bis", "zu"), ("jusqu'", "a"), ("jusqu", "a"), ("max", "."), ("maximum", "of"))
_PERIOD_NAMES = {"second", "minute"}


def _rate_per_second(quantity: Quantity, value: float) -> float | None:
    """Requests per second of a rate by the second, minute or hour."""
    if quantity.unit and quantity.unit.dimension == "request_rate":
        return value * quantity.unit.factor
    period = quantity.period
    if period and period.kind in ("second", "minute", "hour"):
        return value / period_seconds(period)
    return None


def per_day(quantity: Quantity, value: float) -> float | None:
    """Per day of a rate by the day or longer."""
    period = quantity.period
    if period is None or period.kind in ("second", "minute", "hour"):
        return None
    return value * SECONDS_PER_DAY / period_seconds(period)


def is_per_user(scene: Scene, quantity: Quantity) -> bool:
    """Whether a rate is meant for each user: "10 requests per user per day", "each employee asks 5 questions a day"."""
    if quantity.per("user"):
        return True
    before = scene.before(quantity, 8)
    led = any(
        word in _EACH and (names_person(follow) or follow == "of" or (word == "each" and follow in _DOES))
        for word, follow in pairwise(before[: len(before) - _governed(before)])
    )
    people = scene.preceding(quantity)
    if people and people.dimension == "user" and scene.texts[people.last : quantity.first] in _CROSSES:
        return True  # "1,000 users x 15 prompts per day"
    led = led or not _EVERYBODY.isdisjoint(before) or _subject(scene, quantity) is True
    trailing = scene.texts[quantity.core_last : quantity.core_last + 6]
    led = led or any(word in _EACH and names_person(follow) for word, follow in pairwise(trailing))
    behind = scene.texts[quantity.core_last : quantity.core_last + 2]
    daily = len(behind) == 2 and behind[1] in _TIMES_OF_DAY
    led = led or scene.texts[quantity.last : quantity.last + 1] in (("each",), ("apiece",), ("jeweils",), ("chacun",))
    return led or (behind[:1] in (("each",), ("chacun",), ("jeweils",), ("apiece",)) and not daily)


def _governed(before: Sequence[str]) -> int:
    """Words at the end of `before` that lead to the number itself: "on each of our 180 pull requests per day"."""
    at = len(before)
    while at and before[at - 1] in _DETERMINERS:
        at -= 1
    return len(before) - at


def _subject(scene: Scene, quantity: Quantity) -> bool | None:
    """Who does what the rate counts: "each salesperson sends 40 prompts" a person, "each till asks 5 questions" not.

    None where no "each" or article leads to a verb of doing.
    """
    before = scene.before(quantity, 4)
    for at, word in enumerate(before[1:], 1):
        noun = before[at - 1]
        led = at >= 2 and before[at - 2] in _ONE_OF_MANY
        if word in _DOES and led and scene.tokens[quantity.first - len(before) + at - 1].kind == "word":
            return names_person(noun)
    return None


def _say_rate(scene: Scene, draft: Draft, quantity: Quantity, role: str) -> None:
    span = scene.span(quantity)
    low = _rate_per_second(quantity, quantity.value) or 0.0
    high = _rate_per_second(quantity, quantity.high) if quantity.high else None
    if role == "peak":
        draft.say("peak_qps", high or low, *span)
    elif role == "required":
        draft.say("target_throughput_rps", high or low, *span)
    elif high is not None:
        draft.say("expected_qps", low, *span, "the lower end of the range")
        draft.say("peak_qps", high, *span, "the upper end of the range")
    else:
        draft.say("expected_qps", low, *span)


def _load_role(scene: Scene, quantity: Quantity, taken: dict[int, str]) -> str:
    if quantity.first in taken:
        return taken[quantity.first]
    if _UP_TO.intersection(scene.before(quantity, 1)) or scene.before(quantity, 2) in _UP_TO_PHRASES:
        return "peak"
    required = scene.context.nearest(quantity, ("required", "reach"), LOAD_REACH)
    return "required" if required else "average"


def _read_per_user(scene: Scene, draft: Draft, quantity: Quantity) -> bool:
    users, at_once = draft.value("total_users"), draft.value("concurrent_users")
    rate = _rate_per_second(quantity, quantity.value)
    group = _group_before(scene, quantity)
    people = group or ((at_once or users) if rate is not None else users)
    daily = per_day(quantity, quantity.value)
    if people is None or (rate is None and daily is None) or quantity.high:
        draft.doubt(*scene.span(quantity), "a rate per user, and the number of users is not known"
                    if people is None else "a rate per user that cannot be added up", "total_users")  # fmt: skip
    elif rate is not None:
        draft.say("expected_qps", rate * people, *scene.span(quantity), f"{people} users")
    elif daily is not None:
        draft.say("requests_per_day", daily * people, *scene.span(quantity), f"{people} users")
    return True


def _group_before(scene: Scene, quantity: Quantity) -> float | None:
    """ "Every one of our 300 shops sends 40 questions a day": how many there are."""
    group = scene.preceding(quantity)
    if group is None or group.dimension == "user" or group.pers or group.high or unusable(group):
        return None
    before = scene.before(group, 5)
    led = "of" in before and not _EACH.isdisjoint(before) and set(before[before.index("of") :]) <= _DETERMINERS
    near = quantity.first - group.last <= 5 and not group.currency
    return group.value if led and near else None


def read_rates(scene: Scene, draft: Draft) -> None:
    """Fill expected_qps, peak_qps, target_throughput_rps and requests_per_day."""
    counted = [each for each in scene.open(*_COUNTED, *_SEEN) if _is_load(each) and _is_known(draft, each)]
    steps = [found for each in counted if has_rate(each) and (found := _steps_of(scene, each))]
    counted = [each for each in counted if each not in steps]
    fast = [each for each in counted if _rate_per_second(each, 1.0) is not None]
    others = list(scene.open("times", None))
    matches = scene.context.assign([*fast, *others], ("peak", "average"), LOAD_REACH)
    roles = {first: match.role for first, match in matches.items()}
    raised = _raised(scene, fast, roles)
    roles |= raised
    for quantity in counted:
        scene.use(quantity)
        if why := unusable(quantity):
            draft.doubt(*scene.span(quantity), why, "expected_qps")
        elif quantity.number.soft and per_day(quantity, 1.0) is not None and not is_per_user(scene, quantity):
            continue  # "a job every night" says when, not how many
        elif is_per_user(scene, quantity):
            _read_per_user(scene, draft, _in_steps(scene, quantity))
        elif quantity.per(OTHER) or _subject(scene, quantity) is False:
            draft.doubt(
                *scene.span(quantity), "a rate for each of several, not said how many there are", "requests_per_day"
            )
        elif _rate_per_second(quantity, 1.0) is not None:
            _say_rate(scene, draft, _in_steps(scene, quantity), _load_role(scene, quantity, roles))
        else:
            _say_daily(scene, draft, _in_steps(scene, quantity))
    _read_bare_peaks(scene, draft, fast, raised)
    _read_multiples(scene, draft)


def _raised(scene: Scene, fast: Sequence[Quantity], roles: Mapping[int, str]) -> Mapping[int, str]:
    """ "2 rps mostly, 60 rps during drops", "30 a second, ninety when a match is on": the higher is the peak."""
    found: dict[int, str] = {}
    for left in fast:
        right, (_, high) = scene.following(left), scene.context.bounds(left)
        bare = right is not None and right.unit is None and not right.pers and not right.currency
        if right is None or right.first >= high or right.high or left.high or not (bare or right in fast):
            continue
        low = _rate_per_second(left, left.value) or 0.0
        other = _rate_per_second(left if bare else right, right.value) or 0.0
        if other > low and not _AT_TIMES.isdisjoint(scene.behind(right, 1)) and roles.get(left.first) != "peak":
            found |= {left.first: "average", right.first: "peak"}
        elif other > low and roles.get(left.first) == "average" and right.first not in roles and right in fast:
            found[right.first] = "peak"
        elif other < low and roles.get(right.first) == "average" and left.first not in roles:
            found[left.first] = "peak"
    return found


def _in_steps(scene: Scene, quantity: Quantity) -> Quantity:
    """ "1,000 tasks a day, 15 steps per task": the requests, where it is said how many each item takes."""
    steps = _steps_of(scene, quantity)
    if steps is None:
        return quantity
    scene.use(steps)
    first, last = min(quantity.first, steps.first), max(quantity.last, steps.last)
    high = quantity.high * steps.value if quantity.high else None
    return replace(quantity, value=quantity.value * steps.value, high=high, first=first, last=last)


def _steps_of(scene: Scene, item: Quantity) -> Quantity | None:
    nouns = {word.removesuffix("s") for word in scene.texts[item.number.last : item.core_last] if word not in _STEPS}
    for each in (scene.following(item), scene.preceding(item)):
        if each is None or each.period or each.high or unusable(each) or each.value > MAX_STEPS or not nouns:
            continue
        behind = (*scene.texts[each.core_last : each.core_last + 2], "", "")
        before = pairwise(scene.before(each, 6))
        told = behind[0] == "each" or (behind[0] in _EACH and behind[1] in nouns)
        told = told or (scene.before(each, 2)[:1] == ("each",) and scene.before(each, 1)[0] in _TAKES)
        told = told or any(word in _EACH and follow in nouns for word, follow in before)
        if told and not _STEPS.isdisjoint(scene.texts[each.number.last : each.core_last]):
            return each
    return None


def _is_known(draft: Draft, quantity: Quantity) -> bool:
    """A noun that no list holds counts as something processed only where a task is named."""
    return quantity.unit != UNKNOWN_NOUN or draft.value("task_type") is not None


def _read_bare_peaks(scene: Scene, draft: Draft, fast: Sequence[Quantity], raised: Mapping[int, str]) -> None:
    """ "10 rps, bursts to 40": a bare number beside a word for the peak is in the unit of the load said before."""
    starts = [each.first for each in fast]
    for quantity in list(scene.open(None)):
        _, high = scene.context.bounds(quantity)
        earlier = fast[: bisect_left(starts, high)]
        match = scene.context.nearest(quantity, ("peak", "average"), 2.0)
        role = raised.get(quantity.first) or (match.role if match else None)
        if not earlier or role is None or quantity.number.soft or unusable(quantity):
            continue
        if match and match.hit.first == earlier[-1].last:
            continue  # "120 per minute sustained, 512 in": the word is that of the rate
        rate = _rate_per_second(earlier[-1], quantity.top)
        if rate is not None:
            scene.use(quantity)
            draft.say("peak_qps" if role == "peak" else "expected_qps", rate, *scene.span(quantity))


def _is_load(quantity: Quantity) -> bool:
    return bool(quantity.period) or quantity.dimension == "request_rate" or quantity.per("user") is not None


def _say_daily(scene: Scene, draft: Draft, quantity: Quantity) -> None:
    daily = per_day(quantity, quantity.value)
    peak = scene.context.nearest(quantity, ("peak",), 3.0)
    if daily is None or quantity.high or peak:
        why = "a range of requests per day" if quantity.high else "a peak by the day: not said in requests per second"
        draft.doubt(*scene.span(quantity), why, "requests_per_day")
        return
    draft.say("requests_per_day", daily, *scene.span(quantity))


def _read_multiples(scene: Scene, draft: Draft) -> None:
    """ "peak is three times the average"."""
    for quantity in scene.open("times"):
        peak = scene.context.nearest(quantity, ("peak",), 10.0)
        if unusable(quantity) or (peak is None and not _of_the_average(scene, quantity)):
            continue
        scene.use(quantity)
        average, daily = draft.value("expected_qps"), draft.value("requests_per_day")
        if average is None and daily is not None:
            average = daily / SECONDS_PER_DAY
        if average is None or draft.value("peak_qps") is not None:
            draft.doubt(*scene.span(quantity), "a peak as a multiple of an average that was not said", "peak_qps",
                        "How many requests per second is the average?")  # fmt: skip
        else:
            draft.say("peak_qps", quantity.top * average, *scene.span(quantity), f"{quantity.top:g} × {average:g}")


def _of_the_average(scene: Scene, quantity: Quantity) -> bool:
    """ "5x our usual 10 rps", "12 rps and 3x that on Mondays"."""
    before = scene.preceding(quantity)
    fast = before is not None and _rate_per_second(before, 1.0) is not None
    that = fast and scene.behind(quantity, 1) in _THAT
    return that or bool(_USUAL.intersection(scene.behind(quantity, 2)))


def read_usage(scene: Scene, draft: Draft) -> None:
    """Volume of workloads that are not counted in requests: audio hours, images, characters, documents."""
    other = scene.workload not in (None, "llm")
    for quantity in list(scene.open("time", "image", "video", "character", "item", "page", "request")):
        unit = _usage_unit(scene, quantity, other)
        period = quantity.period
        fast = period is not None and period.kind in ("second", "minute") and quantity.dimension not in _MEASURED
        if unit is None or period is None or fast:
            continue
        users = draft.value("total_users") if is_per_user(scene, quantity) else 1
        scene.use(quantity)
        if users is None:
            draft.doubt(*scene.span(quantity), "a rate per user, and the number of users is not known", "total_users")
        elif (why := unusable(quantity)) or quantity.high:
            draft.doubt(*scene.span(quantity), why or "a range of usage", "usage")
        else:
            _say_usage(scene, draft, quantity, unit, users)


def _say_usage(scene: Scene, draft: Draft, quantity: Quantity, unit: str, users: int) -> None:
    period = quantity.period
    if period is None:
        return
    value, kind = users * quantity.value / period.amount, {"night": "day"}.get(period.kind, period.kind)
    if kind in _PERIOD_NAMES or kind == "quarter":
        target = "hour" if kind in _PERIOD_NAMES else "month"
        value, kind = value * PERIOD_SECONDS[target] / PERIOD_SECONDS[kind], target
    if draft.value("usage.quantity") is not None:
        draft.doubt(*scene.span(quantity), "a second volume; one is planned at a time", "usage")
        return
    for path, part in (("quantity", value), ("unit", unit), ("period", kind)):
        draft.say(f"usage.{path}", part, *scene.span(quantity))


def _usage_unit(scene: Scene, quantity: Quantity, other: bool) -> str | None:
    if quantity.dimension == "time" and quantity.unit:
        medium = scene.context.nearest(quantity, ("audio", "footage"), LOAD_REACH)
        speech = scene.workload in ("speech_to_text", "text_to_speech")
        footage = medium is not None and medium.role == "footage" and not speech
        video = scene.workload == "video_generation" or footage
        spoken = medium is not None or speech
        part = _MEDIA_UNIT.get(quantity.unit.factor)
        return f"{'video' if video else 'audio'}_{part}" if part and (spoken or video) else None
    if quantity.dimension in ("image", "video", "character"):
        return _USAGE_NOUNS[quantity.dimension]
    if not other or quantity.dimension == "request":
        return None
    if scene.workload in ("speech_to_text",) and quantity.dimension == "item":
        return None
    return _catalog_unit(scene.texts[quantity.core_last - 1], scene.workload or "")


def _catalog_unit(noun: str, workload: str) -> str:
    """The noun as it was said where prices are quoted in it, else the unit in which the workload is counted."""
    noun = noun if noun.endswith("s") else noun + "s"
    try:
        parse_unit(noun, workload)
    except BadInput:
        picture = workload == "vision" and noun not in _PAPERS
        return "images" if picture else _COUNTED_IN.get(workload, "documents")
    return noun


def read_tokens_per_day(scene: Scene, draft: Draft) -> None:
    """ "10M tokens a day", "2B tokens per month"."""
    for quantity in list(scene.open("token")):
        daily = per_day(quantity, quantity.value)
        if daily is None:
            continue
        scene.use(quantity)
        users = draft.value("total_users")
        if why := unusable(quantity):
            draft.doubt(*scene.span(quantity), why, "tokens_per_day")
        elif quantity.high:
            draft.doubt(*scene.span(quantity), "a range of tokens", "tokens_per_day")
        elif is_per_user(scene, quantity) and users is None:
            draft.doubt(*scene.span(quantity), "a rate per user, and the number of users is not known", "total_users")
        else:
            factor = users if is_per_user(scene, quantity) else 1
            asked = (_input_beside(scene, quantity) or _output_behind(scene, quantity)) * daily / quantity.value
            detail = f"input and output: {asked:g} + {daily:g}" if asked else None
            draft.say("tokens_per_day", (daily + asked) * factor, *scene.span(quantity), detail)


def _input_beside(scene: Scene, quantity: Quantity) -> float:
    """ "20M input and 4M output tokens a day": the input that is counted with the output; 0 where none is."""
    left = scene.preceding(quantity)
    if left is None or left.dimension not in (None, "token") or left.high or unusable(left):
        return 0.0
    between = scene.texts[left.number.last : quantity.first]
    answered = _WRITTEN.intersection(scene.texts[quantity.first : quantity.core_last + 1])
    if not answered or not _READ.intersection(between) or not set(between) <= _READ | _JOINED:
        return 0.0
    scene.use(left)
    return left.value


def _output_behind(scene: Scene, quantity: Quantity) -> float:
    """ "6M tokens a day in, 1M out": the output that is counted with the input; 0 where none is."""
    right = scene.following(quantity)
    if right is None or right.dimension not in (None, "token") or right.pers or right.high or unusable(right):
        return 0.0
    between = scene.texts[quantity.last : right.first]
    written = _WRITTEN.intersection(scene.texts[right.first : right.core_last + 1])
    if not written or not _READ.intersection(between) or not set(between) <= _READ | _JOINED:
        return 0.0
    scene.use(right)
    return right.value


def read_totals(scene: Scene, draft: Draft) -> None:
    """Counts without a rate: a volume of which nobody said how often."""
    for quantity in list(scene.open("request", "item", "concurrency", "page", "image", "video", "character")):
        if quantity.number.soft or (quantity.number.vague and quantity.number.scale == 1):
            scene.use(quantity)
            continue
        if (
            quantity.number.last - quantity.number.first >= 1
            and quantity.value <= 12
            and not _is_digits(scene, quantity)
        ):
            scene.use(quantity)
            continue
        scene.use(quantity)
        field = "requests_per_day" if scene.workload in (None, "llm") else "usage"
        text = draft.message[slice(*scene.span(quantity))]
        draft.doubt(*scene.span(quantity), unusable(quantity) or "a number of items, not said in which time", field,
                    f"Is “{text}” per day, per month, or in total?", ("per day", "per month", "in total"))  # fmt: skip


def _is_digits(scene: Scene, quantity: Quantity) -> bool:
    return scene.tokens[quantity.number.first].kind == "number"


def has_rate(quantity: Quantity) -> bool:
    """Whether a quantity is a rate over time."""
    return any(per.kind in PERIODS for per in quantity.pers)
