"""The result of an analysis as JSON values: totals in cents that add up, savings, summary, anomalies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.invoice.analysis import Options, Reading
from tools.invoice.ledger import Breakdown, Ledger
from tools.invoice.money import CENT, EXACT, ZERO, exact_sum, to_cents
from tools.invoice.period import Period
from tools.invoice.records import Alternative, Anomaly, Finding

# Kinds of lines -> names in the totals.
KIND_NAMES = {
    "usage": "usage", "subscription": "subscriptions", "fee": "fees", "tax": "taxes", "credit": "credits",
    "refund": "refunds", "commitment": "commitments",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about a bill but its lines."""

    reading: Reading
    ledger: Ledger
    options: Options
    period: Period
    findings: tuple[Finding, ...]
    anomalies: tuple[Anomaly, ...]
    notes: tuple[str, ...]
    prices_as_of: str

    def to_json(self) -> dict[str, Any]:
        """`totals`, `savings`, `summary`, `anomalies`, `notes`: the part of contract 5.2 beside `lines`."""
        return {
            "totals": totals(self),
            "savings": [finding_json(finding) for finding in self.findings],
            "summary": summary(self),
            "anomalies": [anomaly_json(anomaly) for anomaly in self.anomalies],
            "notes": list(self.notes),
        }


def reading_json(reading: Reading) -> dict[str, Any]:
    """How the file was read."""
    return {
        "name": reading.name,
        "format": reading.format,
        "title": reading.title,
        "stored_as": reading.stored_as,
        "decimal_mark": reading.decimal_mark,
    }


def totals(report: Report) -> dict[str, Any]:
    """Sums in cents. Every partition (`by_kind`, `by_status`, and per currency) adds up to its total."""
    ledger, rates = report.ledger, report.options.rates
    worth = {code: Decimal(1) if code == "USD" else rates[code].usd for code in ledger.control if _known(code, rates)}
    currency = "USD"
    if not worth and len(ledger.control) == 1:  # one foreign currency and no rate: reported in its own
        currency = next(iter(ledger.control))
        worth = {currency: Decimal(1)}
    total = _in_usd(ledger.control, worth)
    kinds = _merged({code: ledger.by_kind[code].items() for code in worth}, worth)
    statuses = _merged({code: ledger.by_status[code].items() for code in worth}, worth)
    by_kind = to_cents(total, {KIND_NAMES.get(kind, "fees"): ZERO for kind in KIND_NAMES} | _named(kinds))
    by_status = to_cents(total, dict.fromkeys(ledger.counts, ZERO) | statuses)
    counted = [finding for finding in report.findings if finding.counted]
    return {
        "currency": currency,
        "total": _number(total),
        "total_usd": _number(total) if currency == "USD" else None,
        "before_credits": float(total.quantize(CENT, context=EXACT) - by_kind["credits"]),
        "reconciled": True,
        **{name: float(amount) for name, amount in by_kind.items()},
        **{name: float(amount) for name, amount in by_status.items()},
        "by_currency": {code: _of_currency(ledger, code) for code in sorted(ledger.control)},
        "unconverted": {
            code: _number(ledger.control[code]) for code in sorted(ledger.control) if not _known(code, rates)
        },
        "rates": [{"currency": r.currency, "usd": float(r.usd), "date": r.day} for r in rates.values()],
        "stated_totals": [
            {
                "line": stated.line,
                "currency": stated.currency,
                "amount": _number(stated.amount),
                "agrees": stated.agrees or _agrees(ledger, stated.currency, stated.amount),
            }
            for stated in ledger.stated_totals
        ],
        "lines": {"all": sum(ledger.counts.values()), **ledger.counts},
        "reasons": dict(sorted(ledger.codes.items())),
        "duplicates": {"lines": ledger.duplicate_lines, "amount_usd": _number(ledger.duplicate_usd)},
        "estimated_usd": _number(ledger.estimated.provider.total()),
        "savings_usd": _number(exact_sum([finding.headline.saving_usd for finding in counted])),
        "monthly_savings_usd": _number(exact_sum([finding.headline.monthly_usd for finding in counted])),
        "possible_savings_usd": _number(exact_sum([finding.headline.saving_usd for finding in report.findings])),
    }


