"""What stands around a quantity: cues of its role, nearest first, within its own sentence or line."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from agent.understanding.lexicon import Lexicon, phrases, texts_of
from agent.understanding.quantities import Quantity
from agent.understanding.text import Token, words
from agent.understanding.vocabulary.units import CUES, Cue

CUE_LEXICON: Lexicon[Cue] = Lexicon(phrases(CUES))
REACH = 14
NEVER = 99.0

_BEHIND_ONLY = words("in out rein raus hinein")
_AFTER_LENGTHS = words("and und et y out tokens token plus with")

_LABEL_ENDS = ((":",), ("=",))
_LABEL_NOUNS = (("qps",), ("rps",), ("load",), ("traffic",), ("users",))
_STRONG = frozenset(["\n", ".", ";", "?", "!", "•", "|"])
_ABBREVIATIONS = words("e i g a approx ca max min vs incl etc no bzw z b d h ej p m mio mrd tsd mill st dr mr avg resp")
_CONJUNCTIONS = words("and but with while und aber mit et mais avec y pero con plus or oder ou")
_FILLERS = words(
    "is are be to of at : = about around roughly approx approximately ~ the a an should must will under < <= "
    "≤ below max maximum least most than less no up within in for - ( by it need needs not exceed target "
    "targets goal ca etwa environ aproximadamente unos unas say de unter moins menos que por debajo nearly "
    'almost just "'
)


@dataclass(frozen=True, slots=True)
class CueHit:
    """A cue at tokens `first` to `last`."""

    first: int
    last: int
    cue: Cue


@dataclass(frozen=True, slots=True)
class Match:
    """A cue near a quantity; the smaller the cost, the surer they belong together."""

    hit: CueHit
    cost: float

    @property
    def role(self) -> str:
        """Role that the cue gives."""
        return self.hit.cue.role


class Context:
    """Cues of one message, looked up around quantities."""

    def __init__(self, tokens: Sequence[Token], quantities: Sequence[Quantity]) -> None:
        self.tokens = tokens
        self.texts = texts_of(tokens)
        self._hits = self._find()
        self._starts = [hit.first for hit in self._hits]
        self._edges = sorted([(each.first, each.core_last) for each in quantities if not each.number.soft])
        self._strong = self._find_strong()

    def _find_strong(self) -> list[int]:
        """Ends of sentences and lines; "Users? 1,400" is a label and no question."""
        found: list[int] = []
        for at, token in enumerate(self.tokens):
            if self._is_strong(at, token):
                label = token.text == "?" and at - (found[-1] if found else -1) <= 3 and at + 1 < len(self.tokens)
                if not label:
                    found.append(at)
        return found

    def _is_strong(self, at: int, token: Token) -> bool:
        if token.text not in _STRONG:
            return False
        if token.text != "." or at + 1 >= len(self.tokens):
            return True
        abbreviated = at > 0 and self.tokens[at - 1].end == token.start and self.texts[at - 1] in _ABBREVIATIONS
        return not abbreviated and (self.tokens[at + 1].start > token.end or self.tokens[at + 1].text == "\n")

    def _find(self) -> tuple[CueHit, ...]:
        """Cues of every role may overlap each other: several are looked for at each token."""
        return tuple(CueHit(hit.first, hit.last, hit.meaning) for hit in CUE_LEXICON.find_all(self.texts))

    def bounds(self, quantity: Quantity) -> tuple[int, int]:
        """First and last token of the sentence or line that holds the quantity."""
        at = bisect_left(self._strong, quantity.first)
        low = self._strong[at - 1] + 1 if at else 0
        while at < len(self._strong) and self._strong[at] < quantity.last:
            at += 1
        high = self._strong[at] if at < len(self._strong) else len(self.tokens)
        return max(low, quantity.first - 40), min(high, quantity.last + 40)

    def sentence(self, first: int, last: int) -> tuple[int, int]:
        """First and last token of the sentence or line around tokens `first` to `last`, at most 40 away."""
        low_at, high_at = bisect_left(self._strong, first), bisect_left(self._strong, last)
        low = self._strong[low_at - 1] + 1 if low_at else 0
        high = self._strong[high_at] if high_at < len(self._strong) else len(self.tokens)
        return max(low, first - 40), min(high, last + 40)

    def within(self, low: int, high: int) -> Sequence[CueHit]:
        """Cues that begin at tokens `low` to `high`."""
        return self._hits[bisect_left(self._starts, low) : bisect_left(self._starts, high)]

    def near(self, quantity: Quantity, roles: Collection[str], reach: float = REACH) -> list[Match]:
        """Cues of these roles in the quantity's sentence, nearest first."""
        low, high = self.bounds(quantity)
        found = []
        for hit in self.within(low, high):
            if hit.cue.role in roles:
                cost = self._cost(quantity, hit)
                if cost <= reach:
                    found.append(Match(hit, cost))
        return sorted(found, key=lambda match: match.cost)

    def nearest(self, quantity: Quantity, roles: Collection[str], reach: float = REACH) -> Match | None:
        """The nearest cue of these roles."""
        return next(iter(self.near(quantity, roles, reach)), None)

    def _cost(self, quantity: Quantity, hit: CueHit) -> float:
        if hit.first < quantity.last and hit.last > quantity.first:
            return hit.cue.weakness * 0.2
        if (
            hit.last == hit.first + 1
            and self.texts[hit.first] in _BEHIND_ONLY
            and not self._ends_a_length(quantity, hit)
        ):
            return NEVER
        if hit.last <= quantity.first:
            return self._gap(hit.last, quantity.first) + hit.cue.weakness
        marks = self.texts[hit.last : hit.last + 2]
        labels_another = marks[:1] in _LABEL_ENDS or (marks[:1] in _LABEL_NOUNS and marks[1:] in _LABEL_ENDS)
        away = 6.6 if labels_another else 0.6
        return self._gap(quantity.last, hit.first, to_the_right=True) + hit.cue.weakness + away

    def _ends_a_length(self, quantity: Quantity, hit: CueHit) -> bool:
        """ "In" and "out" are lengths only behind their number and before a pause: "2k in, 500 out"."""
        following = self.tokens[hit.last] if hit.last < len(self.tokens) else None
        pause = following is None or following.kind != "word" or following.text in _AFTER_LENGTHS
        return hit.first >= quantity.last and pause

    def _gap(self, first: int, last: int, *, to_the_right: bool = False) -> float:
        """Distance over the tokens between: fillers are short, commas, conjunctions and other quantities long."""
        cost = 0.0
        for at in range(first, last):
            text = self.texts[at]
            if text == ",":
                cost += 3.0
            elif text in _CONJUNCTIONS or text == "(":
                cost += 2.0
            elif text in (":", "="):
                cost += 6.0 if to_the_right else 0.0
            else:
                cost += 0.3 if text in _FILLERS else 1.0
        between = bisect_left(self._edges, (first, 0)), bisect_left(self._edges, (last, 0))
        return cost + 4.0 * (between[1] - between[0])

    def assign(self, quantities: Iterable[Quantity], roles: Collection[str], reach: float = REACH) -> dict[int, Match]:
        """The best matching of quantities (by first token) and cues: each cue serves one quantity."""
        pairs = [(match.cost, quantity.first, match) for quantity in quantities
                 for match in self.near(quantity, roles, reach)]  # fmt: skip
        chosen: dict[int, Match] = {}
        taken: set[int] = set()
        for _, first, match in sorted(pairs, key=lambda pair: pair[:2]):
            if first not in chosen and match.hit.first not in taken:
                chosen[first] = match
                taken.add(match.hit.first)
        return chosen

    def says(self, low: int, high: int, words: frozenset[str]) -> bool:
        """Whether one of the words stands at tokens `low` to `high`."""
        return not words.isdisjoint(self.texts[max(low, 0) : high])
