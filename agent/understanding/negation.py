"""Whether the words around a phrase deny it: "not on AWS", "no Llama", "H100 is off the table"."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from agent.understanding.lexicon import Lexicon, word_list
from agent.understanding.text import ACCELERATOR_MASK, MODEL_MASK, words
from agent.understanding.vocabulary.tables import read_table

REACH = 3

_TABLE = read_table("negators")
_BEFORE: Lexicon[bool] = Lexicon(
    [(phrase, True) for phrase in _TABLE["before"]] + [(phrase, False) for phrase in _TABLE["apparent"]]
)
_BEHIND = word_list([*_TABLE["behind"], *read_table("priorities")["dismissed"]])
_ENDS = frozenset(
    [".", ";", "\n", "!", "?", "but", "aber", "mais", "pero", "sondern", ":", "although", "though", "only"]
)
_NAMES = frozenset([MODEL_MASK, ACCELERATOR_MASK])
_LINE_ENDS = frozenset(["\n", ";", "."])
_JOINS = frozenset(["and", "und", "et", "y", ","])
_SUBJECTS = words(
    "we i it they you need needs must should want wants prefer use rather wir es nous on debe hay tiene doit"
)
_NEW_CHOICE = words(
    "use using prefer preferably rather want need with on we but please plutot lieber mejor preferimos "
    "preferons stattdessen instead bevorzugt only take"
)
_INSTEAD = (("please",), ("instead",), ("bitte",), ("stattdessen",))
_LIST = words(", or and oder ou o und et y nor ni / any the a use using")


def _starts_anew(between: Sequence[str]) -> bool:
    """Whether a new statement begins behind an "and": "not X, and we need Y"."""
    return any(left in _JOINS and right in _SUBJECTS for left, right in pairwise(between))


class Negation:
    """Negators of one message."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = tuple(texts)
        self._before = [hit for hit in _BEFORE.find(texts) if hit.meaning]
        self._before_ends = [hit.last for hit in self._before]
        self._behind = _BEHIND.find(texts)
        self._behind_starts = [hit.first for hit in self._behind]

    def denies(self, first: int, last: int, *, across_commas: bool = True) -> bool:
        """Whether tokens `first` to `last` are denied by a word before or behind them."""
        alone = "only" in self._texts[first : last + 1]  # "no GPUs, API only"
        return self._denied_before(first, across_commas=across_commas and not alone) or self._denied_behind(last)

    def denies_directly(self, first: int) -> bool:
        """Whether the word just before is a plain "no" or "not"."""
        return self._texts[max(first - 1, 0) : first] in (
            ("no",),
            ("not",),
            ("without",),
            ("kein",),
            ("sin",),
            ("sans",),
        )

    def _denied_before(self, first: int, *, across_commas: bool) -> bool:
        at = bisect_left(self._before_ends, first + 1) - 1
        if at < 0:
            return False
        hit = self._before[at]
        between = self._texts[hit.last : first]
        named = {text[0] for text in between} & _NAMES
        if named and self._texts[first][0] in _NAMES - named and _LIST.isdisjoint(between):
            return False  # "16 L4s instead of 2 H100s for Qwen3": the other name is denied
        if between[:1] == (":",):
            return _LINE_ENDS.isdisjoint(between)
        if not _ENDS.isdisjoint(between) or _starts_anew(between):
            return False
        steps = [text for text in between if text not in _LIST and text[0] not in _NAMES]
        if "," in between and self._texts[first + 1 : first + 2] in _INSTEAD:
            return False  # "no Llama, Qwen please"
        if "," in between:
            return across_commas and len(steps) <= between.count(",") and not _NEW_CHOICE.intersection(between)
        return len(steps) <= REACH

    def _denied_behind(self, last: int) -> bool:
        at = bisect_left(self._behind_starts, last)
        if at >= len(self._behind):
            return False
        between = self._texts[last : self._behind[at].first]
        return len(between) <= 2 and _ENDS.isdisjoint(between) and "," not in between
