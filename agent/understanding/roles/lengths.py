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
    "ticket message messages query queries brief briefs"
)
_INPUTS = words("in input isl prompt inputs eingabe entree entrada")
_OUTPUTS = words("out output osl completion outputs answer ausgabe sortie salida")
_ANSWERS = words(
    "answer answers responses replies outputs summaries response reply completion summary antwort reponse "
    "respuesta output generation"
)
SPEED_REACH = 7.0


def read_speeds(scene: Scene, draft: Draft) -> None:
    """Tokens per second for one reader are the inverse of TPOT; those of a whole system have no field."""
    for quantity in list(scene.open("token", "token_rate")):
        rate = quantity.unit is not None and quantity.unit.dimension == "token_rate"
        period = quantity.period
        if not rate and (period is None or period.kind != "second"):
            continue
        scene.use(quantity)
        own = quantity.per("user") or quantity.per("request")
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
    tokens += [each for each in scene.open("request") if not each.period and _is_prompt(scene, each)]
    bare = [each for each in scene.open(None) if not each.number.soft and _is_length(scene, each, bool(tokens))]
    matches = scene.context.assign([*tokens, *bare], tuple(_FIELDS), 9.0)
    for quantity in [*tokens, *bare]:
        match = matches.get(quantity.first)
        if match is None:
            _say_per_item(scene, draft, quantity)
            continue
        scene.use(quantity)
        field = _FIELDS["input" if quantity.dimension == "request" else _role(scene, draft, quantity, match)]
        if (
            match.role == "input"
            and scene.context.nearest(quantity, ("ceiling",), 1.5)
            and not _average(scene, quantity)
        ):
            field = "context_length"
        if why := unusable(quantity) or ("a range of lengths" if quantity.high and field != "context_length" else ""):
            draft.doubt(*scene.span(quantity), why, field)
        else:
            detail = "k read as 1000" if field == "context_length" and quantity.number.scale == 1e3 else None
            draft.say(field, float(round(quantity.top)), *scene.span(quantity), detail)


def _read_pairs(scene: Scene, draft: Draft) -> None:
    """ "tokens in/out: 800/200"."""
    for left, right in pairwise(scene.quantities):
        if (
            scene.texts[left.last : right.first] != ("/",)
            or left.unit
            or not {left.first, right.first}.isdisjoint(scene.used)
        ):
            continue
        beside = {*scene.before(left, 7), *scene.behind(right, 5)}
        if _INPUTS & beside and _OUTPUTS & beside and not unusable(left) and not unusable(right):
            scene.use(left, right)
            draft.say("prompt_length_avg", left.value, *scene.span(left))
            draft.say("generation_length_avg", right.value, *scene.span(right))


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


def _is_prompt(scene: Scene, quantity: Quantity) -> bool:
    """ "8k context prompts": a length, not a count."""
    named = scene.texts[quantity.core_last - 1] in ("prompt", "prompts")
    return named and (quantity.number.scale == 1e3 or "context" in scene.texts[quantity.first : quantity.core_last])


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
    thousands = quantity.number.scale == 1e3 and others and bool(_ANSWERS.intersection(phrase))
    return thousands or (named and quantity.value >= 4 and (others or quantity.value >= 16))
