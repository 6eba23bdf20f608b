"""Forgetting old conversations: what would go, and what goes, with a line in the audit log."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.checkpoints import last_change, threads
from knowledge.records import stamp
from knowledge.records.retention import busy_threads, forget, shown_threads
from ui.archive import opened_stores
from ui.settings import Settings


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is older than `before`: conversations, and rows by table; `kept` conversations have a deployment running."""

    before: str
    conversations: int
    kept: int
    rows: dict[str, int]
    dry: bool


async def retain(settings: Settings, age: timedelta, *, now: datetime, who: str, dry: bool) -> Forgotten:
    """Forget conversations that nobody touched for longer than `age`. Raises StateUnusable and Unavailable."""
    before = stamp(now - age)
    async with opened_stores(settings) as (records, saver):
        busy = busy_threads(records.database)
        shown = set(shown_threads(records.database, before))
        known = await threads(saver)
        old = {thread for thread in known if stamp(datetime.fromisoformat(await last_change(saver, thread))) < before}
        old |= shown - set(known)
        going = sorted(old - busy)
        counts = forget(records.database, going, before, dry=dry)
        if not dry:
            for thread in going:
                await saver.adelete_thread(thread)
            told = f"{len(going)} conversations and {sum(counts.values())} rows from before {before[:10]}"
            records.audit.add(who=who, action="retention", subject="records", result=told)
    return Forgotten(before, len(going), len(old & busy), counts, dry)
