"""How many people there are, and how many at once."""

from collections.abc import Sequence
from itertools import pairwise

from agent.understanding.draft import Draft
from agent.understanding.nouns import UNIT_LEXICON
from agent.understanding.quantities import Quantity
from agent.understanding.scene import Scene, unusable
from agent.understanding.text import words
from agent.understanding.vocabulary.units import names_person

CONCURRENCY_REACH = 5.0
_OF = words(
    "of our the all my these those total de nos nuestros unserer der von des your their is are use actively "
    "about a unseren les los las , ( d l its company whole entire estimated roughly approximately"
)
_ORGANISATION = words(
    "startup company firm organisation organization business enterprise agency bank unternehmen firma"
)
_FOR = words("for fur pour para")
_DAILY = words("dau daus daily")
_JOINS = words("and plus & und et y")
_BUSY = (("building",), ("maintaining",), ("developing",))
_NOT_PEOPLE = words("ai autonomous llm llms software")
_NEW = words("new additional extra more neue nouveaux nuevos biggest largest top main key")
_VERBS = words("are is will would can sind sont son estan on online log at")
_ABOUT = words(
    "about around roughly maybe perhaps some approximately there are there's we have ~ oh well so , say probably"
)
_EACH = words("each every jeder chacun cada")
_THEM = words("them which whom those these us")
_ME_AND = (("me", "and"), ("myself", "and"), ("ich", "und"), ("moi", "et"), ("yo", "y"))
_ALL = words("all everybody everyone alle tous todos")
_IN_ALL = (("insgesamt",), ("altogether",), ("in", "total"), ("in", "all"), ("au", "total"), ("en", "total"))
_ENDS = frozenset([".", ";", "\n", "?", "!", ":"])
_WITH = words("with of mit von avec de con")


def _is_software(scene: Scene, quantity: Quantity) -> bool:
    if (
        scene.before(quantity, 2) == ("out", "of")
        or scene.behind(quantity, 1) in _BUSY
        or scene.behind(quantity, 2) == ("on", "it")
    ):
        return True  # "2 engineers on it" build the thing
    return scene.context.says(quantity.first, quantity.core_last, _NOT_PEOPLE)


def _percent_of(scene: Scene, draft: Draft) -> None:
    """ "40 percent of our 6,000 staff", "half of our 300 engineers"."""
    for at, share in enumerate(scene.quantities[:-1]):
        whole = scene.quantities[at + 1]
        percent = share.dimension == "percent"
        part = percent or (share.unit is None and share.currency is None and share.number.value < 1)
        between = scene.texts[share.last : whole.first]
        if not part or whole.dimension != "user" or not set(between) <= _OF or unusable(share) or unusable(whole):
            continue
        if percent and not between:
            continue
        factor = share.value / 100 if percent else share.value
        start, end = scene.span(share)[0], scene.span(whole)[1]
        detail = f"{factor:g} × {whole.value:g}"
        together = scene.context.nearest(whole, ("concurrent",), CONCURRENCY_REACH) or scene.context.nearest(
            share, ("concurrent",), CONCURRENCY_REACH
        )
        if together:
            draft.say("concurrent_users", float(round(factor * whole.value)), start, end, detail)
            draft.say("total_users", whole.value, *scene.span(whole))
        else:
            draft.say("total_users", float(round(factor * whole.value)), start, end, detail)
        scene.use(share, whole)


def _say_total(scene: Scene, draft: Draft, found: Sequence[Quantity]) -> None:
    """The number of people with access: one number, or several that are joined and add up."""
    if not found:
        return
    using = [each for each in found if scene.context.nearest(each, ("use",), 5.0)]
    daily = [each for each in found if _DAILY.intersection(scene.texts[each.first : each.core_last])]
    if daily and len(found) > 1:
        using = daily
    chosen = list(found)
    if len(found) > 1:
        joined = all(
            set(scene.texts[left.last : right.first]) <= _JOINS | {","} and scene.texts[left.last : right.first]
            for left, right in pairwise(found)
        )
        listed = bool(_JOINS.intersection(scene.texts[found[-2].last : found[-1].first]))
        if joined and listed and not using:
            start, end = scene.span(found[0])[0], scene.span(found[-1])[1]
            draft.say("total_users", sum(each.value for each in found), start, end, "the groups added up")
            return
        if not using and not draft.corrections:
            for each in found:
                draft.doubt(
                    *scene.span(each), "one of several groups, not said which of them will use it", "total_users"
                )
            return
        chosen = using[:1] + [each for each in found if each not in using[:1]]
    for each in chosen:
        me = scene.before(each, 2) in _ME_AND
        draft.say("total_users", each.value + me, *scene.span(each), "and you" if me else None)


