"""What a line of a bill is, and what became of it.

Records that are made once per line are named tuples: they are as frozen, and four times as quick to make.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

Kind = Literal["usage", "subscription", "fee", "tax", "credit", "refund", "commitment", "total", "empty"]
Status = Literal["matched", "unmatched", "rejected"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a line is about: everything except its numbers and its day, as the file says it.

    `provider` and `model` are still in the file's words; `region` is a region name, `global`, or empty when not said.
    `mode` is a billing mode of the catalog (`per_token`, `batch`, `priority`, `flex` …) and `cache_hours` the life of
    a cache write. `instance` names a machine or card that was rented. `reason` says why a line cannot be priced at all.
    `assumed_provider` marks a seller that the file does not state.
    """

    kind: Kind
    provider: str
    model: str = ""
    workload: str | None = None
    direction: str | None = None
    mode: str = "per_token"
    cache_hours: int | None = None
    long_context: bool = False
    unit: str = ""
    region: str = ""
    currency: str = "USD"
    instance: str = ""
    description: str = ""
    reason: str = ""
    assumed_provider: bool = False


class Entry(NamedTuple):
    """One priced part of a line. `amount` is None where the file states no money (usage exports)."""

    subject: Subject
    amount: Decimal | None
    quantity: Decimal | None
    list_amount: Decimal | None = None
    quantity_problem: str = ""


class BillLine(NamedTuple):
    """One record of the file, understood: its parts, the days it was for, and the identity that marks a duplicate.

    `together` is the one amount of a record that counts several things (prompt and output tokens) and prices none.
    """

    number: int
    entries: tuple[Entry, ...]
    day: str = ""
    until: str = ""
    identity: int | None = None
    together: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One record of the file that cannot be used, with the reason and the text it began with."""

    number: int
    reason: str
    beginning: str = ""


@dataclass(frozen=True, slots=True)
class PriceQuote:
    """A list price of the catalog that fits a subject. `low` and `high` differ where the provider has several plans.

    With the confidence `range` it is no price of one thing but the span of a provider's ordinary prices, `typical_usd`
    in their middle and `floor_usd` the lowest of all its prices, batched and cached ones included. `in_regions` are the
    prices elsewhere, where the bill does not say in which region something ran.
    """

    low_usd: Decimal
    high_usd: Decimal
    unit: str
    sku: str
    region: str
    source_date: str
    source_url: str
    confidence: str
    retired: str = ""
    retires: str = ""
    typical_usd: Decimal = Decimal(0)
    floor_usd: Decimal = Decimal(0)
    in_regions: tuple[tuple[Decimal, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """What the catalog says about a subject; the same for every line with that subject.

    `units_per_quantity` turns the billed quantity into units of the quote; None where no quantity can be compared.
    `listed_by` is the price list that the quote is from: the seller's own, or that of another list of its company.
    """

    subject: Subject
    provider: str
    model: str
    code: str
    reason: str
    quote: PriceQuote | None = None
    units_per_quantity: Decimal | None = None
    workload: str | None = None
    bundle: str = ""
    component: str = ""
    listed_by: str = ""

    @property
    def matched(self) -> bool:
        return self.quote is not None and self.code == "matched"


class PartResult(NamedTuple):
    """What became of one entry. `code` is stable, `reason` is for people; `units` are in the unit of the quote."""

    match: Match
    status: Status
    code: str
    reason: str
    amount: Decimal | None
    amount_usd: Decimal | None
    quantity: Decimal | None
    units: Decimal | None = None
    effective_usd: Decimal | None = None
    estimated: bool = False


class LineResult(NamedTuple):
    """What became of one record."""

    number: int
    day: str
    until: str
    parts: tuple[PartResult, ...]
    status: Status
    code: str
    reason: str
    duplicate_of: int | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way to pay for the same lines: `saving_usd` in the period of the file, `monthly_usd` in 30.42 days."""

    kind: str
    title: str
    how: str
    saving_usd: Decimal
    monthly_usd: Decimal
    confidence: str
    condition: str = ""
    substitution: bool = False
    source_date: str = ""
    source_url: str = ""
    details: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one bundle of lines (one provider and model) could save: one headline, the other ways beside it.

    Only a `counted` finding adds to the total of savings; a headline with a condition or a substitution never does.
    `estimated` says that the file states no money and the spend is the catalog's price of its usage.
    """

    bundle: str
    provider: str
    model: str
    spend_usd: Decimal
    lines: int
    first_lines: tuple[int, ...]
    headline: Alternative
    counted: bool
    estimated: bool
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something about the bill that a person should look at."""

    kind: str
    title: str
    day: str = ""
    provider: str = ""
    model: str = ""
    amount_usd: Decimal | None = None
    lines: tuple[int, ...] = ()
