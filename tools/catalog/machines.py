"""Which accelerator a seller's name of a machine or card means."""

from collections.abc import Callable
from functools import lru_cache

from knowledge.errors import NotFound
from knowledge.names import resolve_accelerator
from knowledge.snapshot import Snapshot


def accelerator_of(snapshot: Snapshot) -> Callable[[str], tuple[str | None, float | None]]:
    """Return a function from a name to (accelerator, how many the name says); None for what is not known."""

    @lru_cache(maxsize=4096)
    def find(name: str) -> tuple[str | None, float | None]:
        if not name.strip():
            return None, None
        try:
            found = resolve_accelerator(name, snapshot)
        except NotFound:
            return None, None
        return found.gpu_type, found.count

    return find
