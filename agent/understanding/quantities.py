"""Quantities: a number with its unit, its rate and its range, as one thing with a span."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from agent.understanding.languages import Language
from agent.understanding.lexicon import Hit, Lexicon, phrases, texts_of
from agent.understanding.numerals import Number, NumberReader
from agent.understanding.text import Token, words
from agent.understanding.vocabulary.units import (
    ADVERBS,
    CONTINUING_NOUNS,
    CUES,
    CURRENCIES,
    DENOMINATORS,
    PER,
    PERIOD_SECONDS,
    UNITS,
    Unit,
)

UNIT_LEXICON: Lexicon[Unit] = Lexicon(phrases(UNITS))
_DENOMINATORS: Lexicon[str] = Lexicon(phrases(DENOMINATORS))
_ADVERBS: Lexicon[str] = Lexicon(phrases(ADVERBS))
_CURRENCIES: Lexicon[str] = Lexicon(phrases(CURRENCIES))

CUE_LEXICON_WORDS = frozenset(phrase for listed in CUES.values() for phrase in listed if " " not in phrase)
UNKNOWN_NOUN = Unit("item", 1.0, "?")
PERIODS = frozenset(PERIOD_SECONDS)
_NOUN_DIMENSIONS = words("request item user concurrency token image page character video word gpu node replica step")
_STOP = words(
    "of for to in on at with and or but per a an the that which who is are was were be we i you they it will "
    "should must can could would may might by from over under within each every as our your their its if than "
    "when while so then this these those has have had do does need needs want wants use uses using ask asks "
    "asking make makes send sends sending expect run runs running und oder fur mit von zu im am auf pro bei "
    "wir ist sind et ou de des du pour avec par sur en y o para con por del al who're about around plus not "
    "no only also max min maximum minimum up down out x"
)
_RANGE_WORDS = words("to bis hasta or oder ou thru through till")
_BETWEEN = words("between zwischen entre from von de desde")
_BARRIERS = words("and but with while und aber mit et mais avec pero con plus y at")
_MONEY_WORDS = words("budget cost costs spend pay price kosten cout coste presupuesto")
_MULTIPLES = dict.fromkeys(words("double doubles doubling twice doppelt doppelte verdoppelt zweifache doble"), 2.0)
_MULTIPLES |= dict.fromkeys(words("triple triples tripling thrice dreifache"), 3.0) | {"quadruple": 4.0}
_PEOPLE_ENDINGS = (
    "ers",
    "ors",
    "ists",
    "ians",
    "eurs",
    "istas",
    "dores",
    "isten",
    "ologen",
    "logues",
    "ologists",
    "keepers",
)
_THINGS = words(
    "servers numbers letters orders papers computers answers layers parameters containers sensors errors "
    "vectors characters folders headers filters clusters transformers routers monitors processors meters "
    "liters chapters offers transfers posters covers buffers adapters workers carriers factors colors flavors "
    "doors floors motors tractors connectors corridors conveyors generators elevators registers timers "
    "triggers buckets drivers trailers headers tokenizers newsletters others quarters powers matters centers "
    "controllers printers scanners mirrors browsers loaders trackers speakers chargers blockers counters "
    "markers stickers binders rulers reminders pointers integers disorders borders ladders headliners "
    "quantizers optimizers indicators simulators calculators batteries helpers providers hyperscalers "
    "suppliers vendors retailers manufacturers insurers dealers competitors sponsors investors layovers "
    "tumors minors majors corridors erreurs valeurs serveurs ordinateurs capteurs vecteurs moteurs couleurs "
    "servidores ordenadores sensores errores valores colores flowers towers showers rivers dinners dollars "
    "gutters hammers diapers sweaters slippers trousers mothers wonders"
)
_EACH_OF = words("of with about around roughly von de à a mit avec con each")
_CLOCK = words("am pm uhr o'clock oclock")
_PARTS_OF_DAY = {("in", "the", part) for part in ("morning", "evening", "afternoon")}
NOUN_REACH = 12
_CARD_ADJECTIVES = words(
    "new used existing spare idle of our the nvidia dedicated more own x * amd additional old my eigene nos "
    "nuestras unserer of: brand whole entire full"
)
_ORDINAL_LEADS = words(
    "option phase step tier level version v top round stage section part no number nr # item day page week "
    "question q fy python cuda ubuntu chapter figure table appendix art article §"
)
_YEAR_LEADS = words(
    "in by since until of for before after from 2025 fy q1 q2 q3 q4 early late mid end january february march "
    "april may june july august september october november december ab seit bis depuis desde spring summer "
    "fall autumn winter year jahr"
)
SCAN = 6
MAX_ADJECTIVES = 4


@dataclass(frozen=True, slots=True)
class Per:
    """What stands behind "per": a kind, and how many of it ("per 1k tokens" is 1000)."""

    kind: str
    amount: float = 1.0


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that counts something, at tokens `first` to `last` (exclusive).

    `high` is the upper end of a range. `core_last` is the index behind number and unit, without the rate.
    `name` is the token of an accelerator that is counted.
    """

    number: Number
    value: float
    high: float | None
    unit: Unit | None
    pers: tuple[Per, ...]
    first: int
    last: int
    core_last: int
    currency: str | None = None
    negative: bool = False
    name: int | None = None
    period_hit: tuple[int, int] | None = None

    @property
    def dimension(self) -> str | None:
        """Dimension of the unit; "money" where a currency stands."""
        return "money" if self.currency else self.unit.dimension if self.unit else None

    def per(self, kind: str) -> Per | None:
        """The rate by that kind, where one is said."""
        return next((per for per in self.pers if per.kind == kind), None)

    @property
    def period(self) -> Per | None:
        """The period of the rate; `amount` is how many of it."""
        return next((per for per in self.pers if per.kind in PERIODS), None)

    @property
    def top(self) -> float:
        """The upper end of a range, or the value."""
        return self.high if self.high is not None else self.value


