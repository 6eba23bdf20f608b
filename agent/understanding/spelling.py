"""Words of the vocabulary, recognised through a typing error."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from rapidfuzz.distance import OSA

from agent.understanding.context import CUE_LEXICON
from agent.understanding.nouns import UNIT_LEXICON
from agent.understanding.text import Token
from agent.understanding.vocabulary.tables import read_table
from agent.understanding.vocabulary.units import names_people

TARGETS = frozenset(read_table("typos")["target"])
REAL_WORDS = frozenset(read_table("typos")["real"])
SHORTEST = 5
LONG = 9


def _buckets() -> Mapping[tuple[str, int], tuple[str, ...]]:
    buckets: dict[tuple[str, int], list[str]] = {}
    for word in sorted(TARGETS):
        buckets.setdefault((word[0], len(word)), []).append(word)
    return {key: tuple(found) for key, found in buckets.items()}


_BY_START = _buckets()


@lru_cache(maxsize=20_000)
def _nearest(word: str) -> str | None:
    """The one target within one error, or two in long words; None where there is none or more than one."""
    allowed = 2 if len(word) >= LONG else 1
    best: list[tuple[int, str]] = []
    for length in range(len(word) - allowed, len(word) + allowed + 1):
        for target in _BY_START.get((word[0], length), ()):
            distance = OSA.distance(word, target, score_cutoff=allowed)
            if distance <= allowed:
                best.append((distance, target))
    best.sort()
    return best[0][1] if best and (len(best) == 1 or best[0][0] < best[1][0]) else None


class Speller:
    """Corrects the words of a message that no lexicon knows."""

    def __init__(self, *known: frozenset[str]) -> None:
        self._known = UNIT_LEXICON.words | CUE_LEXICON.words | REAL_WORDS | TARGETS | frozenset().union(*known)

    def correct(self, tokens: Iterable[Token]) -> tuple[Token, ...]:
        """Tokens with the words that were meant; offsets stay."""
        return tuple(self._corrected(token) for token in tokens)

    def _corrected(self, token: Token) -> Token:
        word = token.text
        if token.kind != "word" or len(word) < SHORTEST or word in self._known or not word.isalpha():
            return token
        meant = None if names_people(word) else _nearest(word)
        return replace(token, text=meant) if meant else token
