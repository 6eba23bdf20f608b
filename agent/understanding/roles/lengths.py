"""Lengths in tokens: prompt, answer, context; and generation speed."""

from itertools import pairwise

from agent.understanding.context import Match
from agent.understanding.draft import Draft
from agent.understanding.quantities import Quantity
from agent.understanding.scene import Scene, unusable
from agent.understanding.text import words

_FIELDS = {"input": "prompt_length_avg", "output": "generation_length_avg", "context": "context_length"}
_ASKED = words(
    "prompt prompts input inputs isl in eingabe entree entrada question questions email emails mail mails "
    "ticket message messages query queries brief briefs notes note paste pasted user"
)
_INPUTS = words("in input isl prompt inputs eingabe entree entrada")
_OUTPUTS = words("out output osl completion outputs answer ausgabe sortie salida")
_ANSWERS = words(
    "answer answers responses replies outputs summaries response reply completion summary antwort reponse "
    "respuesta output generation"
)
_LABELS = _ANSWERS | words("user turn")
_PAIRED = (("/",), ("-", ">"), ("→",), ("=", ">"), ("into",))
_EACH = (("each",), ("apiece",), ("jeweils",), ("chacun",))
_BETWEEN = words("of ~ about around : is are short long brief (")
LEAST_LENGTH = 16
SPEED_REACH = 7.0


def read_speeds(scene: Scene, draft: Draft) -> None:
    """Tokens per second for one reader are the inverse of TPOT; those of a whole system have no field."""
    for quantity in list(scene.open("token", "token_rate")):
        rate = quantity.unit is not None and quantity.unit.dimension == "token_rate"
        period = quantity.period
        if not rate and (period is None or period.kind != "second"):
            continue
        scene.use(quantity)
        own = quantity.per("user") or quantity.per("request") or scene.behind(quantity, 1) in _EACH
        near = scene.context.nearest(quantity, ("generation_speed", "aggregate"), SPEED_REACH)
        if why := unusable(quantity):
            draft.doubt(*scene.span(quantity), why, "target_tpot_p90_ms")
        elif own or (near is not None and near.role == "generation_speed"):
            draft.say("target_tpot_p90_ms", round(1000.0 / quantity.value, 9), *scene.span(quantity),
                      f"1000 / {quantity.value:g} tokens per second")  # fmt: skip
        else:
            asked = f"Are the {quantity.value:g} tokens per second for each user or in total?"
            why = "tokens per second, not said whether for each user or in total"
            draft.doubt(*scene.span(quantity), why, "target_tpot_p90_ms", asked, ("for each user", "in total"))


def read_lengths(scene: Scene, draft: Draft) -> None:
    """Fill prompt_length_avg, generation_length_avg and context_length."""
    _read_pairs(scene, draft)
    tokens = [each for each in scene.open("token") if not each.period]
    tokens += [each for each in scene.open("request") if not each.period and _named(scene, each)]
    bare = [each for each in scene.open(None) if not each.number.soft and _is_length(scene, each, bool(tokens))]
    matches = scene.context.assign([*tokens, *bare], (*_FIELDS, "prefix"), 9.0)
    shared: Quantity | None = None
    for quantity in [*tokens, *bare]:
        match = matches.get(quantity.first)
        if match is None:
            _say_per_item(scene, draft, quantity)
            continue
        scene.use(quantity)
        if match.role == "prefix" and not unusable(quantity):
            shared = quantity
            continue
        field = _FIELDS[_named(scene, quantity) or _role(scene, draft, quantity, match)]
        if (
            match.role == "input"
            and scene.context.nearest(quantity, ("ceiling",), 1.5)
            and not _average(scene, quantity)
        ):
            field = "context_length"
        ranged = quantity.high and field != "context_length"
        if ranged and (mean := _mean_behind(scene, quantity)):
            scene.use(mean)
            draft.say(field, mean.value, *scene.span(mean))
        elif why := unusable(quantity) or ("a range of lengths" if ranged else ""):
            draft.doubt(*scene.span(quantity), why, field)
        elif shared is not None and field == _FIELDS["input"]:
            sums = f"{shared.value:g} shared + {quantity.value:g}"
            draft.say(field, shared.value + quantity.value, *scene.span(quantity), sums)
            shared = None
        else:
            detail = "k read as 1000" if field == "context_length" and quantity.number.scale == 1e3 else None
            draft.say(field, float(round(quantity.top)), *scene.span(quantity), detail)
    if shared is not None:
        why = "tokens that all prompts share, not the length of a prompt"
        draft.doubt(*scene.span(shared), why, "prompt_length_avg")


def _mean_behind(scene: Scene, quantity: Quantity) -> Quantity | None:
    """ "500 to 3,000 tokens, averaging 1,200": the mean of the range."""
    mean = scene.following(quantity)
    plain = mean is not None and mean.dimension in (None, "token") and not mean.pers and not mean.high
    within = mean is not None and quantity.value <= mean.value <= quantity.top
    return mean if mean and plain and within and scene.context.nearest(mean, ("average",), 1.5) else None


