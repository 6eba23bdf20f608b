"""A number alone after a what-if: the same what-if with another number."""

import re

from agent.commands import Dialogue, WhatIf
from agent.understanding.inquiries import changed_values, supposed_change
from agent.understanding.orders import plain, unaccented
from agent.understanding.text import words
from agent.understanding.vocabulary.tables import read_table
from knowledge.snapshot import Snapshot

_NUMBER = re.compile(r"(?<![\w.-])\d[\d.,]*(?<![.,])(?:\s?[km]\b)?(?![\w-])")
_SPELLED = {
    word: str(number)
    for language in ("de", "en", "es", "fr")
    for number, word in enumerate(read_table("numbers")[f"ones {language}"])
}
_AROUND = words(
    "and or what if how about happens would happen suppose imagine we i it there they you had have has got was were is "
    "are be use used took take only just even with at for on then instead of them those these that say und oder wenn "
    "was mit bei nur wir hatten es sind waren et ou si avec nous avions seulement pour y o con solo tuvieramos por para"
)
_OPENING = words("and or what how suppose imagine if und oder was wenn et ou y o only just")


def read_again(text: str, dialogue: Dialogue, snapshot: Snapshot, *, question: bool) -> WhatIf | None:
    """ "And with 3?", "what if we had only 2?": what was supposed last, at this number; None where that had no one."""
    if dialogue.last.get("command") != "WhatIf":
        return None
    folded = _in_digits(unaccented(text))
    said = _NUMBER.findall(folded.replace("%", " "))
    rest = _NUMBER.sub(" ", folded.replace("%", " ")).replace(",", " ").split()
    if len(said) != 1 or not set(rest) <= _AROUND or not (question or (rest and rest[0] in _OPENING)):
        return None
    before = _in_digits(plain(str(dialogue.last["text"])))
    if len(_NUMBER.findall(before)) != 1:
        return None
    again = _NUMBER.sub(said[0].strip(), before)
    values = changed_values(supposed_change(again), dialogue, snapshot)
    return WhatIf(values, again, str(dialogue.last.get("option") or "")) if values else None


def _in_digits(folded: str) -> str:
    return re.sub(r"\b[a-z]+\b", lambda match: _SPELLED.get(match.group(), match.group()), folded)
