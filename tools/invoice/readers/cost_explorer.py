"""AWS Cost Explorer's download: one row per day or month, one column per service, and a row of totals."""

from collections.abc import Sequence

from tools.invoice.days import span_of
from tools.invoice.money import CURRENCIES, NotANumber, parse_number
from tools.invoice.readers.base import RowReader, Style
from tools.invoice.records import BillLine, Entry, Kind, Subject, Unreadable
from tools.invoice.table import Row, beginning

TOTALS = ("total_costs", "total_cost")
GROUPS = frozenset({"service", "linked_account", "usage_type", "region", "instance_type", "api_operation", "tag"})
KINDS: dict[str, Kind] = {"tax": "tax", "credit": "credit", "credits": "credit", "refund": "refund"}


class CostExplorer:
    """It says what a service cost, and nothing of models or usage: every cell counts and none can be compared."""

    name = "cost_explorer"
    title = "AWS Cost Explorer download"

    def recognises(self, columns: frozenset[str]) -> bool:
        return bool(columns & GROUPS) and any(_bare(column) in TOTALS for column in columns) and len(columns) > 2

    def bind(self, columns: Sequence[str], style: Style) -> RowReader:
        group_at = next(place for place, column in enumerate(columns) if column in GROUPS)
        services = [
            (place, _subject(column))
            for place, column in enumerate(columns)
            if place != group_at and column and _bare(column) not in TOTALS
        ]

        def read(row: Row) -> BillLine | Unreadable:
            first, last = span_of(row.cells[group_at], style.order)
            if not first:  # "Service total"; the total of each column
                total = Subject(kind="total", provider="aws", currency=services[0][1].currency)
                return BillLine(row.number, (Entry(total, None, None),))
            try:
                entries = tuple(
                    Entry(subject, parse_number(row.cells[place], style.mark), None)
                    for place, subject in services
                    if row.cells[place].strip()
                )
            except NotANumber as error:
                return Unreadable(row.number, f"amount: {error}", beginning(",".join(row.cells)))
            if not entries:
                return Unreadable(row.number, "amount: the amount is missing", beginning(",".join(row.cells)))
            return BillLine(row.number, entries, first, last, row.identity)

        return read


def _bare(column: str) -> str:
    name, _, currency = column.rpartition("_")
    return name if currency.upper() in CURRENCIES.split("|") else column


def _subject(column: str) -> Subject:
    service, currency = _bare(column), column.rpartition("_")[2].upper()
    words = service.replace("_", " ")
    is_ai = "bedrock" in service
    return Subject(
        kind=KINDS.get(service, "usage"),
        provider="aws_bedrock" if is_ai else "aws",
        currency=currency if service != column else "USD",
        description=words,
        reason=f"no usage is named of {words}" if is_ai else f"{words} is not an AI service",
    )