def _doubt_company(scene: Scene, draft: Draft, quantity: Quantity, others: bool) -> bool:
    cue = scene.context.nearest(quantity, ("company",), 2.5)
    sized = bool(_ORGANISATION.intersection(scene.texts[quantity.core_last : quantity.core_last + 2]))
    sized = sized or bool(_ORGANISATION.intersection(_named_by_brackets(scene, quantity)))
    aside = others and "(" in scene.before(quantity, 3)
    if not sized and not aside and (cue is None or cue.hit.first > quantity.first):
        return False
    first = quantity.first if cue is None or sized else cue.hit.first
    if not others and _FOR.intersection(scene.texts[max(first - 5, 0) : first]):
        return False
    if not others:
        draft.doubt(*scene.span(quantity), "the size of the organisation, not said how many will use it", "total_users",
                    f"How many of the {quantity.value:,.0f} will use it?")  # fmt: skip
    return True


def _named_by_brackets(scene: Scene, quantity: Quantity) -> Sequence[str]:
    """ "a startup (seed stage, team of 9)": the words before the bracket that holds the quantity."""
    low, _ = scene.context.bounds(quantity)
    before = scene.texts[low : quantity.first]
    if "(" not in before or ")" in before:
        return ()
    at = before.index("(")
    return before[max(at - 3, 0) : at]


def read_users(scene: Scene, draft: Draft) -> None:
    """Fill total_users and concurrent_users."""
    _percent_of(scene, draft)
    people = [each for each in scene.open("user") if not _is_software(scene, each)]
    at_once = [each for each in scene.open("concurrency") if not each.period and not each.number.soft]
    at_once += [each for each in scene.open("item", "request") if not each.period and _parallel(scene, each)]
    bare = [
        each
        for each in scene.open(None)
        if not each.number.soft and each.value >= 1 and _names_people(scene, each, counted=bool(people))
    ]
    together = scene.context.assign([*people, *at_once, *bare], ("concurrent",), CONCURRENCY_REACH)
    others = any("(" not in scene.before(each, 3) for each in people) and len(people) > 1
    totals = []
    scene.use(*_below_the_most(scene, [each for each in (*people, *at_once, *bare) if each.first in together]))
    at_once = [each for each in at_once if each.first not in scene.used]
    bare = [each for each in bare if each.first not in scene.used]
    for quantity in [*people, *bare, *at_once]:
        why = unusable(quantity) or ("a range" if quantity.high else "")
        if quantity.first in together:
            scene.use(quantity)
            if why or _EACH.intersection(scene.before(quantity, 2)):
                draft.doubt(*scene.span(quantity), why or "so many at once for each of several", "concurrent_users")
            else:
                draft.say("concurrent_users", quantity.value, *scene.span(quantity))
        elif quantity.dimension is None:
            if not why and _of_people_before(scene, quantity):
                scene.use(quantity)
                totals.append(quantity)
        elif quantity.dimension == "user":
            scene.use(quantity)
            if why or scene.context.says(quantity.first, quantity.core_last, _NEW):
                draft.doubt(*scene.span(quantity), why or "people who join, not people who have access", "total_users")
            elif quantity.per("gpu") or _in_each_group(scene, quantity):
                _say_groups(scene, draft, quantity)
            elif not _doubt_company(scene, draft, quantity, others):
                totals.append(quantity)
    later = [each for each in totals if scene.context.nearest(each, ("growth",), 6.0)]
    now = [each for each in totals if each not in later] or later
    _say_total(scene, draft, now)
    for each in later:
        if each not in now:
            draft.doubt(*scene.span(each), "a number for later", "total_users")
    _shares(scene, draft)
    _all_at_once(scene, draft)


def _all_at_once(scene: Scene, draft: Draft) -> None:
    """ "28 pupils, all of them at the same time"."""
    users = draft.value("total_users")
    if users is None or draft.value("concurrent_users") is not None:
        return
    for hit in scene.context.within(0, len(scene.tokens)):
        around = scene.texts[max(hit.first - 6, 0) : hit.first]
        if hit.cue.role == "concurrent" and not _ALL.isdisjoint(around) and _ENDS.isdisjoint(around):
            draft.say("concurrent_users", users, *scene.characters(hit.first, hit.last), "all of them")
            return


