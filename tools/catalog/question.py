"""What a question about prices names: sellers, a workload, the way of billing; the rest are words of a name."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tools.catalog.amounts import Amount, amounts_in, without_times
from tools.invoice.names import provider_id
from tools.invoice.workloads import WORKLOADS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LONGEST_NAME_WORDS = 3
_WORDS = re.compile(r"\w+(?:[.\-/:@]\w+)*")
# Words of asking, of units and of ways to pay, in the languages that are understood: none of them names a thing.
_ASKING = _words("""
    how much many is are does do did what whats which s the a an of for per who sells sell selling offer offers
    has have price prices pricing priced cost costs costing charge charges cheap cheaper cheapest lowest best
    provider providers vendor api would will could by from in on at with to and or me tell show list give
    compare please current currently now today use using if we i you it that this one someone about than token
    tokens million millions thousand 1m 1k hour hours hourly minute minutes second seconds month year years
    monthly image images character characters chars page pages request requests input output prompt completion
    which than then vs versus compare comparison difference between expensive dearer pricier more less through via
    pay paying spend spending spent billed bill using use used run running for
    gunstiger günstiger teurer billiger moins cher plus mas más barato caro
    oder und et ou y para pour für fur mit avec con
    read write rent renting rented rental gpu gpus card cards accelerator accelerators there available was kostet kosten
    wie viel preis preise von bei
    der die das ein eine combien coute coûte coutent coûtent prix quel est le la les de du chez cuanto cuánto cuesta
    cuestan precio precios el los en
""")
_CARDS = _words("gpu gpus card cards accelerator accelerators")
_BEFORE_SELLER = _words("at from on by with via in bei auf chez")
# Ways to be billed that nobody means who does not name them: how it is called -> what its mode holds.
_MODES = {
    "batch": "batch", "cached": "cached", "cache": "cached", "caching": "cached", "priority": "priority",
    "flex": "flex", "spot": "spot", "interruptible": "spot", "preemptible": "spot", "reserved": "reserved",
    "reservation": "reserved", "committed": "reserved", "above": "above", "long": "above", "provisioned": "provisioned",
    "off-peak": "off_peak", "night": "time_of_day", "daytime": "time_of_day",
}  # fmt: skip
_DIRECTIONS = {"input": "input", "prompt": "input", "output": "output", "completion": "output"}
# Sellers whose names are no model's: they need no "at" or "on" before them.
_SELLERS_ALONE = _words(
    "aws amazon azure microsoft bedrock vertex google gcp runpod lambda fireworks groq together sagemaker oci"
)
# What is done to make or get the thing, after "to": "to transcribe 500 hours".
_DOING = _words("transcribe generate create make embed process read write translate summarize summarise run render")
_CHEAPEST = re.compile(
    r"\b(?:cheap(?!er\b)\w*|lowest|gunstigste\w*|günstigste\w*|moins cher\w*|mas barato|más barat\w*)\b"
)


# Words that are a workload by themselves; others (`text`, `image`) are parts of names and units.
_WORKLOADS_ALONE = _words("transcription embeddings moderation reranking rerankers")
_UNITS = {
    "minute": "min", "minutes": "min", "image": "image", "images": "image", "second": "second", "seconds": "second",
    "character": "char", "characters": "char", "page": "page", "pages": "page", "megapixel": "megapixel",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked for; `words` are what is left for the name of a model or product, `cards`: rented GPUs.

    `places` are the characters where sellers are named, with the word before that says so.
    """

    words: tuple[str, ...]
    sellers: frozenset[str]
    workload: str
    modes: frozenset[str]
    direction: str
    unit: str
    cheapest: bool
    cards: bool
    amounts: tuple[Amount, ...]
    places: tuple[tuple[int, int], ...]


def read_question(text: str, sellers_known: Collection[str]) -> Question:
    """Read a question; `sellers_known` are the ids of the catalog's sellers."""
    lowered = text.lower()
    amounts = amounts_in(text)
    named = list(_WORDS.finditer(without_times(blanked(lowered, [(each.start, each.end) for each in amounts]))))
    words = [match.group() for match in named]
    known = frozenset(sellers_known)
    sellers, taken, workload, places = set[str](), set[int](), "", []
    for start in range(len(words)):
        for end in range(min(len(words), start + LONGEST_NAME_WORDS), start, -1):
            seller = provider_id("".join(words[start:end]), known)
            told = start > 0 and words[start - 1] in _BEFORE_SELLER
            if seller and (words[start] in _SELLERS_ALONE or told):
                sellers |= _of_company(seller, known)
                taken |= set(range(start, end))
                places.append((named[start - told].start(), named[end - 1].end()))
                break
            phrase = "_".join(words[start:end])
            if phrase in WORKLOADS and (end - start > 1 or phrase in _WORKLOADS_ALONE):
                workload = workload or WORKLOADS[phrase]
                taken |= set(range(start, end))
                break
    taken |= {place for place in range(1, len(words)) if words[place] in _DOING and words[place - 1] == "to"}
    left = (word for place, word in enumerate(words) if place not in taken)
    directions = {_DIRECTIONS[word] for word in words if word in _DIRECTIONS} | {each.part for each in amounts} - {""}
    return Question(
        words=tuple(word for word in left if word not in _ASKING and word not in _MODES),
        sellers=frozenset(sellers),
        workload=workload,
        modes=frozenset(_MODES[word] for word in words if word in _MODES),
        direction=min(directions) if len(directions) == 1 else "",
        unit=next((_UNITS[word] for word in _WORDS.findall(lowered) if word in _UNITS), ""),
        cheapest=bool(_CHEAPEST.search(lowered)),
        cards=not _CARDS.isdisjoint(words),
        amounts=amounts,
        places=tuple(places),
    )


def blanked(text: str, places: Iterable[tuple[int, int]]) -> str:
    """The text with spaces where these characters were."""
    for start, end in places:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def following(text: str, before: str, sellers_known: Collection[str]) -> str:
    """The whole question that a short one after another means: its own words, and the rest of the one before.

    "at fireworks" asks the same of another seller, "200 million tokens" of another amount, "claude haiku" of another
    model.
    """
    now, then = read_question(text, sellers_known), read_question(before, sellers_known)
    if now.words or now.cards:
        kept = [] if now.amounts else [each.text for each in then.amounts]
        return " ".join([*kept, "of", text] if kept else ["price of", text])
    places = [*(then.places if now.sellers else ()), *((each.start, each.end) for each in then.amounts if now.amounts)]
    return " ".join(f"{blanked(before, places)} {text}".split())


def _of_company(seller: str, known: frozenset[str]) -> set[str]:
    """A seller, with the other lists of a cloud: `aws` with `aws_bedrock`, Google with `gcp`."""
    family = {"aws": "aws", "google_gemini": "google", "google_cloud": "google"}.get(seller)
    more = {"google": {"gcp"}, "oracle_oci": {"oci"}}.get(family or seller, set())
    return {each for each in known if each == seller or (family and each.startswith(f"{family}_"))} | (more & known)


def special_modes(question: Question) -> frozenset[str]:
    """Ways to be billed that the question does not name: nobody means them who does not say so."""
    return frozenset(_MODES.values()) - question.modes
