"""Accelerators and models: what the person has or will buy, what they would consider, how many at most."""

import re
from itertools import pairwise

from agent.understanding.draft import Draft
from agent.understanding.lexicon import word_list
from agent.understanding.negation import Negation
from agent.understanding.quantities import Quantity
from agent.understanding.scene import Scene, unusable
from agent.understanding.text import words
from agent.understanding.vocabulary.tables import read_table

_OWNED = word_list(read_table("possession")["own"])
_RENTED = words("rent renting rented rental mieten mietet louer louons alquilar alquilamos lease leasing hire hiring")
_NO = words("no not without kein keine pas sin ohne sans never than")
OF_THEM_REACH = 14
_OF_THEM = {("of", "them"), ("of", "those"), ("of", "these"), ("of", "which"), ("de", "ellas"), ("d'entre", "elles")}
_SINGLE = words("single lone seule seul sola solo einzige einzigen einzelne einzelnen lone")
OWN_REACH = 4
_OWN = words("my mine our eigene eigenen eigener unsere unseren unserer nos propres nuestras nuestros propias propios")
_COMPARATIVES = words("newer older better bigger faster cheaper slower smaller other rather stronger weaker")
_UP_TO = words("max maximum most than up limit cap hochstens maximal plus maximo")
_NODE = words("node nodes servers machines boxes hosts knoten")
_YARDSTICK = words("level class quality grade like style tier niveau bill today now currently api charges")
_TRAINING = words("training trained finetune finetuned finetuning tuning tuned epochs epoch pretraining pretrained")
_GPU = words("gpu gpus accelerators accelerator")
MAX_PLAIN_CARDS = 64
_EACH = words("of with x each mit avec con a de je , jeweils chacun")
_TENSOR = re.compile(r"tp(\d{1,2})$")
_COUNT_BEHIND = re.compile(r"x(\d{1,3})$")
_COMPARED = word_list(read_table("possession")["compared"])


def read_hardware(scene: Scene, draft: Draft, negation: Negation) -> None:
    """Fill available_gpus, gpu_types, max_gpus and tensor_parallel."""
    counted = _of_them(scene) | {each.name: each for each in scene.open("gpu") if each.name is not None}
    for at in scene.cards:
        _read_card(scene, draft, at, denied=negation.denies(at, at + 1), quantity=counted.get(at))
    for quantity in list(scene.open("gpu")):
        if quantity.name is None:
            _read_count(scene, draft, quantity)
    _tensor_parallel(scene, draft)


def _of_them(scene: Scene) -> dict[int | None, Quantity]:
    """ "L40S, 4 of them": a count behind the name, by the token of the name."""
    found: dict[int | None, Quantity] = {}
    for each in scene.open(None):
        if scene.behind(each, 2) not in _OF_THEM or each.number.soft:
            continue
        people = any(other.dimension == "user" for other in scene.quantities if other.first < each.first)
        named = [at for at in scene.cards if each.first - OF_THEM_REACH <= at < each.first]
        if named and not people and not each.period:
            found[named[-1]] = each
    return found


def _owned(scene: Scene, first: int, last: int, reach: int = 12) -> bool:
    """Whether the words around say that the cards are the person's own or will be bought; `reach` is that of "our"."""
    low, high = scene.context.sentence(first, last)
    behind = scene.texts[last : min(high, last + 7)]
    behind = behind[: behind.index(",")] if "," in behind else behind
    around = scene.texts[max(low, first - 12) : last] + behind
    lead = len(around) - len(behind) - (last - first)
    rented = any(word in _RENTED and before not in _NO for before, word in pairwise(("", *around)))
    said = [hit for hit in _OWNED.find(around) if around[hit.first] not in _OWN or lead - hit.last <= reach]
    return (bool(said) or "ours" in scene.texts[low:high]) and not rented


