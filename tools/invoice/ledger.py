"""Sums of a bill, kept in several partitions at once that must all agree with the file to the last digit."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from tools.invoice.money import CENT, EXACT, ZERO, exact_sum
from tools.invoice.records import LineResult, Match, PartResult

COMPONENTS_KEPT = 20_000
CELLS_KEPT = 20_000
NAMES_KEPT = 5_000
DAYS_KEPT = 2_000
LINES_NAMED = 5
SUSPECTS_NAMED = 20
OTHER = "(others)"

_add = EXACT.add


@dataclass(slots=True)
class Component:
    """Everything billed for one model of one seller at one mode, direction and region, and comparable."""

    match: Match
    amount_usd: Decimal = ZERO
    units: Decimal = ZERO
    lines: int = 0
    estimated: bool = False
    first_lines: list[int] = field(default_factory=list)
    days: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    def add(self, cell: "_Cell") -> None:
        self.amount_usd = EXACT.add(self.amount_usd, cell.usd)
        self.units = EXACT.add(self.units, cell.units)
        self.lines += cell.lines
        self.estimated = self.estimated or cell.estimated
        self.first_lines = sorted({*self.first_lines, *cell.first_lines})[:LINES_NAMED]
        if cell.day and (cell.day in self.days or len(self.days) < DAYS_KEPT):
            before = self.days.get(cell.day, (ZERO, ZERO))
            self.days[cell.day] = (EXACT.add(before[0], cell.usd), EXACT.add(before[1], cell.units))


@dataclass(slots=True)
class _Cell:
    """Sums of the lines that share a match, a day and an outcome: the one place that every line is added to."""

    match: Match
    day: str
    line_status: str
    part_status: str
    code: str
    estimated: bool
    has_amount: bool
    amount: Decimal = ZERO
    usd: Decimal = ZERO
    units: Decimal = ZERO
    lines: int = 0
    first_lines: list[int] = field(default_factory=list)


class StatedTotal(NamedTuple):
    """A total that the file states, and whether the lines above it add up to it."""

    line: int
    currency: str
    amount: Decimal
    agrees: bool


class Sums:
    """Decimal sums by name; beyond a number of names the rest is one."""

    def __init__(self) -> None:
        self._by_name: dict[str, Decimal] = {}

    def add(self, name: str, amount: Decimal) -> None:
        held = self._by_name.get(name)
        if held is None:
            if len(self._by_name) >= NAMES_KEPT:
                name = OTHER
            held = self._by_name.get(name, ZERO)
        self._by_name[name] = EXACT.add(held, amount)

    def total(self) -> Decimal:
        return exact_sum(list(self._by_name.values()))

    def items(self) -> dict[str, Decimal]:
        return dict(self._by_name)


@dataclass(slots=True)
class Breakdown:
    """One total in USD, by provider, model, workload and day."""

    provider: Sums = field(default_factory=Sums)
    model: Sums = field(default_factory=Sums)
    workload: Sums = field(default_factory=Sums)
    day: Sums = field(default_factory=Sums)

    def add(self, cell: _Cell) -> None:
        match, usd, day = cell.match, cell.usd, cell.day
        kind = match.subject.kind
        if kind == "empty":
            return
        apart = f"({kind})" if kind != "usage" else "(unknown)"
        self.provider.add(match.provider or match.subject.provider or "(unknown)", usd)
        self.model.add(match.model if match.model and kind == "usage" else apart, usd)
        self.workload.add((match.workload or "(unknown)") if kind == "usage" else apart, usd)
        self.day.add(day or "(no day)", usd)


class Ledger:
    """Takes every line once. `control` is the plain sum of what was read, apart from all partitions."""

    def __init__(self) -> None:
        self.control: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self.by_kind: dict[str, Sums] = defaultdict(Sums)
        self.by_status: dict[str, Sums] = defaultdict(Sums)
        self.counts: dict[str, int] = {"matched": 0, "unmatched": 0, "rejected": 0}
        self.codes: dict[str, int] = defaultdict(int)
        self.billed = Breakdown()
        self.estimated = Breakdown()
        self.components: dict[str, Component] = {}
        self.unknown_models: dict[tuple[str, str], Decimal] = {}
        self.stated_totals: list[StatedTotal] = []
        self._at_last_total: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self.duplicates: list[tuple[int, int]] = []
        self.duplicate_lines = 0
        self.duplicate_usd = ZERO
        self.components_dropped = 0
        self._cells: dict[tuple[int, str, str, str], _Cell] = {}
        self.suspect: list[tuple[int, str, str, str]] = []
        self.suspect_lines = 0
        self.suspect_usd = ZERO
        self._spans = [("", ""), ("", "")]  # days of usage, and of everything else

    def add(self, line: LineResult) -> None:
        """Count one line."""
        self.counts[line.status] += 1
        self.codes[line.code] += 1
        if line.duplicate_of is not None:
            self.duplicate_lines += 1
            if len(self.duplicates) < 100:
                self.duplicates.append((line.number, line.duplicate_of))
        for part in line.parts:
            self._add_part(line, part)
        if line.day and line.parts:
            self._span(line, 0 if line.parts[0].match.subject.kind == "usage" else 1)

    @property
    def first_day(self) -> str:
        """The first day of usage, or of anything where nothing was used; an empty text without days."""
        return self._spans[0][0] or self._spans[1][0]

    @property
    def last_day(self) -> str:
        """The last day of usage, or of anything where nothing was used."""
        return self._spans[0][1] or self._spans[1][1]

    def _span(self, line: LineResult, of: int) -> None:
        first, last = self._spans[of]
        self._spans[of] = (min(first or line.day, line.day), max(last, line.until))

    def _add_part(self, line: LineResult, part: PartResult) -> None:
        match, amount, usd = part.match, part.amount, part.amount_usd
        if match.subject.kind == "total":
            currency = match.subject.currency
            if amount is not None and len(self.stated_totals) < 100:
                agrees = any(abs(amount - held) <= CENT for held in self.sums_above(currency))
                self.stated_totals.append(StatedTotal(line.number, currency, amount, agrees))
            self._at_last_total[currency] = self.control[currency]
            return
        key = (id(match), line.day, line.status, part.code)
        cell = self._cells.get(key)
        if cell is None:
            if len(self._cells) >= CELLS_KEPT:
                self._settle()
            cell = self._cells[key] = _Cell(
                match, line.day, line.status, part.status, part.code, part.estimated, amount is not None
            )
        cell.lines += 1
        if len(cell.first_lines) < LINES_NAMED:
            cell.first_lines.append(line.number)
        if amount is not None:
            currency = match.subject.currency
            self.control[currency] = _add(self.control[currency], amount)
            cell.amount = _add(cell.amount, amount)
        if usd is not None:
            cell.usd = _add(cell.usd, usd)
            if line.duplicate_of is not None:
                self.duplicate_usd = _add(self.duplicate_usd, usd)
        if part.units is not None:
            cell.units = _add(cell.units, part.units)
        if part.code == "scale":
            self.suspect_lines += 1
            self.suspect_usd = _add(self.suspect_usd, usd or ZERO)
            if len(self.suspect) < SUSPECTS_NAMED:
                self.suspect.append((line.number, match.provider, match.model, part.reason))

    def sums_above(self, currency: str) -> tuple[Decimal, Decimal]:
        """What the lines so far add up to in a currency: in all, and since the last row of totals."""
        held = self.control.get(currency, ZERO)
        return held, held - self._at_last_total[currency]

    def _settle(self) -> None:
        """Spread the sums of the cells over the partitions."""
        for cell in self._cells.values():
            subject = cell.match.subject
            if cell.has_amount:
                self.by_kind[subject.currency].add(subject.kind, cell.amount)
                self.by_status[subject.currency].add(cell.line_status, cell.amount)
            (self.estimated if cell.estimated else self.billed).add(cell)
            if cell.part_status == "matched":
                self._add_component(cell)
            elif cell.code == "unknown_model":
                key = (cell.match.provider, cell.match.model)
                if key in self.unknown_models or len(self.unknown_models) < NAMES_KEPT:
                    self.unknown_models[key] = _add(self.unknown_models.get(key, ZERO), cell.usd)
        self._cells.clear()

    def _add_component(self, cell: _Cell) -> None:
        held = self.components.get(cell.match.component)
        if held is None:
            if len(self.components) >= COMPONENTS_KEPT:
                self.components_dropped += cell.lines
                return
            held = self.components[cell.match.component] = Component(cell.match)
        held.add(cell)

    def reconcile(self) -> None:
        """Assert that every partition adds up to what was read. A difference is a fault of this program."""
        self._settle()
        for currency, control in self.control.items():
            for name, sums in (("kind", self.by_kind[currency]), ("status", self.by_status[currency])):
                if sums.total() != control:
                    raise AssertionError(f"{currency} by {name} is {sums.total()} and the file holds {control}")
        billed = self.billed.provider.total()
        for name in ("model", "workload", "day"):
            if getattr(self.billed, name).total() != billed:
                raise AssertionError(f"USD by {name} differs from USD by provider")
