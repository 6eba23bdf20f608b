"""What on a bill deserves a look: spike days, unknown and retired models, price changes, duplicates, wrong scales."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import median

from tools.invoice.ledger import Component, Ledger
from tools.invoice.money import CENT, EXACT, ZERO, exact_sum
from tools.invoice.records import Anomaly

SPIKE_TIMES_MEDIAN = 3
SPIKE_DEVIATIONS = 6
SPIKE_LEAST_USD = Decimal(10)
SPIKE_LEAST_DAYS = 7
PRICE_CHANGE_SHARE = Decimal("0.02")
STEADY_SHARE = Decimal("0.01")
LISTED = 50


def find_anomalies(ledger: Ledger) -> tuple[Anomaly, ...]:
    """Everything strange about the bill, in the order of the money involved."""
    found = [
        *_spikes(ledger),
        *_unknown(ledger),
        *_retired(ledger),
        *_price_changes(ledger),
        *_duplicates(ledger),
        *_scales(ledger),
        *_totals(ledger),
    ]
    return tuple(sorted(found, key=lambda a: (-abs(a.amount_usd or ZERO), a.kind, a.title, a.day))[:LISTED])


def _spikes(ledger: Ledger) -> list[Anomaly]:
    by_bundle: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    named: dict[str, Component] = {}
    for component in ledger.components.values():
        named.setdefault(component.match.bundle, component)
        for day, (usd, _) in component.days.items():
            by_bundle[component.match.bundle][day] = EXACT.add(by_bundle[component.match.bundle][day], usd)
    found = []
    for bundle, days in sorted(by_bundle.items()):
        if len(days) < SPIKE_LEAST_DAYS:
            continue
        usual = median(days.values())
        spread = median(abs(usd - usual) for usd in days.values())
        limit = max(usual * SPIKE_TIMES_MEDIAN, usual + spread * SPIKE_DEVIATIONS, usual + SPIKE_LEAST_USD)
        for day, usd in sorted(days.items()):
            if usd > limit:
                match = named[bundle].match
                title = f"{usd:.2f} USD on one day; a usual day is {usual:.2f}"
                found.append(Anomaly("spike", title, day, match.provider, match.model, usd - usual))
    return found


def _unknown(ledger: Ledger) -> list[Anomaly]:
    return [
        Anomaly(
            "unknown_model", "not in the catalog under this name: its price was not checked", "", provider, model, usd
        )
        for (provider, model), usd in sorted(ledger.unknown_models.items())
    ]


def _retired(ledger: Ledger) -> list[Anomaly]:
    spent: dict[tuple[str, str, str, str], list[Decimal]] = defaultdict(list)
    for component in ledger.components.values():
        quote = component.match.quote
        if quote is None or not (quote.retired or quote.retires):
            continue
        last = max(component.days, default="")
        if quote.retired and last > quote.retired:
            kind, title = "retired_model", f"billed after its retirement on {quote.retired}"
        elif quote.retired:
            kind, title = "retired_model", f"retired on {quote.retired}: calls to it fail by now"
        else:
            kind, title = "retiring_model", f"will be retired on {quote.retires}"
        spent[kind, title, component.match.provider, component.match.model].append(component.amount_usd)
    return [
        Anomaly(kind, title, "", provider, model, exact_sum(amounts))
        for (kind, title, provider, model), amounts in sorted(spent.items())
    ]


def _price_changes(ledger: Ledger) -> list[Anomaly]:
    found = []
    for _, component in sorted(ledger.components.items()):
        prices = [(day, usd / units) for day, (usd, units) in sorted(component.days.items()) if units > 0 and usd > 0]
        change = price_change(prices)
        if change:
            day, before, after = change
            match = component.match
            unit = match.quote.unit if match.quote else "unit"
            what = (match.subject.direction or "usage").replace("_", " ")
            title = f"{what} went from {float(before):.4g} to {float(after):.4g} USD per {unit}"
            later = exact_sum([usd for at, (usd, _) in component.days.items() if at >= day])
            found.append(Anomaly("price_change", title, day, match.provider, match.model, later))
    return found


def price_change(prices: Sequence[tuple[str, Decimal]]) -> tuple[str, Decimal, Decimal] | None:
    """The day from which a steady price became another steady one, with both; None when there is no such day."""
    for place in range(2, len(prices) - 1):
        before, after = [p for _, p in prices[:place]], [p for _, p in prices[place:]]
        old, new = median(before), median(after)
        moved = abs(new / old - 1) > PRICE_CHANGE_SHARE
        if moved and _steady(before, old) and _steady(after, new):
            return prices[place][0], old, new
    return None


def _steady(prices: Sequence[Decimal], around: Decimal) -> bool:
    return all(abs(price / around - 1) <= STEADY_SHARE for price in prices)


def _duplicates(ledger: Ledger) -> list[Anomaly]:
    if not ledger.duplicate_lines:
        return []
    lines = tuple(number for number, _ in ledger.duplicates[:10])
    many = ledger.duplicate_lines != 1
    title = (
        f"{ledger.duplicate_lines} {'lines repeat an earlier one' if many else 'line repeats an earlier one'} exactly; "
        f"{'they are' if many else 'it is'} counted, as the file counts {'them' if many else 'it'}"
    )
    return [Anomaly("duplicates", title, amount_usd=ledger.duplicate_usd, lines=lines)]


def _scales(ledger: Ledger) -> list[Anomaly]:
    found = [
        Anomaly("scale", reason, "", provider, model, lines=(number,))
        for number, provider, model, reason in ledger.suspect
    ]
    if ledger.suspect_lines > len(found):
        title = f"{ledger.suspect_lines} lines in all have implausible unit prices"
        found.append(Anomaly("scale", title, amount_usd=ledger.suspect_usd))
    return found


def _totals(ledger: Ledger) -> list[Anomaly]:
    """A stated total that is neither the sum of all lines nor of those of one kind, seller or workload."""
    known = _sums(ledger)
    return [
        Anomaly(
            "stated_total",
            f"the file states a total of {stated.amount} {stated.currency}; "
            f"its lines add up to {ledger.control.get(stated.currency, ZERO)}",
            lines=(stated.line,),
        )
        for stated in ledger.stated_totals
        if not stated.agrees and not any(abs(stated.amount - total) <= CENT for total in known.get(stated.currency, ()))
    ]


def _sums(ledger: Ledger) -> Mapping[str, list[Decimal]]:
    sums = {currency: [total, *ledger.by_kind[currency].items().values()] for currency, total in ledger.control.items()}
    for breakdown in (ledger.billed.provider, ledger.billed.workload, ledger.billed.model):
        sums.setdefault("USD", []).extend(breakdown.items().values())
    return sums
