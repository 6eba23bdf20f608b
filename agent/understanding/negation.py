"""Whether the words around a phrase deny it: "not on AWS", "no Llama", "H100 is off the table"."""

from bisect import bisect_left
from collections.abc import Sequence

from agent.understanding.lexicon import Lexicon, word_list
from agent.understanding.text import words
from agent.understanding.vocabulary.tables import read_table

REACH = 4

_TABLE = read_table("negators")
_BEFORE: Lexicon[bool] = Lexicon(
    [(phrase, True) for phrase in _TABLE["before"]] + [(phrase, False) for phrase in _TABLE["apparent"]]
)
_BEHIND = word_list([*_TABLE["behind"], *read_table("priorities")["dismissed"]])
_ENDS = frozenset(
    [".", ";", "\n", "!", "?", "but", "aber", "mais", "pero", "sondern", ":", "although", "though", "only"]
)
_LIST = words(", or and oder ou o und et y nor ni / any the a use using")


class Negation:
    """Negators of one message."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._before = [hit for hit in _BEFORE.find(texts) if hit.meaning]
        self._before_ends = [hit.last for hit in self._before]
        self._behind = _BEHIND.find(texts)
        self._behind_starts = [hit.first for hit in self._behind]

    def denies(self, first: int, last: int) -> bool:
        """Whether tokens `first` to `last` are denied by a word before or behind them."""
        return self._denied_before(first) or self._denied_behind(last)

    def _denied_before(self, first: int) -> bool:
        at = bisect_left(self._before_ends, first + 1) - 1
        if at < 0:
            return False
        hit = self._before[at]
        between = self._texts[hit.last : first]
        if not _ENDS.isdisjoint(between):
            return False
        steps = [text for text in between if text not in _LIST]
        listed = any(text in _LIST for text in between)
        if "," in between and not listed:
            return False
        comma_then_new = "," in between and not ({"or", "nor", "oder", "ou", "ni", "and"} & set(between))
        return len(steps) <= REACH - (2 if "," in between else 0) and not comma_then_new

    def _denied_behind(self, last: int) -> bool:
        at = bisect_left(self._behind_starts, last)
        if at >= len(self._behind):
            return False
        between = self._texts[last : self._behind[at].first]
        return len(between) <= 2 and _ENDS.isdisjoint(between) and "," not in between
