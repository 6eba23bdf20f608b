"""Rented machines and cards on a bill against the list prices of instances."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from knowledge.facts import AcceleratorAlias, Instance
from tools.invoice.names import CLOUDS, squeezed

# AWS types without a card: every family but p, g, trn, inf, dl and vt.
_PLAIN_MACHINE = re.compile(
    r"(?!p\d|g\d|gr\d|trn|inf|dl|vt)[a-z]{1,3}\d\w*\.(?:\d*xlarge|nano|micro|small|medium|large|metal\S*)"
)
_FORM = re.compile(r"-(?:SXM|PCIe|NVL)$")
_FORM_WORD = re.compile(r"sxm|pcie|nvl|hgx|dgx", re.IGNORECASE)
CardWords = list[tuple[frozenset[str], str]]
MODES = ("on_demand", "spot", "reserved_1y", "reserved_3y")


@dataclass(frozen=True, slots=True)
class Rental:
    """The machines that a rented thing on a bill can be; prices are per machine hour, or per card hour."""

    cloud: str
    title: str
    instances: tuple[Instance, ...]
    per_card: bool


class RentalIndex:
    """Finds instances by their type, or by the card that the words name."""

    def __init__(self, instances: Iterable[Instance], aliases: Mapping[str, AcceleratorAlias]) -> None:
        self._by_type: dict[tuple[str, str], list[Instance]] = defaultdict(list)
        self._by_card: dict[tuple[str, str], list[Instance]] = defaultdict(list)
        for instance in instances:
            self._by_type[instance.cloud, squeezed(instance.instance_type)].append(instance)
            self._by_card[instance.cloud, instance.gpu_type].append(instance)
        self.clouds = frozenset(cloud for cloud, _ in self._by_type)
        self._aliases = cards_by_words(aliases)

    def cloud_of(self, provider: str, text: str) -> str:
        """The id under which a seller rents machines, or an empty text."""
        cloud = CLOUDS.get(provider, provider) or squeezed(text)
        return cloud if cloud in self.clouds else ""

    def find(self, cloud: str, text: str, region: str) -> Rental | None:
        """The rented thing; None when its type and its card are unknown at this cloud."""
        source = "aws_sagemaker" if cloud == "aws" and text.startswith("ml.") else cloud
        held = self._by_type.get((source, squeezed(text)), [])
        here = [instance for instance in held if instance.region in {region, "global"}] or (held if not region else [])
        if here:
            return Rental(source, here[0].instance_type, tuple(here), per_card=False)
        card = self.card_in(text)
        if held or not card:
            return None
        held = [i for form in forms_of(card, text) for i in self._by_card.get((cloud, form), ())]
        cards = [i for i in held if i.region in {region, "global"} or not region]
        chosen = _as_worded(cards, text)
        return Rental(cloud, card, tuple(chosen), per_card=True) if chosen else None

    def is_accelerated(self, text: str) -> bool:
        """Whether a machine type may have an accelerator: plain cloud machines such as `m5.large` have none."""
        return not _PLAIN_MACHINE.fullmatch(text.strip().lower())

    def same_card(self, gpu_type: str) -> list[Instance]:
        """Machines of every cloud with this card."""
        return [instance for (_, card), held in self._by_card.items() if card == gpu_type for instance in held]

    def card_in(self, text: str) -> str:
        """The accelerator that a description names; empty when there is none."""
        return card_in(text, self._aliases)


def cards_by_words(aliases: Mapping[str, AcceleratorAlias]) -> CardWords:
    """The words of every known name of an accelerator with its type, the most telling first."""
    worded = ((_words(alias), held.gpu_type) for alias, held in sorted(aliases.items()) if held.gpu_type)
    return sorted(((words, gpu_type) for words, gpu_type in worded if words), key=lambda pair: -sum(map(len, pair[0])))


def card_in(text: str, cards: CardWords) -> str:
    """The accelerator that a text names, by its most telling known name; empty when there is none."""
    words = _words(text)
    named = [(alias, gpu_type) for alias, gpu_type in cards if alias <= words]
    return max(named, key=lambda pair: len(_words(pair[1]) & words))[1] if named else ""


def forms_of(card: str, text: str) -> tuple[str, ...]:
    """The card, and its other form factors where the words do not say which of them it is."""
    base = _FORM.sub("", card)
    if base == card or _FORM_WORD.search(text):
        return (card,)
    return (card, *(f"{base}-{form}" for form in ("SXM", "PCIe", "NVL") if f"{base}-{form}" != card))


def _words(text: str) -> frozenset[str]:
    return frozenset(re.sub(r"[^a-z0-9.]+", " ", text.lower()).split())


def hourly_usd(instance: Instance, mode: str) -> Decimal | None:
    """Price of the machine for an hour in a billing mode, None when not offered."""
    value = {
        "on_demand": instance.on_demand_usd_per_hour,
        "spot": instance.spot_usd_per_hour,
        "reserved_1y": instance.reserved_1y_usd_per_hour,
        "reserved_3y": instance.reserved_3y_usd_per_hour,
    }.get(mode)
    return None if value is None else Decimal(repr(value))


def prices_usd(rental: Rental, mode: str, cards: int | None) -> list[tuple[Decimal, Instance]]:
    """Prices for an hour, cheapest first: of the machine, or of so many `cards` of it."""
    found = []
    for instance in rental.instances:
        price = hourly_usd(instance, mode)
        if price is not None and instance.gpu_count > 0:
            share = Decimal(1) if cards is None else Decimal(repr(instance.gpu_count)) / cards
            found.append((price / share, instance))
    return sorted(found, key=lambda pair: (pair[0], pair[1].instance_type))


def cards_in(text: str) -> int:
    """How many cards a description names: 8 in `8x H100`, else 1."""
    match = re.search(r"\b(\d{1,2})\s?[x×]", text)
    return max(1, int(match[1])) if match else 1


def _as_worded(instances: list[Instance], text: str) -> list[Instance]:
    """RunPod sells one card as secure and as community cloud; keep what the line says."""
    for word, other in (("secure", "community"), ("community", "secure")):
        if word in text.lower():
            return [i for i in instances if other not in i.instance_type.lower()]
    return instances
