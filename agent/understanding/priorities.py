"""What matters most: latency, cost, accuracy, or a balance."""

from collections.abc import Sequence
from itertools import pairwise

from agent.understanding.draft import Draft
from agent.understanding.lexicon import Hit, Lexicon, phrases, word_list
from agent.understanding.negation import Negation
from agent.understanding.scene import Scene
from agent.understanding.text import words
from agent.understanding.topics import Topic
from agent.understanding.vocabulary.tables import read_table

_TABLE = read_table("priorities")
_ASPECTS: Lexicon[str] = Lexicon(
    phrases({key.removeprefix("aspect "): listed for key, listed in _TABLE.items() if key.startswith("aspect ")})
)
_EMPHASIS, _OVER, _DISMISSED = (word_list(_TABLE[key]) for key in ("emphasis", "over", "dismissed"))
_IS = frozenset(["is", "are", "does", "do", "ist", "sind", "est", "es"])
_ENDS = frozenset([".", ";", "\n", "!", "?", "but", "aber", "mais", "pero"])
_NOT_SPEED = words(
    "growing moving food track paced api fashion growth question questions start note one messaging changing "
    "context update heads summary "
    "turnaround look win call prototype chat moving demo"
)
_FAST_WORDS = words(
    "fast quick quickly instant rapide rapides rapido rapida rapidas schnell schnelle rapidamente instantly"
)
_REPLIES = words(
    "respond responds answer answers reply replies response responses be feel feels must very really come "
    "return generate is as should stay super keep antworten antwort reponses reponse respuestas respuesta "
    "sein reagieren etre ser repondre responder y et und and results completions complete suggestions but "
    "enough model chatbot sehr muy tres muss tokens bot service inference schnell load work react : priority "
    "assistant latency needs extremely , rasch moglichst lo plus so ideally it translation translations"
)


def _clean(scene: Scene, hit: Hit[Topic]) -> bool:
    behind = scene.texts[hit.last : hit.last + 1]
    if scene.texts[max(hit.first - 1, 0)] in ("if", "falls", "wenn"):
        return False
    if hit.meaning[1] == "latency" and behind and behind[0] in _NOT_SPEED:
        return False
    if hit.last - hit.first == 1 and scene.texts[hit.first] in _FAST_WORDS:
        before = scene.texts[max(hit.first - 2, 0) : hit.first]
        return not _REPLIES.isdisjoint(before) or (bool(behind) and behind[0] in _REPLIES) or hit.first == 0
    return True


def _comparisons(scene: Scene) -> tuple[dict[str, int], set[str]]:
    """ "quality over cost", "speed matters more than price": the aspects put first (by token) and those put behind."""
    first: dict[str, int] = {}
    behind: set[str] = set()
    aspects = _ASPECTS.find(scene.texts)
    for left, right in pairwise(aspects):
        between = scene.texts[left.last : right.first]
        if left.meaning != right.meaning and len(between) <= 6 and _ENDS.isdisjoint(between) and _OVER.find(between):
            first.setdefault(left.meaning, left.first)
            behind.add(right.meaning)
    return first, behind


def _emphasised(scene: Scene, negation: Negation) -> tuple[dict[str, int], set[str]]:
    """Aspects beside a word of emphasis, and aspects that are dismissed."""
    found: dict[str, int] = {}
    dismissed: set[str] = set()
    marks = _EMPHASIS.find(scene.texts)
    denials = _DISMISSED.find(scene.texts)
    for aspect in _ASPECTS.find(scene.texts):
        if _beside(scene, aspect, denials, 3, behind_only=True):
            dismissed.add(aspect.meaning)
        elif (_beside(scene, aspect, marks, 4) or _answers(scene, aspect, denials)) and not negation.denies(
            aspect.first, aspect.last, across_commas=False
        ):
            found.setdefault(aspect.meaning, aspect.first)
    return found, dismissed


def _answers(scene: Scene, aspect: Hit[str], denials: Sequence[Hit[bool]]) -> bool:
    """ "latency isn't important, cost is"."""
    denied = any(denial.last <= aspect.first for denial in denials)
    behind = (*scene.texts[aspect.last : aspect.last + 2], ".", ".")
    return denied and behind[0] in _IS and not behind[1][0].isalnum()


def _beside(
    scene: Scene, aspect: Hit[str], marks: Sequence[Hit[bool]], reach: int, *, behind_only: bool = False
) -> bool:
    for mark in marks:
        if aspect.last <= mark.first <= aspect.last + reach:
            between = scene.texts[aspect.last : mark.first]
        elif not behind_only and mark.last <= aspect.first <= mark.last + reach:
            between = scene.texts[mark.last : aspect.first]
        else:
            continue
        if _ENDS.isdisjoint(between) and "," not in between:
            return True
    return False


def read_priority(scene: Scene, draft: Draft, negation: Negation, hits: Sequence[Hit[Topic]]) -> None:
    """Fill priority: an explicit ranking first, then emphasis, then plain words; two without a ranking stay open."""
    first, behind = _comparisons(scene)
    emphasised, dismissed = _emphasised(scene, negation)
    plain: dict[str, int] = {}
    for hit in hits:
        if (
            hit.meaning[0] == "priority"
            and _clean(scene, hit)
            and not negation.denies(hit.first, hit.last, across_commas=False)
        ):
            plain.setdefault(hit.meaning[1], hit.first)
    spans = {hit.first: hit.last for hit in _ASPECTS.find(scene.texts)} | {hit.first: hit.last for hit in hits}
    for ranking in (first, {"balanced": plain["balanced"]} if "balanced" in plain else {}, emphasised, plain):
        wanted = {value: at for value, at in ranking.items() if value not in behind | dismissed}
        if len(wanted) == 1:
            ((value, at),) = wanted.items()
            draft.say("priority", value, *scene.characters(at, spans[at]))
            return
        if len(wanted) > 1:
            at = min(wanted.values())
            draft.doubt(*scene.characters(at, spans[at]), f"{' and '.join(wanted)} are both wanted", "priority",
                        "What matters most?", ("latency", "cost", "accuracy", "balanced"))  # fmt: skip
            return