def _below_the_most(scene: Scene, together: Sequence[Quantity]) -> Sequence[Quantity]:
    """ "Usually 20 online, never above 60": where one number is the most at once, the others say nothing new."""
    most = [each for each in together if scene.context.nearest(each, ("ceiling", "peak"), 2.0)]
    return [each for each in together if each not in most and each.top < most[0].value] if most else ()


def _parallel(scene: Scene, quantity: Quantity) -> bool:
    """ "150 simultaneous chats"."""
    match = scene.context.nearest(quantity, ("concurrent",), 0.1)
    return match is not None


def _say_groups(scene: Scene, draft: Draft, quantity: Quantity) -> None:
    """ "11 offices with 60 people each": all of them, where the groups stand just before."""
    groups = scene.preceding(quantity)
    counted = groups is not None and groups.dimension in ("step", "node", "item", None) and not groups.period
    between = scene.texts[groups.number.last : quantity.first] if groups else ()
    if groups is None or not counted or len(between) > 4 or _WITH.isdisjoint(between) or unusable(groups):
        draft.doubt(*scene.span(quantity), "people of each of several groups", "total_users")
        return
    scene.use(groups)
    start, end = scene.span(groups)[0], scene.span(quantity)[1]
    draft.say("total_users", groups.value * quantity.value, start, end, f"{groups.value:g} × {quantity.value:g}")


def _in_each_group(scene: Scene, quantity: Quantity) -> bool:
    """ "11 offices with 60 people each", but not "50 users each making 20 requests"."""
    at = quantity.core_last
    if scene.texts[at : at + 1] == ("per",):
        low = max(scene.context.bounds(quantity)[0], quantity.first - 6)
        return any(word in scene.texts[low : quantity.first] for noun in scene.texts[at + 1 : at + 2]
                   for word in (noun + "s", noun + "es"))  # fmt: skip
    if scene.texts[at : at + 1] != ("each",):
        return False
    return at + 1 >= len(scene.tokens) or scene.tokens[at + 1].kind != "word"


def _of_people_before(scene: Scene, quantity: Quantity) -> bool:
    """ "our analysts, fifteen of them"."""
    low = max(scene.context.bounds(quantity)[0], quantity.first - 4)
    if scene.before(quantity, 1) in _IN_ALL or scene.before(quantity, 2) in _IN_ALL:
        return True
    if scene.behind(quantity, 2)[:1] == ("of",):
        if any(
            word in _EACH and names_person(noun)
            for word, noun in pairwise(scene.texts[low - 12 if low > 12 else 0 : quantity.first])
        ):
            return True  # "each salesperson sends 40 a day, there are 650 of them"
        if scene.behind(quantity, 2)[1:] == ("us",):
            return True
        uses = any(scene.texts[each.hit.first] != "of" for each in scene.context.near(quantity, ("use",), 3.0))
        if uses or _ABOUT.issuperset(scene.texts[: quantity.first]):
            return True  # "about 80 of them", "90 of them will use it": of who was spoken of before
    return any(
        hit is not None and hit.meaning.dimension == "user"
        for hit in (UNIT_LEXICON.at(scene.texts, at) for at in range(low, quantity.first))
    )


def _names_people(scene: Scene, quantity: Quantity, *, counted: bool) -> bool:
    """A number without a noun that clearly counts people: "100 concurrent", "200 of them at once"."""
    behind = [*scene.behind(quantity, 2), "", ""]
    if behind[0] == "of" and behind[1] in _THEM:
        return True
    if scene.texts[quantity.last : quantity.last + 1] == (")",) and "(" in scene.before(quantity, 2):
        return _of_people_before(scene, quantity)
    if counted and (scene.before(quantity, 1) in _IN_ALL or scene.before(quantity, 2) in _IN_ALL):
        return True
    told = counted and bool(_VERBS.intersection(behind[:1]))
    return scene.context.nearest(quantity, ("concurrent",), 3.5 if told else 0.9) is not None


def _shares(scene: Scene, draft: Draft) -> None:
    """ "10% of them online at once" once the number of users is known."""
    users = draft.value("total_users")
    for share in scene.open("percent", None):
        part = share.value / 100 if share.dimension == "percent" else share.value
        if (
            users is None
            or part >= 1
            or unusable(share)
            or share.high
            or not scene.context.nearest(share, ("concurrent",), 6.0)
        ):
            continue
        scene.use(share)
        detail = f"{100 * part:g} % of {users}"
        draft.say("concurrent_users", float(round(users * part)), *scene.span(share), detail)
