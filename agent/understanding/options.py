"""Options that words point at: "option 2", "the second one", "the cheapest plan", "#3", an id."""

import re

from agent.commands import Dialogue
from agent.understanding.text import words

LISTS = (
    (r"cheapest|cheaper|lowest[ -]cost|least expensive|most affordable|gunstigste\w*|billigste\w*|moins cher\w*"
     r"|mas barat\w+", "lowest_cost"),
    (r"fastest|faster|quickest|lowest[ -]latency|schnellste\w*|plus rapide|mas rapid\w+", "lowest_latency"),
    (r"best[ -]quality|highest[ -]quality|smartest|most accurate|best model|beste qualitat|meilleure qualite"
     r"|mejor calidad", "best_quality"),
    (r"balanced|recommended|default|your pick|first choice|ausgewogen\w*|equilibre\w*|equilibrad\w+", "balanced"),
)  # fmt: skip
_PLACES = (
    words("first 1st erste ersten premier premiere primera primero one"),
    words("second 2nd zweite zweiten deuxieme segunda segundo two"),
    words("third 3rd dritte dritten troisieme tercera tercero three"),
    words("fourth 4th vierte vierten quatrieme cuarta cuarto four"),
    words("fifth 5th funfte cinquieme quinta quinto five"),
)
PLACES = {word: place for place, spelled in enumerate(_PLACES, 1) for word in spelled}
_NOUN = r"(?:options?|plans?|choices?|offers?|numbers?|no\.?|nr\.?|variante|angebot|opcion)"
_ORDINAL = "|".join(sorted(word for word in PLACES if word not in ("one", "two", "three", "four", "five")))
_SPELLED = rf"\d{{1,2}}|one|two|three|four|five|{_ORDINAL}"
_REFERENCE = re.compile(
    rf"\b{_NOUN}\s*#?(?P<number>{_SPELLED})\b(?P<more>(?:\s*(?:,|and|und|et|y|or|vs\.?|to|with|than)\s+#?(?:{_SPELLED})\b)*)"
    rf"|#(?P<hash>\d{{1,2}})\b|(?P<id>\b[0-9a-f]{{8}}\b)"
    rf"|\b(?P<place>{_ORDINAL}|last)(?:\s+(?:one|option|plan|choice|offer)\b|(?=\s+(?:and|than|vs|or|with the)\b|$))"
    rf"|\b(?P<list>{'|'.join(form for form, _ in LISTS)})\s+(?:one|option|plan|choice|possible)\b"
)
_LISTED = tuple((re.compile(rf"\b(?:{form})\b"), name) for form, name in LISTS)
_EACH = re.compile(_SPELLED)


def list_name(text: str) -> str | None:
    """The named list that words mean."""
    return next((name for form, name in _LISTED if form.search(text)), None)


def lists_named(text: str) -> tuple[str, ...]:
    """Every named list that words mean, in their order."""
    hits = ((form.search(text), name) for form, name in _LISTED)
    return tuple(name for _, name in sorted((hit.start(), name) for hit, name in hits if hit))


def position(word: str) -> str:
    """The number that a word for a place means, or the word."""
    return str(PLACES[word]) if word in PLACES else word


def options_named(folded: str, dialogue: Dialogue) -> tuple[str, ...]:
    """Ids of the options that a clause points at, in its order; a number that is not there stays as it was said."""
    if not dialogue.options:
        return ()
    found: list[str] = []
    for hit in _REFERENCE.finditer(folded):
        if hit["number"]:
            spelled = [hit["number"], *_EACH.findall(hit["more"])]
            found += [_at(position(word), dialogue) for word in spelled]
        elif hit["list"]:
            ids = (dialogue.lists or {}).get(list_name(hit["list"]) or "", ())
            found += ids[:1]
        else:
            word = hit["hash"] or hit["id"] or position(hit["place"])
            found.append(_at(str(len(dialogue.options)) if word == "last" else word, dialogue))
    return tuple(dict.fromkeys(found))


def points_at_one(folded: str) -> bool:
    """Whether a clause points at an option, be there any or not."""
    return _REFERENCE.search(folded) is not None


def without_options(folded: str) -> str:
    """A clause with what points at options taken out."""
    return " ".join(_REFERENCE.sub(" ", folded).split())


def _at(word: str, dialogue: Dialogue) -> str:
    known = word.isdigit() and len(word) <= 2 and 1 <= int(word) <= len(dialogue.options)
    return str(dialogue.options[int(word) - 1]["id"]) if known else word
