"""Rates: what stands behind "per", adverbs such as "daily", and where in a message they stand."""

from bisect import bisect_left
from collections.abc import Sequence

from agent.understanding.lexicon import Hit, Lexicon, phrases, texts_of
from agent.understanding.numerals import NumberReader
from agent.understanding.quantities import PERIODS, Per
from agent.understanding.text import Token, words
from agent.understanding.vocabulary.units import ADVERBS, DENOMINATORS, PER, names_people

ADVERB_LEXICON: Lexicon[str] = Lexicon(phrases(ADVERBS))
SCAN = 6

_DENOMINATORS: Lexicon[str] = Lexicon(phrases(DENOMINATORS))
_BARRIERS = words("and but with while und aber mit et mais avec pero con plus y at")
_ARTICLES = words("a an each every im")
_TRANSPARENT = frozenset(["-", ":", "(", "'", '"', "=", "~", "≤", "<"])

_PERIODICALS = words("report reports filing filings accounts results statements review reviews earnings letters")
_ROUND = frozenset([1.0, 10.0, 24.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e9])

OTHER = "other"
"""A denominator that no list holds: how many of it there are is not known."""

Place = tuple[int, int]


def adverb_at(texts: Sequence[str], index: int) -> Hit[str] | None:
    """An adverb of a rate at `index`; an "annual report" is no rate."""
    hit = ADVERB_LEXICON.at(texts, index) if index < len(texts) else None
    if hit and hit.meaning in ("year", "quarter") and hit.last < len(texts) and texts[hit.last] in _PERIODICALS:
        return None
    return hit


class RateReader:
    """Finds the rates of the quantities of one message; each period serves one quantity."""

    def __init__(self, tokens: Sequence[Token], numbers: NumberReader) -> None:
        self._tokens = tokens
        self._texts = texts_of(tokens)
        self._numbers = numbers
        self._periods = self._find_periods()
        self._starts = [hit.first for hit in self._periods]
        self._used: set[Place] = set()

    def _text(self, index: int) -> str:
        return self._texts[index] if 0 <= index < len(self._texts) else ""

    def read(self, index: int, inner: Place | None, *, counted: bool) -> tuple[tuple[Per, ...], int, Place | None]:
        """Rates behind token `index`, the index behind them, and the place of a period that stood further off."""
        found: list[Per] = []
        last = index
        for _ in range(3):
            per = self._next(last)
            if per is None:
                break
            found.append(per[0])
            last = per[1]
        for hit in self._from(index):
            if hit.first < last:
                self._used.add((hit.first, hit.last))
        if any(per.kind in PERIODS for per in found):
            return tuple(found), last, None
        place = inner or (self._behind(last) if counted else None)
        if place is None:
            return tuple(found), last, None
        self._used.add(place)
        return (*found, Per(self._kind(place))), last, place

    def follows(self, index: int) -> bool:
        """Whether a period stands at token `index`."""
        per = self._next(index)
        return per is not None and per[0].kind in PERIODS

    def before(self, first: int, bound: int) -> tuple[Per, Place] | None:
        """A period said before the number: "every day we get 500 tickets", "monthly budget: $5k"."""
        for hit in reversed([each for each in self._from(max(bound, first - SCAN - 2)) if each.last <= first]):
            place = (hit.first, hit.last)
            beside = self._texts[hit.last : first] == (",",)
            if place not in self._used and (beside or not self._blocked(hit.last, first)):
                self._used.add(place)
                return Per(hit.meaning), place
        return None

    def _next(self, index: int) -> tuple[Per, int] | None:
        adverb = adverb_at(self._texts, index)
        return (Per(adverb.meaning), adverb.last) if adverb else self._per(index)

    def _kind(self, place: Place) -> str:
        hit = ADVERB_LEXICON.at(self._texts, place[0]) or _DENOMINATORS.at(self._texts, place[0] + 1)
        return hit.meaning if hit else "day"

    def _per(self, index: int) -> tuple[Per, int] | None:
        if self._text(index) in ("(", "-"):
            index += 1
        if self._text(index) not in PER or index + 1 >= len(self._texts):
            return None
        at = index + 1
        if self._text(at) in ("each", "every", "active", "one", "single", "the", "generated"):
            at += 1
        number = None
        if at < len(self._tokens):
            hit = _DENOMINATORS.at(self._texts, at)
            if hit:
                return Per(hit.meaning), hit.last
            if self._counted_apart(at):
                return Per("user" if names_people(self._text(at) + "s") else OTHER), at + 1
            number = self._numbers.read(at)
        if number is None or number.vague:
            return None
        at = number.last
        while self._text(at) in ("-", "output", "input", "generated", "of"):
            at += 1
        hit = _DENOMINATORS.at(self._texts, at) if at < len(self._texts) else None
        amount = number.other or number.value
        if self._text(index) == "/" and amount not in _ROUND:
            return None
        if hit:
            return Per(hit.meaning, amount), hit.last
        return (Per("token", amount), number.last) if amount >= 1000 else None

    def _counted_apart(self, index: int) -> bool:
        """A noun that no list holds, with another rate behind it: "15 queries per advisor per day"."""
        behind = index + 1
        if behind >= len(self._texts) or self._tokens[index].kind != "word" or len(self._text(index)) < 3:
            return False
        return adverb_at(self._texts, behind) is not None or (
            self._text(behind) in PER and self._text(behind) not in _ARTICLES
        )

    def _find_periods(self) -> tuple[Hit[str], ...]:
        """Every adverb and "per <period>" of the message."""
        found = []
        index = 0
        while index < len(self._texts):
            hit = adverb_at(self._texts, index)
            if hit is None and self._texts[index] in PER and index + 1 < len(self._texts):
                behind = _DENOMINATORS.at(self._texts, index + 1)
                if behind and behind.meaning in PERIODS:
                    hit = Hit(index, behind.last, behind.meaning)
            if hit:
                found.append(hit)
            index = hit.last if hit else index + 1
        return tuple(found)

    def _behind(self, index: int) -> Place | None:
        """A period a few words behind token `index`: "invoices to process every day"."""
        for hit in self._from(index)[:1]:
            place = (hit.first, hit.last)
            far = hit.first - index > SCAN or self._blocked(index, hit.first)
            return None if far or place in self._used else place
        return None

    def _from(self, index: int) -> Sequence[Hit[str]]:
        """The next few periods at or behind token `index`."""
        at = bisect_left(self._starts, index)
        return self._periods[at : at + 4]

    def _blocked(self, first: int, last: int) -> bool:
        return any(
            (token.kind in ("mark", "number", "name") and token.text not in _TRANSPARENT) or token.text in _BARRIERS
            for token in self._tokens[first:last]
        )