def summary(report: Report) -> dict[str, Any]:
    """Spend by provider, model, workload and day. `basis` is `catalog` where the file states no money."""
    ledger, period = report.ledger, report.period
    breakdown: Breakdown = ledger.billed
    basis = "billed"
    if not ledger.control and ledger.estimated.provider.items():
        breakdown, basis = ledger.estimated, "catalog"
    total = breakdown.provider.total()
    return {
        "basis": basis,
        "currency": "USD",
        "total": _number(total),
        "first_day": period.first_day or None,
        "last_day": period.last_day or None,
        "days": period.days,
        "monthly_factor": round(float(period.factor), 6),
        "prices_as_of": report.prices_as_of,
        "by_provider": _ranked(total, breakdown.provider.items()),
        "by_model": _ranked(total, breakdown.model.items()),
        "by_workload": _ranked(total, breakdown.workload.items()),
        "by_day": _by_day(total, breakdown.day.items()),
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding; its headline's fields stand beside its own."""
    return {
        "bundle": finding.bundle,
        "provider": finding.provider,
        "model": finding.model,
        "spend_usd": _number(finding.spend_usd),
        "lines": finding.lines,
        "first_lines": list(finding.first_lines),
        "counted": finding.counted,
        "basis": "catalog" if finding.estimated else "billed",
        **alternative_json(finding.headline),
        "alternatives": [alternative_json(other) for other in finding.alternatives],
    }


def alternative_json(way: Alternative) -> dict[str, Any]:
    """One way to pay less."""
    return {
        "kind": way.kind,
        "title": way.title,
        "how": way.how,
        "saving_usd": _number(way.saving_usd),
        "monthly_saving_usd": _number(way.monthly_usd),
        "confidence": way.confidence,
        "condition": way.condition or None,
        "substitution": way.substitution,
        "source_date": way.source_date or None,
        "source_url": way.source_url or None,
        "details": {key: _number(value) if isinstance(value, Decimal) else value for key, value in way.details.items()},
    }


def anomaly_json(anomaly: Anomaly) -> dict[str, Any]:
    """One thing to look at."""
    return {
        "kind": anomaly.kind,
        "title": anomaly.title,
        "date": anomaly.day or None,
        "provider": anomaly.provider or None,
        "model": anomaly.model or None,
        "amount_usd": None if anomaly.amount_usd is None else _number(anomaly.amount_usd),
        "lines": list(anomaly.lines),
    }


def _known(code: str, rates: Mapping[str, object]) -> bool:
    return code == "USD" or code in rates


def _in_usd(amounts: Mapping[str, Decimal], worth: Mapping[str, Decimal]) -> Decimal:
    return exact_sum([EXACT.multiply(amounts[code], usd) for code, usd in worth.items()])


def _merged(parts: Mapping[str, Mapping[str, Decimal]], worth: Mapping[str, Decimal]) -> dict[str, Decimal]:
    names = {name for by_name in parts.values() for name in by_name}
    return {
        name: exact_sum([EXACT.multiply(by_name.get(name, ZERO), worth[code]) for code, by_name in parts.items()])
        for name in sorted(names)
    }


def _named(kinds: Mapping[str, Decimal]) -> dict[str, Decimal]:
    named: dict[str, Decimal] = {}
    for kind, amount in kinds.items():
        if kind == "empty":
            continue
        name = KIND_NAMES.get(kind, "fees")
        named[name] = EXACT.add(named.get(name, ZERO), amount)
    return named


def _of_currency(ledger: Ledger, code: str) -> dict[str, Any]:
    total = ledger.control[code]
    by_kind = to_cents(total, _named(ledger.by_kind[code].items()))
    by_status = to_cents(total, ledger.by_status[code].items())
    return {
        "total": _number(total),
        "by_kind": {name: float(amount) for name, amount in sorted(by_kind.items())},
        "by_status": {name: float(amount) for name, amount in sorted(by_status.items())},
    }


def _agrees(ledger: Ledger, code: str, stated: Decimal) -> bool:
    return abs(stated - ledger.control.get(code, ZERO)) <= CENT


def _ranked(total: Decimal, sums: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    cents = to_cents(total, sums)
    return [
        {"name": name, "amount_usd": float(amount)}
        for name, amount in sorted(cents.items(), key=lambda item: (-item[1], item[0]))
    ]


def _by_day(total: Decimal, sums: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    cents = to_cents(total, sums)
    return [{"date": day, "amount_usd": float(cents[day])} for day in sorted(cents)]


def _number(amount: Decimal) -> float:
    return float(amount.quantize(CENT, context=EXACT))


def top(entries: Sequence[Mapping[str, Any]], count: int) -> list[Mapping[str, Any]]:
    """The first entries of a ranked list, the rest as one."""
    if len(entries) <= count:
        return list(entries)
    rest = sum(entry["amount_usd"] for entry in entries[count - 1 :])
    return [*entries[: count - 1], {"name": f"{len(entries) - count + 1} others", "amount_usd": round(rest, 2)}]
