"""Numbers as people write them: digits with scale words, number words in four languages, fractions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from agent.understanding.languages import Language
from agent.understanding.text import Token, words
from agent.understanding.vocabulary.tables import read_table

MAX_WORDS = 12

_MORE: dict[Language, dict[str, int]] = {
    "en": {"fourty": 40, "couple": 2, "pair": 2},
    "fr": {"une": 1, "vingts": 20},
    "es": {"un": 1, "una": 1, "veintiun": 21, "veinticinco": 25, "cien": 100, "ciento": 100, "doscientos": 200,
           "doscientas": 200, "trescientos": 300, "trescientas": 300, "cuatrocientos": 400, "cuatrocientas": 400,
           "quinientos": 500, "quinientas": 500, "seiscientos": 600, "seiscientas": 600, "setecientos": 700,
           "ochocientos": 800, "ochocientas": 800, "novecientos": 900},
    "de": {"ein": 1, "eine": 1, "einer": 1, "einem": 1, "einen": 1, "zwolf": 12, "fuenf": 5, "zwoelf": 12,
           "dreissig": 30},
}  # fmt: skip
_NUMBERS = read_table("numbers")
_HUNDREDS = {"en": ("hundred", "hundreds"), "fr": ("cent", "cents"), "es": (), "de": ("hundert",)}
_SCALES: dict[str, float] = {
    "thousand": 1e3, "thousands": 1e3, "grand": 1e3, "million": 1e6, "millions": 1e6, "mio": 1e6, "mln": 1e6, "mn": 1e6,
    "mill": 1e6, "billion": 1e9, "billions": 1e9, "bn": 1e9, "bln": 1e9, "mrd": 1e9, "milliard": 1e9,
    "milliards": 1e9, "milliarde": 1e9, "milliarden": 1e9, "trillion": 1e12, "lakh": 1e5, "lakhs": 1e5, "crore": 1e7,
    "crores": 1e7, "tausend": 1e3, "tsd": 1e3, "millionen": 1e6, "mille": 1e3, "millon": 1e6, "millones": 1e6,
    "milliers": 1e3, "millier": 1e3, "miles": 1e3, "thousnad": 1e3, "thousend": 1e3, "milion": 1e6, "millon's": 1e6,
}  # fmt: skip
_DOZENS = {"dozen": 12.0, "dozens": 12.0, "douzaine": 12.0, "dutzend": 12.0, "docena": 12.0, "docenas": 12.0}
_LETTERS = {"k": 1e3, "m": 1e6, "mm": 1e6, "b": 1e9, "bn": 1e9, "t": 1e12}
_JOINING = {"en": "and", "fr": "et", "es": "y", "de": "und"}
_ARTICLES = words("a an one un une uno una ein eine einer einem einen")
_HALVES = {
    "half": 0.5, "halben": 0.5, "halbe": 0.5, "halber": 0.5, "halbes": 0.5, "demi": 0.5, "demie": 0.5, "medio": 0.5,
    "media": 0.5, "quarter": 0.25, "viertel": 0.25, "third": 1 / 3, "anderthalb": 1.5, "eineinhalb": 1.5,
    "zweieinhalb": 2.5, "dreieinhalb": 3.5,
}  # fmt: skip
_PARTS = {
    "thirds": 1 / 3, "quarters": 0.25, "fifth": 0.2, "fifths": 0.2, "sixth": 1 / 6, "eighth": 0.125, "tenth": 0.1,
    "tenths": 0.1, "twentieth": 0.05, "hundredth": 0.01, "drittel": 1 / 3, "funftel": 0.2, "zehntel": 0.1,
    "cinquieme": 0.2, "dixieme": 0.1, "quinto": 0.2, "decimo": 0.1, "quinta": 0.2, "decima": 0.1,
}  # fmt: skip
_OF = words("of de der des von d del")
_RATIO_JOINS = {("in",), ("out", "of"), ("von",), ("sur",), ("de", "cada")}
_OTHER_SENSES = words("media medio quarter third demi demie")
_HALVED = words(
    "segundo segundos second seconde million millon millones hora hour heure minuto minute dia day of de a "
    "billion dozen docena"
)
_DETERMINERS = words("a an one the our unserer unsere nos nuestros d")
_NO_RATIO = words("out minutes minute seconds second hours hour days weeks months ms gpus tokens")
_VAGUE = words(
    "few several many tens hundreds thousands dozens millions lots quelques plusieurs varios varias einige "
    "mehrere milliers centaines miles cientos hunderte tausende handful paar billions millionen"
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number at tokens `first` to `last` (exclusive).

    `other` is a second reading of the digits; `soft` marks an article ("a", "one") that may be no number at all;
    `vague` one that names only a magnitude; `scale` the factor of the scale word or letter, 1 without one.
    """

    value: float
    other: float | None
    first: int
    last: int
    soft: bool = False
    vague: bool = False
    scale: float = 1.0


