"""Phrases with meanings, found in a token sequence in one pass."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from agent.understanding.text import Token, fold, tokenise

Meaning = TypeVar("Meaning")
Held_co = TypeVar("Held_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Hit(Generic[Held_co]):
    """A phrase found at tokens `first` (inclusive) to `last` (exclusive)."""

    first: int
    last: int
    meaning: Held_co


class Lexicon(Generic[Meaning]):
    """A set of phrases; at each place the longest one counts."""

    def __init__(self, phrases: Iterable[tuple[str, Meaning]]) -> None:
        by_first: dict[str, list[tuple[tuple[str, ...], Meaning]]] = {}
        for phrase, meaning in phrases:
            words = tuple(token.text for token in tokenise(fold(phrase)))
            by_first.setdefault(words[0], []).append((words, meaning))
        for entries in by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))
        self._by_first = by_first

    @property
    def words(self) -> frozenset[str]:
        """Every word that occurs in a phrase."""
        return frozenset(word for entries in self._by_first.values() for words, _ in entries for word in words)

    def at(self, texts: Sequence[str], index: int) -> Hit[Meaning] | None:
        """The longest phrase that begins at `index`."""
        for words, meaning in self._by_first.get(texts[index], ()):
            last = index + len(words)
            if tuple(texts[index:last]) == words:
                return Hit(index, last, meaning)
        return None

    def find_all(self, texts: Sequence[str]) -> tuple[Hit[Meaning], ...]:
        """Every meaning at every place: the longest phrase of each meaning's table entry, overlaps included.

        A phrase that lies inside a longer one found from an earlier word is left out.
        """
        hits: list[Hit[Meaning]] = []
        covered = 0
        for index, text in enumerate(texts):
            entries = self._by_first.get(text)
            if not entries:
                continue
            longest = 0
            for words, meaning in entries:
                last = index + len(words)
                if len(words) < longest or last < covered:
                    continue
                if (len(words) == 1 and last > covered) or (tuple(texts[index:last]) == words and last > covered):
                    hits.append(Hit(index, last, meaning))
                    longest = max(longest, len(words))
            if longest > 1:
                covered = max(covered, index + longest)
        return tuple(hits)

    def find(self, texts: Sequence[str]) -> tuple[Hit[Meaning], ...]:
        """Every phrase, from left to right without overlap."""
        hits = []
        index = 0
        while index < len(texts):
            hit = self.at(texts, index) if texts[index] in self._by_first else None
            if hit:
                hits.append(hit)
            index = hit.last if hit else index + 1
        return tuple(hits)


def phrases(table: Mapping[Meaning, Iterable[str]]) -> Iterable[tuple[str, Meaning]]:
    """`{meaning: phrases}` as pairs."""
    return ((phrase, meaning) for meaning, listed in table.items() for phrase in listed)


def word_list(listed: Iterable[str]) -> "Lexicon[bool]":
    """A lexicon of phrases that all mean the same."""
    return Lexicon((phrase, True) for phrase in listed)


def texts_of(tokens: Iterable[Token]) -> tuple[str, ...]:
    """The folded words of tokens."""
    return tuple(token.text for token in tokens)
