"""How prices moved: between two dates, and one price over time."""

from collections.abc import Iterable
from dataclasses import dataclass

from knowledge.store.database import PriceEvent


@dataclass(frozen=True, slots=True)
class Move:
    """What one source's price did in a period. `was_usd` None: it came; `is_usd` None: it went."""

    sku_key: str
    origin: str
    unit_name: str
    was_usd: float | None
    is_usd: float | None
    recorded_at: str

    @property
    def kind(self) -> str:
        if self.was_usd is None:
            return "added"
        return "removed" if self.is_usd is None else "changed"

    @property
    def share(self) -> float | None:
        """Relative change; None where there is nothing to compare."""
        if not self.was_usd or self.is_usd is None:
            return None
        return self.is_usd / self.was_usd - 1


def moves(events: Iterable[PriceEvent]) -> list[Move]:
    """Fold the events of a period into one move per price and source; what ended where it began is left out."""
    first: dict[tuple[str, str], PriceEvent] = {}
    last: dict[tuple[str, str], PriceEvent] = {}
    for event in events:
        key = (event.sku_key, event.origin)
        first.setdefault(key, event)
        last[key] = event
    found = [
        Move(key[0], key[1], last[key].unit_name, first[key].old_usd, last[key].new_usd, last[key].recorded_at)
        for key in first
    ]
    changed = [move for move in found if move.was_usd != move.is_usd]
    return sorted(changed, key=lambda move: (-abs(move.share or 0.0), move.kind, move.sku_key, move.origin))
