"""What a number counts: the noun behind it, past adjectives, and nouns that no list holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.understanding.lexicon import Hit, Lexicon, phrases, texts_of
from agent.understanding.numerals import Number
from agent.understanding.rates import adverb_at
from agent.understanding.text import ACCELERATOR_MASK, Token, words
from agent.understanding.vocabulary.units import CONTINUING_NOUNS, CUES, PER, UNITS, Unit, names_people

UNIT_LEXICON: Lexicon[Unit] = Lexicon(phrases(UNITS))
UNKNOWN_NOUN = Unit("item", 1.0, "?")
NOUN_DIMENSIONS = words("request item user concurrency token image page character video word gpu node replica step")
_PLURALS = words("people men women children personnel staff leute gens gente kids")
MAX_ADJECTIVES = 4
_RECORDED = words("audio video speech call voice recording footage")

_CUE_WORDS = frozenset(phrase for listed in CUES.values() for phrase in listed if " " not in phrase)
_NO_REQUESTS = words(
    "pageviews impressions clicks views downloads installs signups logins shares likes purchases sales minutes lines"
)
_STOP = words(
    "of for to in on at with and or but per a an the that which who is are was were be we i you they it will "
    "should must can could would may might by from over under within each every as our your their its if than "
    "when while so then this these those has have had do does need needs want wants use uses using ask asks "
    "asking make makes send sends sending expect run runs running und oder fur mit von zu im am auf pro bei "
    "wir ist sind et ou de des du pour avec par sur en y o para con por del al who're about around plus not "
    "no only also max min maximum minimum up down out x one two three four five six seven eight nine ten"
)
_CARD_ADJECTIVES = words(
    "new used existing spare idle of our the nvidia dedicated more own x * amd additional old my eigene nos "
    "nuestras unserer of: brand whole entire full"
)


@dataclass(frozen=True, slots=True)
class Noun:
    """What a number counts, and the index behind it.

    `card` is the token of a counted accelerator; `period` the tokens of a rate among the adjectives ("daily emails").
    """

    unit: Unit | None
    last: int
    card: int | None = None
    period: tuple[int, int] | None = None


class NounReader:
    """Finds the nouns behind the numbers of one message."""

    def __init__(self, tokens: Sequence[Token], skipped: frozenset[int]) -> None:
        self._tokens = tokens
        self._texts = texts_of(tokens)
        self._skipped = skipped

    def _text(self, index: int) -> str:
        return self._texts[index] if 0 <= index < len(self._texts) else ""

    def read(self, index: int, number: Number) -> Noun:
        """The noun behind a number that ends before token `index`."""
        start = index
        while self._text(index) in ("-", "+") or (self._text(index) in ("of", "de", "d") and number.scale > 1):
            index += 1
        card = self._card(index)
        if card is not None:
            return Noun(Unit("gpu"), card + 1, card)
        inner = None
        for step in range(MAX_ADJECTIVES + 1):
            at = index
            if at >= len(self._tokens) or self._tokens[at].kind == "name" or (at in self._skipped and step):
                break
            hit = UNIT_LEXICON.at(self._texts, at)
            recorded = hit and hit.meaning.dimension == "time" and self._text(at - 1) in _RECORDED
            counted = step == 0 or recorded or (hit and hit.meaning.dimension in NOUN_DIMENSIONS)
            if hit and counted and self._attached(hit, step, number):
                hit = self._head(hit)
                return Noun(hit.meaning, hit.last, period=inner)
            adverb = adverb_at(self._texts, at)
            if adverb and self._text(at) not in _STOP:
                inner = inner or (at, adverb.last)
                index = adverb.last
                continue
            if self._tokens[at].kind != "word" or self._text(at) in _STOP:
                if not (step == 0 and self._text(at) == "of" and self._text(at + 1) in ("our", "the", "my", "their")):
                    break
                index += 1
            index += 1
        unknown = self._unknown_noun(start) or self._unknown_people(start)
        return Noun(unknown, start + 1 if unknown else start)

    def _unknown_people(self, index: int) -> Unit | None:
        """A noun that no list holds and that ends as words for people do: "5,000 skippers"."""
        if index >= len(self._tokens) or self._tokens[index].kind != "word" or index in self._skipped:
            return None
        word = self._text(index)
        return Unit("user", 1.0, "users") if names_people(word) and word not in _CUE_WORDS else None

    def _unknown_noun(self, index: int) -> Unit | None:
        """A noun that no list holds, directly before a rate: "900 widgets a week"."""
        if index + 1 >= len(self._tokens) or self._tokens[index].kind != "word" or len(self._text(index)) < 4:
            return None
        word, behind = self._text(index), self._text(index + 1)
        rated = behind in PER or adverb_at(self._texts, index + 1) is not None
        plural = word.endswith(("s", "en", "e")) and word not in _STOP | _NO_REQUESTS and index not in self._skipped
        known = adverb_at(self._texts, index) or _CUE_WORDS.intersection([word])
        return UNKNOWN_NOUN if rated and plural and not known else None

    def _attached(self, hit: Hit[Unit], step: int, number: Number) -> bool:
        """Letters such as "s" and "h" are units only right behind digits; "x" is none before a name."""
        text = self._text(hit.first)
        if hit.meaning.dimension == "times":
            return not (hit.last < len(self._tokens) and self._tokens[hit.last].kind in ("name", "number"))
        if hit.meaning.dimension == "model_size" or text in ("w", "h", "s", "an", "std"):
            digits = self._tokens[number.last - 1].kind == "number"
            return step == 0 and digits and self._tokens[hit.first].start - self._tokens[number.last - 1].end <= 1
        return text not in ("ai", "head", "an")

    def _head(self, hit: Hit[Unit]) -> Hit[Unit]:
        """The noun that is really counted: "customer support tickets", "user queries"."""
        for _ in range(3):
            word = self._text(hit.last - 1)
            singular = word not in _PLURALS and (not word.endswith("s") or word == "sales")
            if hit.meaning.dimension not in ("user", "request", "item") or not singular:
                break
            at = hit.last
            while self._text(at) in CONTINUING_NOUNS and at < hit.last + 2 and not self._noun(at):
                at += 1
            following = self._noun(at)
            if following is None:
                break
            hit = following
        return hit

    def _noun(self, index: int) -> Hit[Unit] | None:
        hit = UNIT_LEXICON.at(self._texts, index) if index < len(self._texts) else None
        return hit if hit and hit.meaning.dimension in NOUN_DIMENSIONS and hit.meaning.dimension != "step" else None

    def _card(self, index: int) -> int | None:
        """Token of an accelerator's name that the number counts."""
        for _ in range(4):
            if index >= len(self._tokens):
                return None
            if self._tokens[index].kind == "name" and self._text(index)[0] == ACCELERATOR_MASK:
                return index
            if self._text(index) not in _CARD_ADJECTIVES:
                return None
            index += 1
        return None
