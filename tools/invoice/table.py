"""A file as a header and rows of text cells, whatever it was stored as: delimited text, JSON, JSON lines or Parquet."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from tools.invoice.money import SIGNS
from tools.invoice.records import Unreadable

BEGINNING_CHARS = 120
HEADER_WITHIN_LINES = 40
SAMPLE_ROWS = 200
_SIGN = re.compile("|".join(map(re.escape, sorted(SIGNS, key=len, reverse=True))))
# Columns that exports write in camel case, found again where a database has folded the case (`BILLEDCOST`).
_RUN_TOGETHER = {
    name.replace("_", ""): name
    for name in (
        "billed_cost", "charge_category", "charge_class", "charge_description", "charge_period_start",
        "charge_period_end", "provider_name", "service_provider_name", "publisher_name", "service_name",
        "sku_price_details", "sku_meter", "sku_id", "pricing_unit", "pricing_quantity", "consumed_unit",
        "consumed_quantity", "region_id", "billing_currency", "billing_currency_code", "pricing_category",
        "commitment_discount_id", "meter_category", "meter_sub_category", "meter_name", "meter_region",
        "unit_of_measure", "charge_type", "resource_location", "product_name", "reservation_id", "reservation_name",
        "benefit_id", "pricing_model", "cost_in_billing_currency", "pre_tax_cost", "usage_date", "usage_quantity",
        "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "total_cost", "start_time", "end_time",
    )
}  # fmt: skip


class Row(NamedTuple):
    """One record: where it starts in the file, its cells in the order of the header, and one empty cell more.

    The empty last cell is what a reader gets for a column that the file does not have (index -1).
    """

    number: int
    cells: list[str]
    identity: int


@dataclass(frozen=True, slots=True)
class Table:
    """Columns (folded names), the records, samples of the cells for finding the decimal mark, and what to say of it."""

    stored_as: str
    columns: tuple[str, ...]
    rows: Iterator[Row | Unreadable]
    samples: Sequence[Sequence[str]] = field(default=())
    note: str = ""


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """A column name for comparing: `lineItem/UnblendedCost` and `line_item_unblended_cost` are one, as are `Cost ($)`
    and `cost_usd`."""
    mixed = name.strip() if not name.isupper() else name.strip().lower()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", mixed)
    spelled = _SIGN.sub(lambda sign: f" {SIGNS[sign[0]]} ", spaced)
    plain = re.sub(r"[\W_]+", "_", unicodedata.normalize("NFKC", spelled).lower()).strip("_")
    return _RUN_TOGETHER.get(plain, plain)


def beginning(text: str) -> str:
    """How a record begins, for messages: short and without control characters."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text[:BEGINNING_CHARS])
