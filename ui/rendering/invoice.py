"""A bill's report for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.invoice.report import Report, top
from tools.invoice.table import beginning
from ui.rendering.width import console_of_width

KINDS = ("usage", "subscriptions", "fees", "taxes", "credits", "refunds", "commitments")


def show_report(report: Report, limit: int) -> None:
    """Print totals, spend, savings and anomalies; `limit` rows of each."""
    console = console_of_width()
    facts = report.to_json()
    _say(console, _headline(report, facts))
    _spend(console, facts["summary"], limit)
    _savings(console, facts, limit)
    _anomalies(console, facts["anomalies"], limit)
    for note in facts["notes"]:
        _say(console, f"Note: {note}.")


def _headline(report: Report, facts: Mapping[str, Any]) -> str:
    totals, summary = facts["totals"], facts["summary"]
    lines = totals["lines"]
    parts = [f"{kind} {totals[kind]:,.2f}" for kind in KINDS if totals[kind]]
    period = f", {summary['first_day']} to {summary['last_day']}" if summary["first_day"] else ""
    said = [
        f"{report.reading.name}: {report.reading.title} ({report.reading.stored_as}){period}",
        f"{totals['total']:,.2f} {totals['currency']}" + (f" = {' + '.join(parts)}" if len(parts) > 1 else ""),
        f"{lines['all']:,} lines: {lines['matched']:,} matched, {lines['unmatched']:,} unmatched, "
        f"{lines['rejected']:,} rejected; the sums agree with the file to the cent",
    ]
    said += [f"not converted (no rate): {amount:,.2f} {code}" for code, amount in totals["unconverted"].items()]
    said += [f"{rate['currency']} at {rate['usd']} USD of {rate['date']}, as stated" for rate in totals["rates"]]
    if summary["basis"] == "catalog":
        said.append(f"no money in the file: at list prices its usage is {totals['estimated_usd']:,.2f} USD")
    return "\n".join(said)


def _spend(console: Console, summary: Mapping[str, Any], limit: int) -> None:
    for title, name in (("Provider", "by_provider"), ("Model", "by_model"), ("Workload", "by_workload")):
        rows = [(entry["name"], f"{entry['amount_usd']:,.2f}") for entry in top(summary[name], limit)]
        if rows:
            _table(console, (title, "USD"), rows)


def _savings(console: Console, facts: Mapping[str, Any], limit: int) -> None:
    totals = facts["totals"]
    _say(
        console,
        f"\nSavings at equal models and conditions: {totals['savings_usd']:,.2f} USD "
        f"({totals['monthly_savings_usd']:,.2f} a month); "
        f"with conditions or substitutions up to {totals['possible_savings_usd']:,.2f}. "
        f"Prices as of {facts['summary']['prices_as_of']}.",
    )
    rows = []
    for finding in facts["savings"][:limit]:
        mark = "" if finding["counted"] else ("substitution" if finding["substitution"] else "if")
        what = f"{finding['title']}. {finding['how']}"
        if finding["condition"]:
            what += f" (if {finding['condition']})"
        saves = (
            f"{finding['spend_usd']:,.2f}",
            f"{finding['saving_usd']:,.2f}",
            f"{finding['monthly_saving_usd']:,.2f}",
        )
        rows.append((f"{finding['provider']} {finding['model']}", *saves, finding["confidence"], mark, what))
    if rows:
        _table(console, ("Item", "Spend", "Saves", "A month", "Sure", "", "How"), rows)


def _anomalies(console: Console, anomalies: Sequence[Mapping[str, Any]], limit: int) -> None:
    rows = [
        (
            anomaly["kind"].replace("_", " "),
            " ".join(filter(None, (anomaly["provider"], anomaly["model"], anomaly["date"]))),
            anomaly["title"] + (f" (line {', '.join(map(str, anomaly['lines']))})" if anomaly["lines"] else ""),
        )
        for anomaly in anomalies[:limit]
    ]
    if rows:
        _say(console, "\nTo look at")
        _table(console, ("Kind", "Where", "What"), rows)


def _table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        money = all(row[place].replace(",", "").replace(".", "").lstrip("-").isdigit() for row in rows)
        sheet.add_column(column, justify="right" if money else "left", overflow="fold", no_wrap=money)
    for row in rows:
        sheet.add_row(*(Text(_safe(cell)) for cell in row))
    console.print(sheet)


def _say(console: Console, text: str) -> None:
    console.print(Text("\n".join(_safe(line) for line in text.split("\n"))))


def _safe(text: str) -> str:
    """Text of a bill without control characters, which could steer a terminal."""
    return "".join(beginning(text[start : start + 100]) for start in range(0, len(text), 100))
