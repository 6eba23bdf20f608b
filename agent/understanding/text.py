"""A message as tokens. Folding (case, accents, odd punctuation) moves no offset, so every span quotes the message."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

MODEL_MASK, ACCELERATOR_MASK, SKIPPED_MASK = "\ue000", "\ue001", "\ue002"

_ODD = {
    "–": "-", "—": "-", "−": "-", "‑": "-", "‐": "-", "×": "x", "’": "'", "‘": "'", "`": "'", "´": "'", "“": '"',
    "”": '"', "…": ".", "≤": "≤", "≥": "≥", "½": "½", "¼": "¼", "¾": "¾", "•": "•", "ß": "s", "→": "→",
    "\r": "\n", "\u2028": "\n", "\u2029": "\n", "\x0b": "\n", "\x0c": "\n",
}  # fmt: skip
_FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75}

_TOKEN = re.compile(
    r"(?P<name>\ue000+|\ue001+)"
    r"|(?P<skipped>\ue002+)"
    r"|(?P<number>\d{1,3}(?:,\d{3}){1,4}(?!\d)(?:\.\d+)?"
    r"|\d{1,3}(?:\.\d{3}){2,4}(?!\d)(?:,\d+)?"
    r"|\d{1,3}(?:[ ']\d{3}){1,4}(?!\d)(?:[.,]\d{1,2}(?!\d))?"
    r"|\d+(?:[.,]\d+)?(?:e[+-]?\d{1,3}(?![a-z0-9]))?"
    r"|(?<![\d.])\.\d+"
    r"|[½¼¾])"
    r"|(?P<times>(?<=\d)x(?![a-wyz]))"
    r"|(?P<word>[^\W\d_][^\W_]*(?:'(?:s|t|re|ve|ll|d|m)(?![a-z]))?)"
    r"|(?P<newline>\n+)"
    r"|(?P<mark>[^\s\w])"
)
_PLAIN_GROUPS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DOTTED_GROUPS = re.compile(r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the message: `text` is folded, `start` and `end` are offsets into the message.

    `value` is the number that the digits say; `other_value` the second reading of digits such as "4.000".
    """

    text: str
    start: int
    end: int
    kind: str
    value: float | None = None
    other_value: float | None = None


def words(text: str) -> frozenset[str]:
    """A set of words from a line of them."""
    return frozenset(text.split())


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    if character in _ODD:
        return _ODD[character]
    if "\ue000" <= character <= "\uf8ff" or character.isspace():
        return " "
    folded = unicodedata.normalize("NFKD", character.lower())[:1]
    return folded or " "


def fold(text: str) -> str:
    """Lower case without accents, one character for one character."""
    if text.isascii():
        return text.lower().replace("\r", "\n").replace("`", "'").replace("\t", " ")
    return "".join(character if character == "\n" else _fold_character(character) for character in text)


def _values(digits: str) -> tuple[float, float | None]:
    """The value of digits with separators, and a second reading where there is one."""
    if digits in _FRACTIONS:
        return _FRACTIONS[digits], None
    spaced = re.sub(r"(?<=\d)[ '](?=\d)", "", digits)
    if spaced != digits:
        return float(spaced.replace(",", ".")), None
    if digits.startswith(("0,", "0.")):
        return float(digits.replace(",", ".")), None
    if _PLAIN_GROUPS.fullmatch(digits):
        return float(digits.replace(",", "")), None
    if _DOTTED_GROUPS.fullmatch(digits):
        return float(digits.replace(".", "").replace(",", ".")), None
    value = float(digits.replace(",", "."))
    whole, dot, rest = digits.partition(".")
    grouped = bool(dot) and len(rest) == 3 and 1 <= len(whole) <= 3 and rest.isdigit()
    return value, float(whole + rest) if grouped else None


def _tokens(folded: str) -> Iterable[Token]:
    letters = str.isalpha
    for match in _TOKEN.finditer(folded):
        kind = match.lastgroup or "mark"
        text, start, end = match.group(), match.start(), match.end()
        if kind == "skipped":
            continue
        if kind == "number":
            value, other = _values(text)
            yield Token(text, start, end, "number", value, other)
        elif kind == "word" and text.endswith("'s") and len(text) > 3:
            yield Token(text[:-2], start, end - 2, "word")
        elif text == "-" and (folded[start - 1 : start] or " ").isalnum() and letters(folded[end : end + 1] or " "):
            continue
        elif kind in ("times", "newline"):
            yield Token("x" if kind == "times" else "\n", start, end, "mark")
        else:
            yield Token(text, start, end, kind)


def tokenise(folded: str) -> tuple[Token, ...]:
    """Tokens of a folded text. Hyphens between letters are dropped: "low-latency" reads as two words."""
    return tuple(_tokens(folded))
