"""The records that the settings name: the file in the state directory, or the PostgreSQL database behind an address."""

from typing import TYPE_CHECKING

from ui.settings import Settings, read_settings

if TYPE_CHECKING:
    from knowledge.records import Records


def own_records(settings: Settings | None = None) -> "Records":
    """Open them. Raises StateUnusable, Unavailable and, for an address that is none, BadInput."""
    from knowledge.records import Records

    read = settings or read_settings()
    return Records(read.home, url=read.database_url)