def _count(scene: Scene, at: int, quantity: Quantity | None) -> tuple[int | None, int, int]:
    """Cards that a mention counts, and the tokens that say so."""
    first, last = at, at + 1
    number: float | None = None
    if quantity is not None and not quantity.number.vague:
        article = quantity.number.soft and scene.texts[quantity.first] not in ("one", "eins", "uno")
        alone = article and quantity.first == at - 1 and _owned(scene, at, at + 1)
        number = None if article and not alone else quantity.top
        first = min(quantity.first, at) if number else at
        last = max(quantity.core_last, last) if number else last
    behind = scene.texts[at + 1 : at + 3]
    if number is None and behind and (match := _COUNT_BEHIND.match(behind[0])):
        number, last = float(match[1]), at + 2
    elif number is None and len(behind) == 2 and behind[0] in ("x", "*", ":") and scene.tokens[at + 2].kind == "number":
        number, last = scene.tokens[at + 2].value, at + 3
    elif number is None and at >= 1 and (scene.texts[at - 1] in _SINGLE or scene.before_token(at) == ("my", "own")):
        number, first = 1.0, at - 1
    return (int(number) if number and number == int(number) and number > 0 else None), first, last


def _read_card(scene: Scene, draft: Draft, at: int, *, denied: bool, quantity: Quantity | None) -> None:
    mention = scene.cards[at]
    count, first, last = _count(scene, at, quantity)
    if quantity is not None:
        scene.use(quantity)
        if quantity.negative or quantity.value <= 0:
            draft.doubt(*scene.span(quantity), unusable(quantity), "available_gpus")
            return
    _use_behind(scene, at, last)
    span = scene.characters(first, last)
    if mention.gpu_type is None:
        asked = f"Which accelerator is “{draft.message[slice(*span)]}”?"
        draft.doubt(*span, mention.why, "gpu_types", asked, mention.near)
        return
    why = "an accelerator to avoid; say which ones may be used instead" if denied else ""
    if why := _named_aside(scene, first, last) or why:
        draft.doubt(*span, why, "gpu_types")
        return
    times = "x" in scene.texts[first:last] or "*" in scene.texts[first:last]
    if mention.cards == 1 and count and not times and count > 1 and _NODE.intersection(scene.texts[last : last + 1]):
        each = _held_by_each(scene, last)
        if each is None:
            draft.doubt(*span, "a number of nodes, not said how many cards each holds", "max_gpus")
        count = count * each if each else None
    if mention.cards > 1:
        count = (count or 1) * mention.cards
    count = _of_nodes(scene, quantity, count)
    near = ", ".join(mention.near)
    detail = f"{mention.gpu_type} assumed; also possible: {near}" if mention.assumed and near else None
    if _OWN.intersection(scene.texts[max(first - 2, 0) : first]) and draft.value("deployment_model") is None:
        draft.say("deployment_model", "owned_hardware", *scene.characters(max(first - 1, 0), last))
    if count and _owned(scene, first, last):
        draft.add("available_gpus", {"gpu_type": mention.gpu_type, "count": count}, *span, detail)
        return
    draft.add("gpu_types", mention.gpu_type, *span, detail)
    if count:
        _limit(draft, count, *span)


def _named_aside(scene: Scene, first: int, last: int) -> str:
    """Why an accelerator is named though it is not meant to serve; empty when it may be."""
    low, high = scene.context.sentence(first, last)
    if _TRAINING.intersection(scene.texts[max(low, first - 10) : min(high, last + 6)]):
        return "an accelerator named with training, not with serving"
    if scene.texts[max(first - 1, 0) : first] == ("than",) and _COMPARATIVES.intersection(scene.before_token(first)):
        return "an accelerator to compare with"
    return ""


def _held_by_each(scene: Scene, at: int) -> int | None:
    """ "Two H200 boxes of eight GPUs each": the cards of one box, named behind the word for it at token `at`."""
    for each in scene.open("gpu"):
        near = each.first > at and set(scene.texts[at + 1 : each.first]) <= _EACH
        if near and each.name is None and not unusable(each) and each.high is None:
            scene.use(each)
            return int(each.value)
    return None


def _use_behind(scene: Scene, at: int, last: int) -> None:
    """Numbers behind a name that count it ("H100 x 8") are used up."""
    scene.used.update(range(at + 1, last))


