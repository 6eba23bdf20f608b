"""Traffic as a mix of request classes: short and long, streaming or not, with a shared prefix or without."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import erf, log, sqrt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from knowledge.errors import BadInput
from knowledge.facts import Lengths, UseCase

MOST_CLASSES = 20
_SUM_WITHIN = 0.01
_STEPS = 60


class RequestClass(BaseModel):
    """A class as a person writes it; lengths are means in tokens. Without a reuse share the template's holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="", max_length=60)
    share: float = Field(gt=0, le=1)
    prompt_length_avg: int = Field(ge=1, le=10_000_000)
    generation_length_avg: int = Field(ge=1, le=10_000_000)
    streaming: bool = True
    prefix_reuse_share: float | None = Field(default=None, ge=0, lt=1)


@dataclass(frozen=True, slots=True)
class ClassProfile:
    """A class as it is planned for: its share of the requests, and its distributions of lengths in tokens."""

    name: str
    share: float
    isl: Lengths
    osl: Lengths
    streaming: bool
    prefix_reuse_share: float

    def to_json(self) -> dict[str, Any]:
        """One entry of `traffic.classes`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Mix:
    """Classes, and what they are together; the reuse share is that of all prompt tokens."""

    classes: tuple[ClassProfile, ...]
    isl: Lengths
    osl: Lengths
    prefix_reuse_share: float


def read_classes(entries: object, where: str) -> tuple[RequestClass, ...]:
    """Classes from JSON values; shares must add up to 1 (within a hundredth). Raises BadInput naming the fault."""
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_CLASSES:
        raise BadInput(f"{where}: classes must be a list of 1 to {MOST_CLASSES} objects", field="classes")
    found = []
    for position, entry in enumerate(entries):
        try:
            found.append(RequestClass.model_validate(entry))
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            path = ".".join(["classes", str(position), *(str(part) for part in fault["loc"])])
            raise BadInput(f"{where}: {path}: {fault['msg'].lower()}", field=path) from error
    total = sum(each.share for each in found)
    if abs(total - 1) > _SUM_WITHIN:
        raise BadInput(f"{where}: the shares of the classes add up to {total:g}, not to 1", field="classes")
    return tuple(found)


def mix(classes: Sequence[RequestClass], template: UseCase, *, isl: int | None, osl: int | None) -> Mix:
    """Classes with the template's spread around their means; means said for all of them (`isl`, `osl`) scale them."""
    total = sum(each.share for each in classes)
    shares = [each.share / total for each in classes]
    prompt = _scale(isl, [each.prompt_length_avg for each in classes], shares)
    answer = _scale(osl, [each.generation_length_avg for each in classes], shares)
    reuse = template.prefix_reuse_share
    parts = tuple(
        ClassProfile(
            name=each.name or f"class {number}",
            share=share,
            isl=scaled(template.isl, each.prompt_length_avg * prompt),
            osl=scaled(template.osl, each.generation_length_avg * answer),
            streaming=each.streaming,
            prefix_reuse_share=reuse if each.prefix_reuse_share is None else each.prefix_reuse_share,
        )
        for number, (each, share) in enumerate(zip(classes, shares, strict=True), start=1)
    )
    prompts = together([(each.share, each.isl) for each in parts])
    reused = sum(each.share * each.isl.mean * each.prefix_reuse_share for each in parts) / prompts.mean
    return Mix(parts, prompts, together([(each.share, each.osl) for each in parts]), reused)


def _scale(said: int | None, means: Sequence[int], shares: Sequence[float]) -> float:
    return 1.0 if said is None else said / sum(share * mean for share, mean in zip(shares, means, strict=True))


def scaled(shape: Lengths, mean: float) -> Lengths:
    """The same distribution around another mean."""
    factor = mean / shape.mean
    return replace(shape, mean=float(mean), p50=shape.p50 * factor, p90=shape.p90 * factor, p99=shape.p99 * factor)


def together(parts: Sequence[tuple[float, Lengths]]) -> Lengths:
    """The distribution of a mixture of log-normal ones: (share, lengths), shares adding up to 1."""
    if len(parts) == 1:
        return parts[0][1]
    from tools.simulation.traffic import lognormal  # noqa: PLC0415  # a plan without a mix simulates nothing

    shapes = [(share, *lognormal(lengths)) for share, lengths in parts]

    def below(tokens: float) -> float:
        return sum(share * _normal((log(tokens) - mu) / max(sigma, 1e-6)) for share, mu, sigma in shapes)

    longest = max(lengths.p99 for _, lengths in parts) * 100
    at: Mapping[str, float] = {name: _inverse(below, point, longest) for name, point in _POINTS.items()}
    return Lengths(mean=sum(share * lengths.mean for share, lengths in parts), **at)


_POINTS = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def _normal(z: float) -> float:
    return (1 + erf(z / sqrt(2))) / 2


def _inverse(below: Callable[[float], float], share: float, longest: float) -> float:
    low, high = 1e-3, longest
    for _ in range(_STEPS):
        middle = sqrt(low * high)
        low, high = (middle, high) if below(middle) < share else (low, middle)
    return high