def _read_pairs(scene: Scene, draft: Draft) -> None:
    """ "tokens in/out: 800/200", "600 tokens -> 80 tokens", "5 rps 2k/200"."""
    for left, right in pairwise(scene.quantities):
        between = scene.texts[left.last : right.first]
        if between not in _PAIRED or not {left.first, right.first}.isdisjoint(scene.used):
            continue
        if {left.dimension, right.dimension} - {None, "token"} or left.pers or right.pers:
            continue
        beside = {*scene.before(left, 7), *scene.behind(right, 5)}
        named = (
            bool(_INPUTS & beside and _OUTPUTS & beside)
            if between == ("/",)
            else "token" in (left.dimension, right.dimension)
        )
        if (named or _plain_pair(scene, left, right)) and not unusable(left) and not unusable(right):
            scene.use(left, right)
            draft.say("prompt_length_avg", left.value, *scene.span(left))
            draft.say("generation_length_avg", right.value, *scene.span(right))


def _plain_pair(scene: Scene, left: Quantity, right: Quantity) -> bool:
    """ "5 rps 2k/200": two lengths joined by a stroke, beside a load, and no latency near."""
    touching = scene.tokens[right.first].start - scene.tokens[left.last - 1].end == 1
    sized = 100 <= left.value <= 200_000 and 16 <= right.value <= 32_000
    loaded = any(each.dimension in ("request_rate", "concurrency") or each.period for each in scene.quantities)
    timed = scene.context.nearest(left, ("ttft", "tpot", "e2e", "latency"), 4.0)
    return touching and sized and loaded and timed is None and not left.unit and not right.unit


def _say_per_item(scene: Scene, draft: Draft, quantity: Quantity) -> None:
    """ "12,000 tokens per case": what is read for one request, unless an answer is counted."""
    if quantity.per("request") is None or unusable(quantity) or quantity.high:
        return
    answer = _ANSWERS.intersection(scene.texts[quantity.core_last : quantity.last])
    scene.use(quantity)
    draft.say("generation_length_avg" if answer else "prompt_length_avg", quantity.value, *scene.span(quantity))


def _role(scene: Scene, draft: Draft, quantity: Quantity, match: Match) -> str:
    """Context for one request is prompt; what is written for a content task is output."""
    phrase = scene.texts[match.hit.first : match.hit.last]
    behind = scene.texts[match.hit.last : match.hit.last + 1]
    if match.role == "context" and (quantity.per("request") or behind in (("per",), ("pro",), ("par",), ("por",))):
        return "input"
    if match.role == "input" and draft.value("task_type") == "content_generation" and not _ASKED.intersection(phrase):
        return "output"
    return match.role


def _average(scene: Scene, quantity: Quantity) -> bool:
    return scene.context.nearest(quantity, ("average",), 6.0) is not None


def _is_length(scene: Scene, quantity: Quantity, others: bool) -> bool:
    """A bare number with a length cue right beside it: "ISL 1024", "2k in / 500 out", "16k ctx"."""
    near = [] if quantity.period else scene.context.near(quantity, tuple(_FIELDS), 1.0)
    return any(_belongs(scene, quantity, match, others) for match in near)


def _named(scene: Scene, quantity: Quantity) -> str | None:
    """ "8k context prompts", "180 completion": a length by its noun, not a count."""
    if quantity.dimension != "request":
        return None
    noun = scene.texts[quantity.core_last - 1]
    if noun in ("completion", "generation") and quantity.value >= LEAST_LENGTH:
        return "output"
    thousands = quantity.number.scale == 1e3 or "context" in scene.texts[quantity.first : quantity.core_last]
    singular = noun == "prompt" and quantity.value >= LEAST_LENGTH
    return "input" if singular or (noun == "prompts" and thousands) else None


def _belongs(scene: Scene, quantity: Quantity, match: Match, others: bool) -> bool:
    phrase = scene.texts[match.hit.first : match.hit.last]
    exact = {
        "isl",
        "osl",
        "in",
        "out",
        "context",
        "ctx",
        "input",
        "output",
        "prompt",
        "completion",
        "generation",
        "rein",
        "raus",
    }
    named = bool(exact.intersection(phrase)) or len(phrase) > 1
    if match.role == "context":
        return quantity.value >= 256
    led = match.hit.first < quantity.first and set(scene.texts[match.hit.last : quantity.first]) <= _BETWEEN
    labelled = led and quantity.value >= LEAST_LENGTH
    thousands = (quantity.number.scale == 1e3 or labelled) and others and bool(_LABELS.intersection(phrase))
    return thousands or (named and quantity.value >= 4 and (others or quantity.value >= 16))
