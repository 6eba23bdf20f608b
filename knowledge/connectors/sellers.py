"""What collections of prices call a seller, and what the catalog calls it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from knowledge.loading import read_records


@dataclass(frozen=True, slots=True)
class Seller:
    """A seller's name in one source; `reseller` tells that it sells what others run."""

    source: str
    name: str
    provider: str
    reseller: bool


@cache
def sellers(source: str) -> Mapping[str, Seller]:
    """Return the sellers of a source by their name there; names that are not here are passed over."""
    rows = read_records(Path(__file__).with_name("sellers.csv"), Seller)
    return {row.name: row for row in rows if row.source == source}