@lru_cache(maxsize=8)
def _words(language: Language) -> dict[str, int]:
    table: dict[str, int] = {}
    for each in dict.fromkeys(("en", language)):
        table |= {word: value for value, word in enumerate(_NUMBERS[f"ones {each}"]) if "-" not in word}
        table |= {word: 20 + 10 * index for index, word in enumerate(_NUMBERS[f"tens {each}"])}
        table |= _MORE[each]
    if language == "es":
        table |= {"once": 11}
    return table


@lru_cache(maxsize=1024)
def _german_compound(word: str) -> int | None:
    """The value of a German number written as one word ("zweihundertfunfzig"), or None."""
    word = word.replace("fuenf", "funf").replace("zwoelf", "zwolf").replace("dreissig", "dreisig")
    if len(word) > 60 or not any(part in word for part in ("hundert", "tausend", "zig", "zehn")):
        return None
    ones = {text: value for value, text in enumerate(_NUMBERS["ones de"])} | {"ein": 1, "sech": 6, "sieb": 7}
    tens = {text: 20 + 10 * index for index, text in enumerate(_NUMBERS["tens de"])}
    pieces = sorted([*ones, *tens, "hundert", "tausend", "und"], key=len, reverse=True)
    total = current = 0
    while word:
        piece = next((each for each in pieces if word.startswith(each)), None)
        if piece is None:
            return None
        word = word[len(piece) :]
        if piece == "tausend":
            total, current = total + max(current, 1) * 1000, 0
        elif piece == "hundert":
            current = max(current, 1) * 100
        else:
            current += ones.get(piece, 0) + tens.get(piece, 0)
    return total + current