def _of_nodes(scene: Scene, quantity: Quantity | None, count: int | None) -> int | None:
    """ "2 nodes of 8 H100", "two 8xH200 nodes": the cards of all nodes."""
    if quantity is None or count is None:
        return count
    nodes = scene.preceding(quantity)
    behind = scene.texts[quantity.core_last : quantity.core_last + 1]
    plain = nodes is not None and nodes.dimension in (None, "times") and not nodes.number.soft
    if nodes is not None and plain and nodes.last == quantity.first and _NODE.intersection(behind):
        scene.use(nodes)
        return count * int(nodes.value)
    if nodes is None or nodes.dimension != "node" or not set(scene.texts[nodes.last : quantity.first]) <= _EACH:
        return count
    scene.use(nodes)
    return count * int(nodes.value)


def _limit(draft: Draft, count: int, start: int, end: int) -> None:
    before = draft.value("max_gpus")
    if before is None:
        draft.say("max_gpus", float(count), start, end)
    elif before != count:
        draft.drop("max_gpus")
        draft.doubt(start, end, "a second limit on the number of cards", "max_gpus")


def _read_count(scene: Scene, draft: Draft, quantity: Quantity) -> None:
    """ "max 4 GPUs", "on two GPUs": a limit, unless the person has them and did not say which."""
    scene.use(quantity)
    doubtful = quantity.value > MAX_PLAIN_CARDS and not _GPU.intersection(scene.texts[quantity.first : quantity.last])
    if quantity.number.soft or quantity.number.vague or doubtful:
        return
    if why := unusable(quantity):
        draft.doubt(*scene.span(quantity), why, "max_gpus")
        return
    tensor = scene.context.nearest(quantity, ("tensor_parallel",), 3.0)
    if tensor:
        draft.say("tensor_parallel", quantity.value, *scene.span(quantity))
        return
    limited = not _UP_TO.isdisjoint(scene.before(quantity, 3))
    if not limited and _owned(scene, quantity.first, quantity.last, OWN_REACH):
        draft.doubt(*scene.span(quantity), "accelerators, not said of which type", "available_gpus",
                    "Which accelerators are they?", ("H100", "A100 80GB", "L40S", "L4"))  # fmt: skip
        return
    draft.say("max_gpus", quantity.top, *scene.span(quantity))


def _tensor_parallel(scene: Scene, draft: Draft) -> None:
    for at, token in enumerate(scene.tokens):
        match = _TENSOR.match(token.text) if token.kind == "word" and token.text.startswith("tp") else None
        if match:
            draft.say("tensor_parallel", float(match[1]), *scene.characters(at, at + 1))
    for quantity in list(scene.open(None, "times", "gpu")):
        cue = scene.context.nearest(quantity, ("tensor_parallel",), 1.3)
        if cue and not unusable(quantity) and quantity.value <= 64:
            scene.use(quantity)
            draft.say("tensor_parallel", quantity.value, *scene.span(quantity))


def read_models(scene: Scene, draft: Draft, negation: Negation) -> None:
    """Fill preferred_models and excluded_models."""
    for at, mention in scene.models.items():
        start, end = mention.start, mention.end
        if mention.name is None:
            draft.doubt(start, end, "no model of this name is known", "preferred_models",
                        f"Which model is “{draft.message[start:end]}”?", mention.near)  # fmt: skip
        elif _is_compared(scene, at, denied=negation.denies(at, at + 1)) and not negation.denies_directly(at):
            continue
        elif negation.denies(at, at + 1):
            draft.add("excluded_models", mention.name, start, end)
        else:
            several = f"several fit: {', '.join(mention.near)}" if mention.near else None
            draft.add("preferred_models", mention.name, start, end, several)


def _is_compared(scene: Scene, at: int, *, denied: bool) -> bool:
    """Named as today's model or as a yardstick, not as a wish."""
    low = max(scene.context.sentence(at, at + 1)[0], at - 5)
    before = scene.texts[low:at]
    for stop in (",", "to", "with", "by", "for", "at", "on"):
        before = before[len(before) - before[::-1].index(stop) :] if stop in before else before
    behind = scene.texts[at + 2 : at + 3] if scene.texts[at + 1 : at + 2] == ("-",) else scene.texts[at + 1 : at + 2]
    dear = scene.texts[at + 1 : at + 3] in (("costs", "us"), ("cost", "us"), ("is", "too"))
    before = tuple(word for word in before if word != "like") if denied else before
    return dear or bool(_COMPARED.find(before)) or bool(_YARDSTICK.intersection(behind[:1]))