def period_seconds(per: Per) -> float:
    """Length of a period in seconds: a month is 30.42 days, a year 12 months."""
    return PERIOD_SECONDS[per.kind] * per.amount


class QuantityReader:
    """Reads the quantities of one message from left to right."""

    def __init__(self, tokens: Sequence[Token], message: str, language: Language, skipped: frozenset[int]) -> None:
        self._tokens = tokens
        self._texts = texts_of(tokens)
        self._language = language
        self._skipped = skipped
        self._numbers = NumberReader(tokens, message, language)
        self._periods = self._find_periods()
        self._period_starts = [hit.first for hit in self._periods]
        self._used: set[tuple[int, int]] = set()

    def _text(self, index: int) -> str:
        return self._texts[index] if 0 <= index < len(self._texts) else ""

    def _find_periods(self) -> tuple[Hit[str], ...]:
        """Every adverb and "per <period>" of the message."""
        found = []
        index = 0
        while index < len(self._texts):
            hit = _ADVERBS.at(self._texts, index)
            if hit is None and self._texts[index] in PER and index + 1 < len(self._texts):
                behind = _DENOMINATORS.at(self._texts, index + 1)
                if behind and behind.meaning in PERIODS:
                    hit = Hit(index, behind.last, behind.meaning)
            if hit:
                found.append(hit)
            index = hit.last if hit else index + 1
        return tuple(found)

    def read_all(self) -> tuple[Quantity, ...]:
        """Every quantity, from left to right."""
        found: list[Quantity] = []
        index = 0
        while index < len(self._tokens):
            quantity = None if index in self._skipped else self._read(index)
            if quantity:
                found.append(quantity)
            index = quantity.last if quantity else index + 1
        timed = [self._with_left_period(each, found[at - 1].last if at else 0) for at, each in enumerate(found)]
        return tuple(self._with_noun(each) for each in self._with_lengths(list(self._with_denominators(timed))))

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

    def _read(self, index: int) -> Quantity | None:
        multiple = _MULTIPLES.get(self._text(index))
        if multiple:
            word = Number(multiple, None, index, index + 1, soft=True)
            return Quantity(word, multiple, None, Unit("times"), (), index, index + 1, index + 1)
        currency, at = self._currency(index)
        if currency and (at >= len(self._tokens) or self._text(at) in ("a", "an", "one")):
            return None
        if currency and self._tokens[at].kind != "number" and self._tokens[at - 1].kind == "word":
            return None
        number = self._numbers.read(at) if at < len(self._tokens) and at not in self._skipped else None
        if number is None or self._is_no_quantity(number):
            return None
        value, high, last = self._range(number)
        after, last = self._currency(last) if not currency else (currency, self._currency(last)[1])
        if after is None and "grand" in self._texts[number.first : number.last]:
            after = "USD"
        if after and high is None:
            value, high, last = self._range(replace(number, last=last), scale_from=number)
        unit, last, name, inner = self._unit(last, number) if not after else (None, last, None, None)
        if high is None and unit and unit.dimension != "gpu":
            value, high, last = self._late_range(value, unit, last, number)
        value, high = self._second_reading(number, value, high, unit)
        pers, last_per, hit = self._pers(last, inner, unit is not None or after is not None)
        if after is None and unit is None and self._text(last_per) == "in":
            after, last_per = self._behind_in(last_per)
        negative = self._is_negative(index)
        if after and after.endswith("cents"):
            after, value, high = after[:3], value / 100, high / 100 if high else None
        return Quantity(number, value, high, unit, pers, index, last_per, last, after, negative, name, hit)

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
        if attached and behind in ("st", "nd", "rd", "th", "er", "eme", "e"):
            return True
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
        if hit is None or (self._text(index) == "c" and self._tokens[index - 1].end != self._tokens[index].start):
            return None, index
        return hit.meaning, hit.last

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
        other, behind, _, _ = self._unit(second.last, second)
        if other == unit and value < second.value:
            return value, second.value, behind
        return value, None, last

    def _second_reading(
        self, number: Number, value: float, high: float | None, unit: Unit | None
    ) -> tuple[float, float | None]:
        """ "4.000" is four thousand, unless the unit or a leading zero says that it is a fraction."""
        if number.other is None or value != number.value:
            return value, high
        english = self._language == "en" and not self._texts[number.first].endswith("00")
        fraction = unit is not None and (unit.dimension in ("percent", "times", "kwh") or
                                         (unit.dimension == "time" and unit.factor >= 1e3 and english))  # fmt: skip
        countable = unit is not None and unit.dimension in _NOUN_DIMENSIONS
        if fraction or (english and not countable):
            return value, high
        return number.other, high

    def _unit(self, index: int, number: Number) -> tuple[Unit | None, int, int | None, tuple[int, int] | None]:
        """Unit behind a number, the index behind it, the token of a counted accelerator, and where a period stood."""
        start = index
        while self._text(index) in ("-", "+") or (self._text(index) in ("of", "de", "d") and number.scale > 1):
            index += 1
        card = self._card(index)
        if card is not None:
            return Unit("gpu"), card + 1, card, None
        inner = None
        for step in range(MAX_ADJECTIVES + 1):
            at = index
            if at >= len(self._tokens) or self._tokens[at].kind == "name" or (at in self._skipped and step):
                break
            hit = UNIT_LEXICON.at(self._texts, at)
            if hit and (step == 0 or hit.meaning.dimension in _NOUN_DIMENSIONS) and self._attached(hit, step, number):
                hit = self._head(hit)
                return hit.meaning, hit.last, None, inner
            adverb = _ADVERBS.at(self._texts, at)
            if adverb and self._text(at) not in _STOP:
                inner = inner or (at, adverb.last)
                index = adverb.last
                continue
            if self._tokens[at].kind != "word" or self._text(at) in _STOP:
                if not (step == 0 and self._text(at) == "of" and self._text(at + 1) in ("our", "the", "my", "their")):
                    break
                index += 1
            index += 1
        unknown = self._unknown_noun(start) or self._unknown_people(start)
        return unknown, start + 1 if unknown else start, None, None

    def _unknown_people(self, index: int) -> Unit | None:
        """A noun that no list holds and that ends as words for people do: "5,000 skippers"."""
        if index >= len(self._tokens) or self._tokens[index].kind != "word" or index in self._skipped:
            return None
        word = self._text(index)
        people = len(word) > 5 and word.endswith(_PEOPLE_ENDINGS) and word not in _THINGS
        return Unit("user", 1.0, "users") if people and word not in CUE_LEXICON_WORDS else None

    def _unknown_noun(self, index: int) -> Unit | None:
        """A noun that no list holds, directly before a rate: "900 widgets a week"."""
        if index + 1 >= len(self._tokens) or self._tokens[index].kind != "word" or len(self._text(index)) < 4:
            return None
        word, behind = self._text(index), self._text(index + 1)
        rated = behind in PER or _ADVERBS.at(self._texts, index + 1) is not None
        plural = word.endswith(("s", "en", "e")) and word not in _STOP and index not in self._skipped
        known = _ADVERBS.at(self._texts, index) or CUE_LEXICON_WORDS.intersection([word])
        return UNKNOWN_NOUN if rated and plural and not known else None

    def _attached(self, hit: Hit[Unit], step: int, number: Number) -> bool:
        """Letters such as "s" and "h" are units only right behind digits; "x" is none before a name."""
        text = self._text(hit.first)
        if hit.meaning.dimension == "times":
            return not (hit.last < len(self._tokens) and self._tokens[hit.last].kind in ("name", "number"))
        if hit.meaning.dimension == "model_size" or text in ("w", "h", "s", "an", "std"):
            digits = self._tokens[number.last - 1].kind == "number"
            return step == 0 and digits and self._tokens[hit.first].start - self._tokens[number.last - 1].end <= 1
        return text not in ("ai", "head", "an")

    def _head(self, hit: Hit[Unit]) -> Hit[Unit]:
        """The noun that is really counted: "customer support tickets", "user queries"."""
        for _ in range(3):
            singular = not self._text(hit.last - 1).endswith("s") or self._text(hit.last - 1) in ("sales",)
            if hit.meaning.dimension not in ("user", "request", "item") or not singular:
                break
            at = hit.last
            while self._text(at) in CONTINUING_NOUNS and at < hit.last + 2 and not self._noun(at):
                at += 1
            following = self._noun(at)
            if following is None:
                break
            hit = following
        return hit

    def _noun(self, index: int) -> Hit[Unit] | None:
        hit = UNIT_LEXICON.at(self._texts, index) if index < len(self._texts) else None
        return hit if hit and hit.meaning.dimension in _NOUN_DIMENSIONS and hit.meaning.dimension != "step" else None

    def _card(self, index: int) -> int | None:
        """Token of an accelerator's name that the number counts."""
        for _ in range(4):
            if index >= len(self._tokens):
                return None
            if self._tokens[index].kind == "name" and self._text(index)[0] == "\ue001":
                return index
            if self._text(index) not in _CARD_ADJECTIVES:
                return None
            index += 1
        return None

    def _pers(
        self, index: int, inner: tuple[int, int] | None, counted: bool
    ) -> tuple[tuple[Per, ...], int, tuple[int, int] | None]:
        found: list[Per] = []
        last = index
        for _ in range(3):
            adverb = _ADVERBS.at(self._texts, last) if last < len(self._texts) else None
            per = self._per(last) if adverb is None else (Per(adverb.meaning), adverb.last)
            if per is None:
                break
            found.append(per[0])
            last = per[1]
        periods = [per for per in found if per.kind in PERIODS]
        hit = None
        if inner and not periods:
            adverb = _ADVERBS.at(self._texts, inner[0])
            if adverb:
                found.append(Per(adverb.meaning))
                hit = inner
        elif not periods and counted:
            behind = self._period_behind(last)
            if behind:
                found.append(Per(behind.meaning))
                hit = (behind.first, behind.last)
        if hit:
            self._used.add(hit)
        for period in self._periods:
            if index <= period.first < last:
                self._used.add((period.first, period.last))
        return tuple(found), last, hit

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
            number = self._numbers.read(at)
        if number is None or number.vague:
            return None
        at = number.last
        while self._text(at) in ("-", "output", "input", "generated", "of"):
            at += 1
        hit = _DENOMINATORS.at(self._texts, at) if at < len(self._texts) else None
        if hit:
            return Per(hit.meaning, number.value), hit.last
        return (Per("token", number.value), number.last) if number.value >= 1000 else None

    def _period_behind(self, index: int) -> Hit[str] | None:
        for hit in self._periods_from(index):
            if hit.first - index > SCAN or self._blocked(index, hit.first):
                return None
            return None if (hit.first, hit.last) in self._used else hit
        return None

    def _periods_from(self, index: int) -> Sequence[Hit[str]]:
        """The next few periods at or behind token `index`."""
        at = bisect_left(self._period_starts, index)
        return self._periods[at : at + 4]

    def _blocked(self, first: int, last: int) -> bool:
        return any(
            (
                token.kind in ("mark", "number", "name")
                and token.text not in ("-", ":", "(", "'", '"', "=", "~", "≤", "<")
            )
            or token.text in _BARRIERS
            for token in self._tokens[first:last]
        )

    def _with_left_period(self, quantity: Quantity, bound: int) -> Quantity:
        """A period said before the number: "every day we get 500 tickets", "monthly budget: $5k"."""
        counted = quantity.currency or (quantity.unit and quantity.unit.dimension in _NOUN_DIMENSIONS)
        if quantity.period or not counted or (quantity.unit and quantity.unit.dimension in ("user", "gpu", "step")):
            return quantity
        low = max(bound, quantity.first - SCAN - 2)
        for hit in reversed([each for each in self._periods_from(low) if each.last <= quantity.first]):
            beside = self._texts[hit.last : quantity.first] == (",",)
            free = beside or not self._blocked(hit.last, quantity.first)
            if (hit.first, hit.last) not in self._used and free:
                self._used.add((hit.first, hit.last))
                return replace(quantity, pers=(*quantity.pers, Per(hit.meaning)), period_hit=(hit.first, hit.last))
        return quantity
