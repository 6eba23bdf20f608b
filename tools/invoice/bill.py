"""A whole bill: catalog in, report out. The lines are handed to the caller while they are read."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

from knowledge.snapshot import Snapshot
from tools.invoice.analysis import Analysis, Options
from tools.invoice.anomalies import find_anomalies
from tools.invoice.matching import Catalog
from tools.invoice.money import Rate
from tools.invoice.names import model_name, same_weights
from tools.invoice.period import DAYS_PER_MONTH, Period
from tools.invoice.prices import PriceIndex
from tools.invoice.records import LineResult
from tools.invoice.rental import RentalIndex
from tools.invoice.report import Report
from tools.invoice.savings import EXAMINED, Advice, SelfHost, find_savings
from tools.invoice.source import Bytes, Source
from tools.market import Market

FEW_DAYS = 7
USUAL_TASK: Final = "chatbot"


class Bill:
    """One bill being read. Iterate `lines()` once to its end, then take the `report()`."""

    def __init__(
        self,
        source: Source,
        catalog: Catalog,
        options: Options,
        *,
        advice: Advice,
        prices_as_of: str,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._catalog = catalog
        self._options = options
        self._advice = advice
        self._prices_as_of = prices_as_of
        self._analysis = Analysis(source, catalog, options, progress)
        self.reading = self._analysis.reading

    def lines(self) -> Iterator[LineResult]:
        """Every line with what became of it."""
        return self._analysis.lines()

    def report(self) -> Report:
        """Totals, savings, summary and anomalies of the lines that were read."""
        ledger = self._analysis.ledger
        # One day on all lines of a sheet is the day of the invoice; exports of usage have the day of the usage.
        one_day = ledger.first_day == ledger.last_day and self.reading.format in {"plain", "five_column"}
        period = Period(ledger.first_day, ledger.last_day, one_month=one_day)
        notes = [*self.reading.notes, *self._analysis.late_notes]
        if period.days is None:
            notes.append("the lines have no dates: the bill is taken as one month")
        elif one_day:
            notes.append("all lines have one date: the bill is taken as one month")
        elif period.days < FEW_DAYS:
            days = "one day" if period.days == 1 else f"{period.days} days"
            notes.append(f"monthly figures take {days} of usage as usual for {DAYS_PER_MONTH} days")
        if ledger.components_dropped:
            notes.append(f"{ledger.components_dropped} lines of rare items were counted but not looked at for savings")
        if len({component.match.bundle for component in ledger.components.values()}) > EXAMINED:
            notes.append(f"savings were looked for in the {EXAMINED} dearest items")
        findings = find_savings(ledger, self._catalog, period, self._advice)
        anomalies = find_anomalies(ledger)
        return Report(
            self.reading, ledger, self._options, period, findings, anomalies, tuple(notes), self._prices_as_of
        )


def open_bill(
    stream: Bytes,
    name: str,
    market: Market,
    snapshot: Snapshot,
    *,
    rates: Iterable[Rate] = (),
    default_provider: str = "",
    task: str = USUAL_TASK,
    self_host: SelfHost | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Bill:
    """Open a bill from a file, standard input or an upload (`io.BytesIO`); raise `BadInput` when it is none."""
    return Bill(
        Source(stream, name),
        catalog_of(market, snapshot),
        Options({rate.currency: rate for rate in rates}, default_provider),
        advice=advice_of(snapshot, task, self_host),
        prices_as_of=max((row.source_date for row in market.api_prices), default=market.as_of),
        progress=progress,
    )


@lru_cache(maxsize=4)
def catalog_of(market: Market, snapshot: Snapshot) -> Catalog:
    """The current prices with service tiers and retired models, indexed for bills."""
    prices = PriceIndex(market.api_prices, snapshot.api_service_tiers, snapshot.api_prices_retired)
    return Catalog(prices, RentalIndex(market.instances, snapshot.aliases))


def advice_of(snapshot: Snapshot, task: str = USUAL_TASK, self_host: SelfHost | None = None) -> Advice:
    """Where to look for savings beyond prices."""
    open_models = {same_weights(model_name(hub_id)): hub_id for hub_id in sorted(snapshot.models)}
    return Advice(snapshot.quality, task, open_models, self_host)
