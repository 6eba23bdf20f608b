"""Units of quantities and prices as a type: what converts is converted exactly, what does not is refused.

A unit is a dimension and a size: `1m_tokens` is 1,000,000 of the dimension `text_token`. Units of one dimension convert
into each other by the ratio of their sizes. Units of two dimensions (an image and a megapixel, audio minutes and
audio tokens) convert only when the caller states an `Assumption` that bridges them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from knowledge.errors import BadInput

# Pixels of one megapixel in the price lists of image models: 1024 × 1024 (LiteLLM's cost map, fal's price list).
PIXELS_PER_MEGAPIXEL = 1024 * 1024

# Spelling of one thing -> (dimension, how many of the dimension's base it is).
_NOUNS: dict[str, tuple[str, int]] = {
    "token": ("text_token", 1),
    "text_token": ("text_token", 1),
    "input_token": ("text_token", 1),
    "output_token": ("text_token", 1),
    "tok": ("text_token", 1),
    "audio_token": ("audio_token", 1),
    "image_token": ("image_token", 1),
    "video_token": ("video_token", 1),
    "char": ("character", 1),
    "character": ("character", 1),
    "audio_second": ("audio_second", 1),
    "audio_sec": ("audio_second", 1),
    "audio_min": ("audio_second", 60),
    "audio_minute": ("audio_second", 60),
    "minute_of_audio": ("audio_second", 60),
    "audio_hour": ("audio_second", 3600),
    "hour_of_audio": ("audio_second", 3600),
    "video_second": ("video_second", 1),
    "second_of_video": ("video_second", 1),
    "output_video_second": ("video_second", 1),
    "video_min": ("video_second", 60),
    "video_minute": ("video_second", 60),
    "video_hour": ("video_second", 3600),
    "video_5s": ("video_second", 5),
    "5sec_video": ("video_second", 5),
    "image": ("image", 1),
    "picture": ("image", 1),
    "photo": ("image", 1),
    "pixel": ("pixel", 1),
    "megapixel": ("pixel", PIXELS_PER_MEGAPIXEL),
    "mpixel": ("pixel", PIXELS_PER_MEGAPIXEL),
    "video": ("video", 1),
    "generation": ("generation", 1),
    "step": ("step", 1),
    "search": ("search", 1),
    "search_unit": ("search", 1),
    "query": ("search", 1),
    "page": ("page", 1),
    "document": ("document", 1),
    "annotated_page": ("annotated_page", 1),
    "request": ("request", 1),
    "call": ("request", 1),
    "message": ("message", 1),
    "check": ("check", 1),
    "unit": ("unit", 1),
    "face_month": ("face_month", 1),
    "faces_month": ("face_month", 1),
    "gpu_second": ("gpu_second", 1),
    "gpu_minute": ("gpu_second", 60),
    "gpu_hour": ("gpu_second", 3600),
    "gpu_hr": ("gpu_second", 3600),
    "instance_second": ("instance_second", 1),
    "instance_hour": ("instance_second", 3600),
    "model_unit_hour": ("model_unit_second", 3600),
    "model_unit_minute": ("model_unit_second", 60),
    "second": ("second", 1),
    "sec": ("second", 1),
    "minute": ("second", 60),
    "min": ("second", 60),
    "hour": ("second", 3600),
    "hr": ("second", 3600),
}
_SCALES = {
    "": 1,
    "k": 10**3,
    "thousand": 10**3,
    "m": 10**6,
    "mm": 10**6,
    "million": 10**6,
    "b": 10**9,
    "billion": 10**9,
}
_COUNTED = re.compile(
    r"(?P<count>\d+(?:\.\d+)?)[ _]*(?P<scale>thousand|million|billion|k|mm|m|b)?[ _]*(?P<noun>[a-z].*)"
)
_SCALED = re.compile(r"(?P<scale>thousand|million|billion)[ _]+(?P<noun>[a-z].*)")

# Plain clock time means time of the thing that the workload is about.
_CLOCK_BY_WORKLOAD = {
    "speech_to_text": "audio_second",
    "text_to_speech": "audio_second",
    "video_generation": "video_second",
    "vision": "video_second",
    "gpu": "instance_second",
}

# The unit in which offers of one dimension are compared and shown.
_REFERENCE = {
    "text_token": "1m_tokens",
    "audio_token": "1m_audio_tokens",
    "image_token": "1m_image_tokens",
    "video_token": "1m_video_tokens",
    "character": "1m_chars",
    "audio_second": "audio_hour",
    "video_second": "video_second",
    "image": "1k_images",
    "pixel": "megapixel",
    "search": "1k_searches",
    "page": "1k_pages",
    "annotated_page": "1k_annotated_pages",
    "request": "1k_requests",
    "message": "1k_messages",
    "unit": "1k_units",
    "gpu_second": "gpu_hour",
    "instance_second": "instance_hour",
    "model_unit_second": "model_unit_hour",
}
_EXAMPLES = "1m_tokens, 1k_chars, audio_hour, image, megapixel, video_second, 1k_searches, 1k_pages, gpu_hour"


@dataclass(frozen=True, slots=True)
class Unit:
    """A named amount of one dimension; `size` is how many of the dimension's base it holds."""

    name: str
    dimension: str
    size: Fraction

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Assumption:
    """A stated bridge between two dimensions: one `unit` counts as `amount` of `other`."""

    unit: Unit
    amount: Fraction
    other: Unit
    statement: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of a unit."""

    amount: Decimal
    unit: Unit

    def to(self, unit: Unit, assumptions: Iterable[Assumption] = ()) -> "Quantity":
        """Return the same quantity in another unit; raise `BadInput` where nothing bridges the two."""
        return Quantity(_times(self.amount, factor(self.unit, unit, assumptions)), unit)


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """USD for one `unit`."""

    usd: Decimal
    unit: Unit

    def to(self, unit: Unit, assumptions: Iterable[Assumption] = ()) -> "UnitPrice":
        """Return the same price for another unit; raise `BadInput` where nothing bridges the two."""
        return UnitPrice(_times(self.usd, factor(unit, self.unit, assumptions)), unit)

    def cost_usd(self, quantity: Quantity, assumptions: Iterable[Assumption] = ()) -> Decimal:
        """Cost of a quantity at this price."""
        return self.usd * quantity.to(self.unit, assumptions).amount


def parse_unit(text: str, workload_type: str | None = None) -> Unit:
    """Read a unit as price lists and invoices write it: `1M tokens`, `per_image`, `1000_chars`, `10 seconds`.

    Clock time without a subject (`minute`) takes it from the workload, where that has one. Raises `BadInput`.
    """
    name = _canonical(text)
    for count, scale, noun in _readings(name):
        known = _NOUNS.get(noun) or _NOUNS.get(_singular(noun))
        if known:
            dimension, size = known
            if dimension == "second":
                dimension = _CLOCK_BY_WORKLOAD.get(workload_type or "", dimension)
            return Unit(name, dimension, Fraction(count) * _SCALES[scale] * size)
    raise BadInput(f"unknown unit: {text[:60]!r}", f"known are {_EXAMPLES} and the like")


def reference_unit(unit: Unit) -> Unit:
    """Return the unit in which prices of this dimension are compared: 1M tokens, audio hours, 1k images."""
    name = _REFERENCE.get(unit.dimension)
    return parse_unit(name) if name else Unit(unit.dimension, unit.dimension, Fraction(1))


def convertible(unit: Unit, other: Unit, assumptions: Iterable[Assumption] = ()) -> bool:
    """Say whether a quantity of `unit` can be expressed in `other`."""
    return _ratio(unit, other, assumptions) is not None


def factor(unit: Unit, other: Unit, assumptions: Iterable[Assumption] = ()) -> Fraction:
    """Return how many of `other` make one `unit`, exactly; raise `BadInput` where nothing bridges them."""
    ratio = _ratio(unit, other, assumptions)
    if ratio is None:
        raise BadInput(
            f"{unit} cannot be converted into {other}",
            f'state what one is in the other, as in "{unit}=1.5 {other}"',
        )
    return ratio


def parse_assumption(text: str) -> Assumption:
    """Read `image=1.5 megapixel`: one image counts as 1.5 megapixels. Raises `BadInput`."""
    left, _, right = text.partition("=")
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)?\s*([A-Za-z].*?|\d+[kKmMbB]?[_ ].+?)\s*", right)
    if not left.strip() or match is None or (match[1] is not None and Fraction(match[1]) == 0):
        raise BadInput(f"not an assumption: {text[:60]!r}", 'write it like "image=1.5 megapixel"')
    return Assumption(parse_unit(left), Fraction(match[1] or 1), parse_unit(match[2]), text.strip())


def _ratio(unit: Unit, other: Unit, assumptions: Iterable[Assumption]) -> Fraction | None:
    if unit.dimension == other.dimension:
        return unit.size / other.size
    for stated in assumptions:
        if (unit.dimension, other.dimension) == (stated.unit.dimension, stated.other.dimension):
            return unit.size / stated.unit.size * stated.amount * stated.other.size / other.size
        if (unit.dimension, other.dimension) == (stated.other.dimension, stated.unit.dimension):
            return unit.size / stated.other.size / stated.amount * stated.unit.size / other.size
    return None


def _canonical(text: str) -> str:
    name = re.sub(r"[\s\-]+", "_", text.strip().lower().replace(",", ""))
    return re.sub(r"^(?:per_|/_?)", "", name)


def _readings(name: str) -> Iterable[tuple[str, str, str]]:
    """Yield (count, scale, noun) in the order of trust: a bare noun, then a counted one, then one without its scale."""
    yield "1", "", name
    if match := _COUNTED.fullmatch(name):
        yield match["count"], match["scale"] or "", match["noun"]
        yield match["count"], "", f"{match['scale'] or ''}{match['noun']}"
    if match := _SCALED.fullmatch(name):
        yield "1", match["scale"], match["noun"]


def _singular(noun: str) -> str:
    for plural, single in (("queries", "query"), ("searches", "search")):
        if noun.endswith(plural):
            return noun.removesuffix(plural) + single
    return noun.removesuffix("s")


def _times(amount: Decimal, ratio: Fraction) -> Decimal:
    return amount * ratio.numerator / ratio.denominator
