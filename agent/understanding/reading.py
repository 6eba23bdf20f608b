"""Reads the quantities of a message: number, range, currency, noun and rate, then what joins two of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from agent.understanding.languages import Language
from agent.understanding.lexicon import Lexicon, phrases, texts_of
from agent.understanding.nouns import NOUN_DIMENSIONS, UNIT_LEXICON, Noun, NounReader
from agent.understanding.numerals import Number, NumberReader
from agent.understanding.quantities import PERIODS, Per, Quantity
from agent.understanding.rates import SCAN, RateReader
from agent.understanding.text import Token, words
from agent.understanding.vocabulary.units import CURRENCIES, PER, Unit

_CURRENCIES: Lexicon[str] = Lexicon(phrases(CURRENCIES))
NOUN_REACH = 12
_RANGE_WORDS = words("to bis hasta or oder ou thru through till")
_BETWEEN = words("between zwischen entre from von de desde")
_MONEY_WORDS = words("budget cost costs spend pay price kosten cout coste presupuesto")
_MULTIPLES = dict.fromkeys(words("double doubles doubling twice doppelt doppelte verdoppelt zweifache doble"), 2.0)
_MULTIPLES |= dict.fromkeys(words("triple triples tripling thrice dreifache"), 3.0) | {"quadruple": 4.0}
_EACH_OF = words("of with about around roughly von de à a mit avec con each")
_CLOCK = words("am pm uhr o'clock oclock")
_INSTEAD = words("of than lieu lugar")
_INSTEAD_PHRASES = {("instead", "of"), ("rather", "than"), ("au", "lieu"), ("en", "lugar")}
_PARTS_OF_DAY = {("in", "the", part) for part in ("morning", "evening", "afternoon")}
_OF_THEM = {("of", "them"), ("of", "those"), ("of", "these"), ("davon", "werden"), ("d'entre", "eux"), ("de", "ellos")}
_ORDINAL_LEADS = words(
    "option phase step tier level version v top round stage section part no number nr # item day page week "
    "question q fy python cuda ubuntu chapter figure table appendix art article §"
)
_YEAR_LEADS = words(
    "in by since until of for before after from 2025 fy q1 q2 q3 q4 early late mid end january february march "
    "april may june july august september october november december ab seit bis depuis desde spring summer "
    "fall autumn winter year jahr"
)


class QuantityReader:
    """Reads the quantities of one message from left to right."""

    def __init__(self, tokens: Sequence[Token], message: str, language: Language, skipped: frozenset[int]) -> None:
        self._tokens = tokens
        self._texts = texts_of(tokens)
        self._language = language
        self._skipped = skipped
        self._numbers = NumberReader(tokens, message, language)
        self._nouns = NounReader(tokens, skipped)
        self._rates = RateReader(tokens, self._numbers)

    def _text(self, index: int) -> str:
        return self._texts[index] if 0 <= index < len(self._texts) else ""

    def read_all(self) -> tuple[Quantity, ...]:
        """Every quantity, from left to right."""
        found: list[Quantity] = []
        index = 0
        while index < len(self._tokens):
            quantity = None if index in self._skipped else self._spoken(index) or self._read(index)
            if quantity:
                found.append(quantity)
            index = quantity.last if quantity else index + 1
        timed = [self._with_left_period(each, found[at - 1].last if at else 0) for at, each in enumerate(found)]
        joined = self._with_lengths(list(self._with_denominators(timed)))
        return tuple(self._with_label(self._with_noun(each)) for each in joined)

    def _with_label(self, quantity: Quantity) -> Quantity:
        """ "msgs/day: 9,600": noun and rate stand before the number."""
        if quantity.unit or quantity.currency or quantity.pers or self._text(quantity.first - 1) not in (":", "="):
            return quantity
        said = self._rates.before(quantity.first - 1, max(quantity.first - 6, 0))
        if said is None or said[1][1] != quantity.first - 1:
            return quantity
        for at in range(max(said[1][0] - 3, 0), said[1][0]):
            hit = UNIT_LEXICON.at(self._texts, at)
            if hit and hit.last == said[1][0] and hit.meaning.dimension in ("request", "item", "token", "image"):
                return replace(quantity, unit=hit.meaning, pers=(said[0],), period_hit=said[1])
        return quantity

    def _with_lengths(self, found: list[Quantity]) -> list[Quantity]:
        """ "50 clips of 8 seconds per day": the rate is that of the clips."""
        for at, (item, length) in enumerate(pairwise(found)):
            counted = item.unit is not None and item.unit.dimension in ("item", "request", "image", "video")
            measured = length.unit is not None and length.unit.dimension in ("time", "token", "page", "word")
            between = self._texts[item.last : length.first]
            if counted and measured and length.period and not item.period and set(between) <= _EACH_OF:
                found[at] = replace(item, pers=(*item.pers, length.period), period_hit=length.period_hit)
                rest = tuple(per for per in length.pers if per.kind not in PERIODS)
                found[at + 1] = replace(length, pers=rest, last=length.core_last, period_hit=None)
        return found

    def _with_denominators(self, found: Sequence[Quantity]) -> Iterator[Quantity]:
        """ "price per 1k tokens below 0.1 cents": the tokens are what the price is for."""
        waiting: Quantity | None = None
        for each in found:
            if each.dimension == "token" and self._text(each.first - 1) in PER and not each.pers:
                waiting = each
                continue
            near = waiting is not None and each.currency and each.first - waiting.last <= SCAN
            if waiting is not None and near and not each.per("token"):
                yield replace(each, pers=(*each.pers, Per("token", waiting.value)))
            elif waiting is not None:
                yield waiting
                yield each
            else:
                yield each
            waiting = None
        if waiting is not None:
            yield waiting

    def _with_noun(self, quantity: Quantity) -> Quantity:
        """ "product descriptions, about 20,000 a month": a rate whose noun was said before."""
        if quantity.unit or quantity.currency or not quantity.period or quantity.number.soft:
            return quantity
        for at in range(quantity.first - 1, max(quantity.first - NOUN_REACH, -1), -1):
            if self._text(at) in ("\n", ".", ";", "?", "!", "$", "€") or self._text(at) in _MONEY_WORDS:
                break
            hit = UNIT_LEXICON.at(self._texts, at)
            if hit and hit.meaning.dimension in ("request", "item", "image", "video"):
                return replace(quantity, unit=hit.meaning)
        return quantity

    def _with_left_period(self, quantity: Quantity, bound: int) -> Quantity:
        """A count or a sum whose period stands before it."""
        noun = quantity.unit.dimension if quantity.unit else ""
        counted = quantity.currency or (noun in NOUN_DIMENSIONS and noun not in ("user", "gpu", "step"))
        said = self._rates.before(quantity.first, bound) if counted and not quantity.period else None
        if said is None:
            return quantity
        return replace(quantity, pers=(*quantity.pers, said[0]), period_hit=said[1])

    def _spoken(self, index: int) -> Quantity | None:
        """Words that are a quantity by themselves: "double", "sub-second"."""
        multiple = _MULTIPLES.get(self._text(index))
        if multiple:
            word = Number(multiple, None, index, index + 1, soft=True)
            return Quantity(word, multiple, None, Unit("times"), (), index, index + 1, index + 1)
        if self._text(index) in ("sub", "subsecond") and self._text(index + 1) in ("second", "seconds"):
            one = Number(1.0, None, index, index + 1)
            return Quantity(one, 1.0, None, Unit("time", 1e3, "second"), (), index, index + 2, index + 2)
        return None

    def _read(self, index: int) -> Quantity | None:
        currency, at = self._currency(index)
        if currency and (at >= len(self._tokens) or self._text(at) in ("a", "an", "one")):
            return None
        if currency and self._tokens[at].kind != "number" and self._tokens[at - 1].kind == "word":
            return None
        number = self._numbers.read(at) if at < len(self._tokens) and at not in self._skipped else None
        if number is None or self._is_no_quantity(number):
            return None
        value, high, last = self._range(number)
        after = currency
        if not self._leads_the_next(last):
            after, last = self._currency(last) if not currency else (currency, self._currency(last)[1])
        if after is None and "grand" in self._texts[number.first : number.last]:
            after = "USD"
        if after and high is None:
            value, high, last = self._range(replace(number, last=last), scale_from=number)
        noun = self._nouns.read(last, number) if not after else Noun(None, last)
        unit, last = noun.unit, noun.last
        if number.soft and unit is None and not after:
            return None
        if high is None and unit and unit.dimension != "gpu":
            value, high, last = self._late_range(value, unit, last, number)
        value, high = self._second_reading(number, value, high, unit)
        if unit is None and after is None and tuple(self._texts[last : last + 2]) in _OF_THEM:
            last += 2 * self._rates.follows(last + 2)
        pers, last_per, place = self._rates.read(last, noun.period, counted=bool(unit or after))
        if after is None and unit is None and self._text(last_per) == "in":
            after, last_per = self._behind_in(last_per)
        negative = self._is_negative(index)
        if after and after.endswith("cents"):
            foreign = self._language != "en" and after.startswith("USD") and "$" not in self._texts
            after, value, high = "EUR" if foreign else after[:3], value / 100, high / 100 if high else None
        return Quantity(number, value, high, unit, pers, index, last_per, last, after, negative, noun.card, place)

    def _behind_in(self, index: int) -> tuple[str | None, int]:
        """ "7k per month in dollars"."""
        currency, last = self._currency(index + 1)
        return (currency, last) if currency else (None, index)

    def _is_no_quantity(self, number: Number) -> bool:
        """List numbers, ordinals, versions and years."""
        token = self._tokens[number.first]
        if token.kind != "number":
            return False
        before, behind = self._text(number.first - 1), self._text(number.last)
        attached = (
            number.last < len(self._tokens) and self._tokens[number.last].start == self._tokens[number.last - 1].end
        )
        if " " in token.text and self._tokens[number.first - 1].kind == "name" and number.first:
            return True  # "serve Qwen 7B 2 100 people": not 2,100
        if attached and behind in ("st", "nd", "rd", "th", "er", "eme", "e"):
            return True
        if before in _INSTEAD and tuple(self._texts[max(number.first - 2, 0) : number.first]) in _INSTEAD_PHRASES:
            return UNIT_LEXICON.at(self._texts, number.last) is None if number.last < len(self._texts) else True
        if behind in _CLOCK or tuple(self._texts[number.last : number.last + 3]) in _PARTS_OF_DAY:
            return True
        line_start = number.first == 0 or before == "\n"
        whole = token.text.isdigit()
        if line_start and whole and len(token.text) <= 2 and behind in (".", ")"):
            return True
        if before == "(" and behind == ")" and whole and len(token.text) <= 2 and line_start:
            return True
        if before in _ORDINAL_LEADS and whole and len(token.text) <= 2:
            return True
        counted = UNIT_LEXICON.at(self._texts, number.last) if number.last < len(self._texts) else None
        if counted and counted.meaning.dimension in NOUN_DIMENSIONS:
            return False
        year = whole and len(token.text) == 4 and 1990 <= (token.value or 0) <= 2099
        return year and (before in _YEAR_LEADS or before in ("/", "-", "(", "'"))

    def _is_negative(self, index: int) -> bool:
        if self._text(index - 1) != "-" or index < 1:
            return False
        dash, number = self._tokens[index - 1], self._tokens[index]
        spaced = index < 2 or self._tokens[index - 2].end < dash.start
        listed = index < 2 or self._text(index - 2) == "\n"
        return dash.end == number.start and spaced and not (listed and dash.end != number.start)

    def _currency(self, index: int) -> tuple[str | None, int]:
        if index >= len(self._texts):
            return None, index
        if self._text(index) == "-":
            return None, index
        hit = _CURRENCIES.at(self._texts, index)
        if self._language == "fr" and self._text(index) in ("cent", "cents"):
            return None, index
        if hit is None or (self._text(index) == "c" and self._tokens[index - 1].end != self._tokens[index].start):
            return None, index
        return hit.meaning, hit.last

    def _leads_the_next(self, index: int) -> bool:
        """ "2k/200 $1500": the sign belongs to the number that it touches."""
        if index < 1 or index + 1 >= len(self._tokens) or self._tokens[index].kind == "word":
            return False
        before, sign, behind = self._tokens[index - 1 : index + 2]
        return before.kind == behind.kind == "number" and before.end < sign.start and sign.end == behind.start

    def _range(self, number: Number, scale_from: Number | None = None) -> tuple[float, float | None, int]:
        """Value, upper end and the index behind "3-5k", "between 20 and 50", "2 to 3"."""
        value, last = number.value, number.last
        start = (scale_from or number).first
        word = self._text(last)
        between = any(self._text(start - back) in _BETWEEN for back in (1, 2, 3))
        joins = (
            word == "-" or word in _RANGE_WORDS or (word in ("and", "und", "et", "y", "a") and between)
        ) and not number.soft  # fmt: skip
        dotted = (word, self._text(last + 1)) == (".", ".")
        joins = joins or dotted
        at = last + 1 + dotted
        if joins and self._currency(at)[0] and at < len(self._texts):
            at = self._currency(at)[1]
        if not joins or at >= len(self._tokens) or at in self._skipped or self._tokens[at].kind == "name":
            return value, None, last
        if word == "-" and self._tokens[last - 1].kind == "word" and self._tokens[at].kind == "word":
            return value, None, last
        second = self._numbers.read(at)
        if second is None or second.soft or second.vague:
            return value, None, last
        low = value
        if (scale_from or number).scale == 1.0 and second.scale > 1.0 and low < second.value / second.scale:
            low *= second.scale
        if low >= second.value:
            return value, None, last
        return low, second.value, second.last

    def _late_range(self, value: float, unit: Unit, last: int, number: Number) -> tuple[float, float | None, int]:
        """ "20 rps to 50 rps": both ends with the unit."""
        word = self._text(last)
        between = any(self._text(number.first - back) in ("between", "zwischen", "entre") for back in (1, 2, 3))
        if not (word in ("to", "bis", "-", "hasta") or (word in ("and", "und", "et", "y") and between)):
            return value, None, last
        second = self._numbers.read(last + 1) if last + 1 < len(self._tokens) else None
        if second is None or second.soft:
            return value, None, last
        other = self._nouns.read(second.last, second)
        if other.unit == unit and value < second.value:
            return value, second.value, other.last
        return value, None, last

    def _second_reading(
        self, number: Number, value: float, high: float | None, unit: Unit | None
    ) -> tuple[float, float | None]:
        """ "4.000" is four thousand, unless the unit or a leading zero says that it is a fraction."""
        if number.other is None or value != number.value:
            return value, high
        english = self._language == "en"
        rounded = self._texts[number.first].endswith("00")
        fraction = unit is not None and (unit.dimension in ("percent", "times", "kwh") or
                                         (unit.dimension == "time" and unit.factor >= 1e3 and english))  # fmt: skip
        countable = unit is not None and unit.dimension in NOUN_DIMENSIONS
        if fraction or (english and not countable and not rounded):
            return value, high
        return number.other, high
