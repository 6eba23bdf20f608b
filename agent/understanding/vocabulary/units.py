"""Units, periods and cues as records, from the tables."""

from dataclasses import dataclass

from agent.understanding.text import words
from agent.understanding.vocabulary.tables import read_table


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts. `factor`: milliseconds of a time, months of a span, requests per second of a rate."""

    dimension: str
    factor: float = 1.0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Cue:
    """A role that a word gives to a number, and how weak it is: a stronger one may stand further off."""

    role: str
    weakness: float = 0.0


def _unit(key: str) -> Unit:
    dimension, factor, name = key.split()
    return Unit(dimension, float(factor), "" if name == "-" else name)


def _cue(key: str) -> Cue:
    role, weakness = key.split()
    return Cue(role, float(weakness))


UNITS = {_unit(key): phrases for key, phrases in read_table("units").items()}
CUES = {_cue(key): phrases for key, phrases in read_table("cues").items()}
DENOMINATORS = {key.split()[0]: phrases for key, phrases in read_table("denominators").items()}
ADVERBS = {key.split()[0]: phrases for key, phrases in read_table("adverbs").items()}
PERIOD_SECONDS = {key.split()[0]: float(key.split()[1]) for key in read_table("adverbs")}
CURRENCIES = read_table("currencies")
CONTINUING_NOUNS = frozenset(read_table("continuing")["continuing"])
_PEOPLE = read_table("people")
_PEOPLE_ENDINGS, _THINGS = _PEOPLE["ending"], frozenset(_PEOPLE["thing"])
PER = words("per / a an each every pro par por al je jede jeden chaque cada im p")


_PERSONS = frozenset(
    phrase.removesuffix("s") for unit, listed in UNITS.items() if unit.dimension == "user"
    for phrase in (*listed, "salesperson") if " " not in phrase
) - {"host", "pilot", "dau", "mau", "wau"} | {"one"}  # fmt: skip


def names_person(singular: str) -> bool:
    """Whether a word names one person: "user", "analyst", "salesperson", "skipper"."""
    return singular in _PERSONS or names_people(singular + "s")


def names_people(plural: str) -> bool:
    """Whether a noun that no list holds ends as words for people do: "skippers", "advisors"."""
    return len(plural) > 5 and plural.endswith(_PEOPLE_ENDINGS) and plural not in _THINGS
