"""Read what somebody uses in a month: `input=300M tokens`, `1000 audio hours`, `50k images`."""

from collections.abc import Iterable
from decimal import Decimal

from knowledge.errors import BadInput
from knowledge.store.offer import GPU
from tools.units import Quantity, parse_unit, reference_unit

COMPONENTS = ("input", "output", "cache_read", "cache_write", "reasoning", "na")


def parse_usage(texts: Iterable[str], workload_type: str) -> dict[str, Quantity]:
    """Read monthly quantities by what they are of; a quantity without a name is of the whole. Raises `BadInput`."""
    usage: dict[str, Quantity] = {}
    for text in texts:
        name, equals, amount = text.rpartition("=")
        component = name.strip().lower().replace("-", "_").replace(" ", "_") if equals else _usual(workload_type)
        if component not in COMPONENTS:
            raise BadInput(f"unknown part of a usage: {name[:40]!r}", f"one of {', '.join(COMPONENTS)}")
        if component in usage:
            raise BadInput(f"{component} is stated twice")
        usage[component] = _quantity(amount, workload_type)
    return usage


def _usual(workload_type: str) -> str:
    return "input" if workload_type in {"llm", "embeddings", "moderation"} else "na"


def _quantity(text: str, workload_type: str) -> Quantity:
    if not text.strip()[:1].isdigit():
        raise BadInput(f"no quantity in {text[:40]!r}", 'write a number and a unit, as in "300M tokens"')
    unit = parse_unit(text, workload_type)
    if workload_type == GPU and unit.dimension == "instance_second":
        return Quantity(Decimal(unit.size.numerator) / unit.size.denominator / 3600, parse_unit("gpu_hour"))
    return Quantity(Decimal(1), unit).to(reference_unit(unit))