class NumberReader:
    """Reads numbers from the tokens of one message."""

    def __init__(self, tokens: Sequence[Token], message: str, language: Language) -> None:
        self._tokens = tokens
        self._message = message
        self._language = language
        self._words = _words(language)

    def _text(self, index: int) -> str:
        return self._tokens[index].text if index < len(self._tokens) else ""

    def read(self, index: int) -> Number | None:
        """The number that begins at token `index`, with its scale word, or None."""
        token = self._tokens[index]
        if token.kind == "number":
            return self._ratio(index, self._digits(index))
        if token.kind != "word":
            return None
        return (
            self._part(index) or self._fraction(index) or self._vague(index) or self._ratio(index, self._spelled(index))
        )

    def _part(self, index: int) -> Number | None:
        """ "a fifth of", "two thirds of", "ein Zehntel der": an ordinal is a part only where the whole follows."""
        parts = _PARTS.get(self._text(index + 1))
        above = 1.0 if self._text(index) in _ARTICLES else float(self._words.get(self._text(index), 0))
        if parts is None or not above or self._text(index + 2) not in _OF:
            return None
        last = index + 3
        if self._text(last) in _DETERMINERS:
            last += 1
        scale, last = self._scale(last)
        return Number(above * parts * scale, None, index, last, scale=scale)

    def _ratio(self, index: int, above: Number | None) -> Number | None:
        """ "1 in 50", "one out of twenty": a share; any other number as it is."""
        if above is None or above.last - index != 1 or not 1 <= above.value <= 99 or above.value % 1:
            return above
        for join in _RATIO_JOINS if above.value == 1 else (("out", "of"),):
            at = above.last + len(join)
            if tuple(self._text(above.last + offset) for offset in range(len(join))) != join or at >= len(self._tokens):
                continue
            digits = self._tokens[at].kind == "number"
            below = self._digits(at) if digits else self._spelled(at) if self._tokens[at].kind == "word" else None
            whole = below is not None and not below.soft and 2 <= below.value <= 1000 and below.value % 1 == 0
            whole = whole and below is not None and below.value > above.value
            if below is not None and whole and self._text(below.last) not in _NO_RATIO:
                return Number(above.value / below.value, None, index, below.last)
        return above

    def _scale(self, index: int) -> tuple[float, int]:
        """Scale word or letter at `index`: its factor and the index behind it; factor 1 where there is none."""
        factor = 1.0
        for _ in range(2):
            word = self._text(index)
            step = self._scale_word(word, index)
            if step == 1.0:
                break
            factor, index = factor * step, index + 1
            if self._text(index) == "." and word in ("mio", "mrd", "tsd", "mill"):
                index += 1
        return factor, index

    def _scale_word(self, word: str, index: int) -> float:
        if word == "mil":
            dollars = index >= 2 and self._text(index - 2) == "$"
            return 1e6 if dollars and self._language == "en" else 1e3
        if word in _SCALES:
            return _SCALES[word]
        if word in _DOZENS or word in _HUNDREDS["en"] or word == "hundert":
            return _DOZENS.get(word, 100.0)
        if word in _LETTERS and index:
            return self._scale_letter(word, index)
        return 1.0

    def _scale_letter(self, word: str, index: int) -> float:
        before, token = self._tokens[index - 1], self._tokens[index]
        attached = before.end == token.start
        if before.kind != "number" or not (attached or (word == "k" and token.start - before.end == 1)):
            return 1.0
        following = self._text(index + 1)
        if word == "b" and following in ("model", "models", "class", "parameter", "parameters", "params", "sized"):
            return 1.0
        if word == "m" and self._message[token.start] == "m":
            money = index >= 2 and self._text(index - 2) in ("$", "€", "£", "usd", "eur")
            noun = index + 1 < len(self._tokens) and self._tokens[index + 1].kind == "word"
            return 1e6 if money or (noun and following not in ("to", "for", "and", "or", "end", "max", "per")) else 1.0
        return _LETTERS[word]

    def _digits(self, index: int) -> Number:
        token = self._tokens[index]
        value, other = token.value or 0.0, token.other_value
        last = index + 1
        if self._is_fraction(index):
            value, other, last = value / (self._tokens[index + 2].value or 1.0), None, index + 3
        value, last = self._half_behind(value, last)
        scale, last = self._scale(last)
        if scale != 1.0:
            other = None
        return Number(value * scale, other, index, last, scale=scale)

    def _is_fraction(self, index: int) -> bool:
        if self._text(index + 1) != "/" or index + 2 >= len(self._tokens):
            return False
        above, below = self._tokens[index], self._tokens[index + 2]
        close = below.start - above.end == 1
        return close and below.text in ("2", "3", "4", "5", "10") and (above.value or 9) < (below.value or 0)

    def _half_behind(self, value: float, last: int) -> tuple[float, int]:
        """ "2 and a half", "deux et demie", "dos y medio"."""
        words = [self._text(last + offset) for offset in range(3)]
        if words in (["and", "a", "half"], ["and", "one", "half"]):
            return value + 0.5, last + 3
        if words[0] in ("et", "y", "und") and words[1] in ("demi", "demie", "medio", "media"):
            return value + 0.5, last + 2
        return value, last

    def _fraction(self, index: int) -> Number | None:
        """ "half a million", "a quarter of a second", "eine halbe Sekunde", "half of"."""
        start = index
        if self._text(index) in _ARTICLES and self._text(index + 1) in _HALVES:
            index += 1
        if self._text(index) not in _HALVES:
            return None
        if self._text(index) in _OTHER_SENSES and self._text(index + 1) not in _HALVED:
            return None
        value, last = _HALVES[self._text(index)], index + 1
        if self._text(last) in ("of", "de"):
            last += 1
        if self._text(last) in _DETERMINERS:
            last += 1
        scale, last = self._scale(last)
        return Number(value * scale, None, start, last, scale=scale)

    def _vague(self, index: int) -> Number | None:
        """ "a few hundred", "tens of thousands of"."""
        start = index
        if self._text(index) in ("a", "some", "ein"):
            index += 1
        if self._text(index) not in _VAGUE:
            return None
        index += 1
        if self._text(index) in ("of", "de"):
            index += 1
        scale, last = self._scale(index)
        if scale == 1.0 and self._text(index - 1) in ("of", "de"):
            last = index
        return Number(scale, None, start, last, vague=True, scale=scale)

    def _spelled(self, index: int) -> Number | None:
        total, current = 0.0, None
        last = index
        scaled = 1.0
        for _ in range(MAX_WORDS):
            word = self._text(last)
            if last == index and word in ("a", "an"):
                current, last = 1.0, last + 1
                continue
            joined = self._extend(word, current)
            if joined is not None:
                current, last = joined, last + 1
            elif self._text(last) == "-" or self._joins(last, total, current):
                last += 1
            else:
                scale = self._large_scale(word, last)
                if scale == 1.0 or (current is None and last > index):
                    break
                total, current, last, scaled = total + (current or 1.0) * scale, None, last + 1, scale
        if last == index:
            return None
        value = total + (current or 0.0)
        value, last = self._half_behind(value, last)
        if last < len(self._tokens) and scaled == 1.0:
            scale, last = self._scale(last)
            value, scaled = value * scale, scale
        if self._text(last) in ("of", "de") and self._text(last - 1) in ("couple", "pair", "dozen"):
            last += 1
        soft = last == index + 1 and self._text(index) in _ARTICLES
        return Number(value, None, index, last, soft=soft, scale=scaled) if value or not soft else None

    def _large_scale(self, word: str, index: int) -> float:
        if word == "mil":
            return self._scale_word(word, index)
        return _SCALES.get(word, 1.0) if word not in _LETTERS else 1.0

    def _joins(self, index: int, total: float, current: float | None) -> bool:
        """Whether the token is an "and" inside a number ("two hundred and fifty", "treinta y cinco")."""
        word, following = self._text(index), self._text(index + 1)
        value = self._words.get(following)
        if value is None or word not in ("and", _JOINING[self._language]):
            return False
        if word == "and":
            return bool((current and current % 100 == 0) or (current is None and total)) and value < 100
        return bool(current and 20 <= current % 100 <= 90) and value < 20

    def _extend(self, word: str, current: float | None) -> float | None:
        """`current` with one more number word, or None when the word does not continue it."""
        if word in _HUNDREDS[self._language] or word in _HUNDREDS["en"]:
            if self._language == "en" and word in ("cent", "cents"):
                return None
            return (current or 1.0) * 100 if (current or 1.0) < 100 else None
        value = self._words.get(word)
        if value is None and self._language == "de":
            value = _german_compound(word)
        if value is None or (current is None and word in _VAGUE):
            return None
        if current is None:
            return float(value)
        rest = current % 100
        if rest == 4 and word in ("vingt", "vingts"):
            return current + 76
        if value in (2,) and word in ("couple", "pair"):
            return current * 2
        fits = (rest == 0 and value < 100) or (rest >= 20 and rest % 10 == 0 and value < 10)
        french = self._language == "fr" and rest in (60, 80) and value < 20
        return current + value if (fits and current >= 20) or french else None
