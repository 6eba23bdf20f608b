"""Questions that a price list answers: an amount of what is sold, two things beside each other, the same elsewhere."""

import re
from functools import lru_cache

from agent.commands import CatalogQuestion, Dialogue
from agent.understanding.accelerators import find_accelerators
from agent.understanding.message import understand
from agent.understanding.models import find_models
from agent.understanding.orders import plain, unaccented
from agent.understanding.text import fold
from knowledge.snapshot import Snapshot
from tools.catalog.amounts import without_times
from tools.catalog.question import Question, blanked, following, read_question
from tools.intent import Intent
from tools.invoice.names import squeezed

LONGEST_QUESTION = 200
LONGEST_FOLLOWING_WORDS = 7
SHORTEST_NAME = 3

_COSTS = re.compile(
    r"\b(?:how much|costs?|pric(?:es?|ing)|charged?|pay|expensive|dearer|pricier|cheaper|kostet|kosten|preise?|teurer"
    r"|gunstiger|billiger|combien|coute\w*|prix|moins cher|cuanto|cuestan?|precios?|mas barato)\b"
)
_WISH = re.compile(r"\b(?:we|i|our)\b(?! (?:pay|spend|be (?:billed|charged)))")
_BESIDE = re.compile(r"\b(?:and|or|vs\.?|versus|than|with|to|und|oder|als|et|ou|que|y|o)\b|,")
_AMOUNT_FIRST = re.compile(r"^\S*\d\S*\s.*\b(?:of|with|on|at|via|mit|von|avec|de|con)\b")
_AGAIN = re.compile(r"^(?:and|what about|how about|und|was ist mit|et|y|or|oder)\b\s*(?P<more>.+)$")
_ELSEWHERE = re.compile(r"^(?:at|on|from|bei|auf|von|chez|en)\b")
_SAME = {"preferred_models", "gpu_types", "clouds", "workload_type", "usage", "billing", "deployment_model"}


def read_price_question(text: str, dialogue: Dialogue, snapshot: Snapshot, *, question: bool) -> CatalogQuestion | None:
    """The question to the price list that a clause is as a whole, or None; who tells what is needed asks no price."""
    if len(text) > LONGEST_QUESTION:
        return None
    folded = plain(text)
    before = dialogue.last
    if before.get("command") == "CatalogQuestion" and (again := _again(text, snapshot, question=question)):
        return CatalogQuestion(following(again, str(before["text"]), _sellers(snapshot)))
    comparing = folded.startswith(("compare ", "vergleich", "compar"))
    asked = comparing or bool(_COSTS.search(folded))
    if not (asked or _AMOUNT_FIRST.match(folded)) or _WISH.search(folded):
        return None
    read = read_question(folded, _sellers(snapshot))
    parts = [read_question(part, _sellers(snapshot)).words for part in _BESIDE.split(folded)]
    things = [words for words in parts if words]
    several = len(things) > 1 and all(_is_sold(words, snapshot) for words in things)
    if not several and not _is_sold(read.words, snapshot) and not _is_rented(read, snapshot):
        return None
    if not asked:  # "500 hours of whisper"
        return CatalogQuestion(text.strip()) if read.amounts and find_models(fold(text), snapshot) else None
    if dialogue.options and _is_offered(folded, dialogue, snapshot):
        return None
    alone = dialogue.intent == Intent() and not comparing
    return CatalogQuestion(text.strip()) if read.amounts or several or alone else None


def _again(text: str, snapshot: Snapshot, *, question: bool) -> str | None:
    """What a short question after one about prices names: another seller, amount or thing, and nothing of a need."""
    more = _AGAIN.match(unaccented(text))
    said = more["more"] if more else plain(text) if question else ""
    if not said or len(said.split()) > LONGEST_FOLLOWING_WORDS or not (more or _ELSEWHERE.match(said)):
        return None
    read = read_question(said, _sellers(snapshot))
    named = find_models(fold(said), snapshot) or find_accelerators(fold(said), snapshot)
    if (read.words and not named and not _is_sold(read.words, snapshot)) or not (
        read.sellers or read.amounts or read.words or read.modes
    ):
        return None
    rest = blanked(said, [*read.places, *((each.start, each.end) for each in read.amounts)])
    needs = {path.partition(".")[0] for path in understand(without_times(rest), snapshot).provenance} - _SAME
    return said if not needs else None


def _is_offered(folded: str, dialogue: Dialogue, snapshot: Snapshot) -> bool:
    """Whether all models that are named are options of the plan: then it is the plan that is asked about."""
    offered = {str(option.get("model_id", "")) for option in dialogue.options}
    named = [each.name for each in find_models(fold(folded), snapshot)]
    return bool(named) and all(name in offered for name in named)


def _is_rented(read: Question, snapshot: Snapshot) -> bool:
    """Whether hours of one card are asked for, and nothing else is said."""
    hours = bool(read.amounts) and all(amount.noun == "hour" for amount in read.amounts)
    return hours and len(read.words) == 1 and bool(find_accelerators(read.words[0], snapshot))


def _is_sold(words: tuple[str, ...], snapshot: Snapshot) -> bool:
    """Whether words are a name in the price list, or the whole first parts of one: `claude haiku`, `dall-e 3`."""
    name = squeezed("".join(words))
    return bool(name) and name in _names(snapshot)


@lru_cache(maxsize=2)
def _names(snapshot: Snapshot) -> frozenset[str]:
    """Names of what is sold by the piece, with every beginning of them that ends where a part ends."""
    found = set[str]()
    for slug in {price.model_slug for price in snapshot.api_prices}:
        pieces = [piece for piece in re.split(r"[^a-z0-9]+", slug.lower()) if piece]
        names = ["".join(pieces[:end]) for end in range(1, len(pieces) + 1)]
        found |= {name for name in names if len(name) >= SHORTEST_NAME or name == names[-1]}
    return frozenset(found)


@lru_cache(maxsize=2)
def _sellers(snapshot: Snapshot) -> frozenset[str]:
    rented = {machine.cloud for machine in snapshot.instances}
    return frozenset(price.provider for price in snapshot.api_prices) | rented
