"""How far price sources agree, pair by pair, with numbers."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from knowledge.store.offer import Offer

SAME_PRICE = 0.01


@dataclass(frozen=True, slots=True)
class Difference:
    """One price that two sources put differently."""

    sku_key: str
    unit_name: str
    source: str
    usd: float
    other: str
    other_usd: float

    @property
    def ratio(self) -> float:
        """The larger over the smaller; infinite where one says zero."""
        low, high = sorted((self.usd, self.other_usd))
        return high / low if low else float("inf")


@dataclass(frozen=True, slots=True)
class Pair:
    """Agreement of two sources over the prices that both name."""

    source: str
    other: str
    shared: int
    differing: int
    over_15_percent: int
    over_double: int


@dataclass(frozen=True, slots=True)
class Drift:
    """The report: pairs of sources, sellers with most differences, and the differences, the widest first."""

    pairs: tuple[Pair, ...]
    worst_providers: tuple[tuple[str, int, int], ...]
    differences: tuple[Difference, ...]


def drift(rows: Iterable[tuple[str, Offer]]) -> Drift:
    """Compare the sources of (source, offer) rows. What a bundled row remembers of other sources counts too.

    Bundled rows were merged from several sources: `corroborated_by` names those that agree within 1 %, a flag
    `differs:SOURCE=USD` those that do not, with their figure.
    """
    by_key: dict[str, dict[str, tuple[float, Offer]]] = defaultdict(dict)
    for source, offer in rows:
        said = by_key[offer.sku_key]
        said[source] = (offer.unit_price_usd, offer)
        for other in offer.corroborated_by:
            said.setdefault(other, (offer.unit_price_usd, offer))
        for flag in offer.flags:
            name, _, figure = flag.removeprefix("differs:").partition("=")
            if flag.startswith("differs:") and figure:
                said.setdefault(name, (float(figure), offer))
    shared: Counter[tuple[str, str]] = Counter()
    seen: Counter[str] = Counter()
    differences: list[Difference] = []
    for key, said in by_key.items():
        seen[next(iter(said.values()))[1].provider] += len(said) > 1
        for one, two in combinations(sorted(said), 2):
            (usd, offer), (other_usd, _) = said[one], said[two]
            shared[one, two] += 1
            if abs(usd - other_usd) > SAME_PRICE * max(usd, other_usd):
                differences.append(Difference(key, offer.unit_name, one, usd, two, other_usd))
    provider_of = {key: next(iter(said.values()))[1].provider for key, said in by_key.items()}
    wrong = Counter(provider_of[key] for key in {difference.sku_key for difference in differences})
    return Drift(
        pairs=tuple(_pair(*pair, count, differences) for pair, count in sorted(shared.items())),
        worst_providers=tuple((name, count, seen[name]) for name, count in wrong.most_common(10)),
        differences=tuple(sorted(differences, key=lambda difference: (-difference.ratio, difference.sku_key))),
    )


def _pair(source: str, other: str, shared: int, differences: Iterable[Difference]) -> Pair:
    ratios = [one.ratio for one in differences if (one.source, one.other) == (source, other)]
    return Pair(source, other, shared, len(ratios), sum(r > 1.15 for r in ratios), sum(r > 2 for r in ratios))
