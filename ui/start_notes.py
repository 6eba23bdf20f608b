"""What a person should know about the prices when a long-running face starts."""

from datetime import date
from pathlib import Path

from knowledge.snapshot import load
from knowledge.store.database import FILE_NAME, open_store
from tools.catalog.health import warnings_at_start


def price_notes(home: Path, today: date) -> tuple[str, ...]:
    """Short warnings about stale, disputed or failed prices; none where no price store was made yet."""
    if not (home / FILE_NAME).exists():
        return ()
    with open_store(home, load()) as store:
        return warnings_at_start(store, today)
