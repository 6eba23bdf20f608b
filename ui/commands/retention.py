"""`sextant retention`: forget what is old."""

import re
import sys
from typing import Annotated

import typer

DAYS = {"d": 1, "w": 7, "y": 365}


def retention(
    *,
    older_than: Annotated[str, typer.Option(help="Age, as in 90d, 12w or 2y.")],
    apply: Annotated[bool, typer.Option("--apply", help="Delete; without it, only say what would go.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Delete conversations that nobody touched for that long, with all that belongs to them, and ended deployments.

    The audit log and outcomes are kept, and so are conversations whose deployment still runs.
    """
    import asyncio
    from dataclasses import asdict
    from datetime import timedelta

    from knowledge.errors import BadInput
    from knowledge.records import utc_now
    from ui.person import person
    from ui.retention import retain
    from ui.settings import read_settings

    match = re.fullmatch(r"([1-9]\d{0,4})([dwy])", older_than.strip())
    if match is None:
        raise BadInput(f"--older-than cannot be {older_than[:40]!r}", "write 90d, 12w or 2y", field="older-than")
    age = timedelta(days=int(match[1]) * DAYS[match[2]])
    done = asyncio.run(retain(read_settings(), age, now=utc_now(), who=person(), dry=not apply))
    if json:
        from knowledge.snapshot import load
        from ui.output import print_json

        print_json({"retention": asdict(done)}, snapshot=load().version)
        return
    verb = "would go" if done.dry else "are gone"
    sys.stdout.write(f"{done.conversations:,} conversations from before {done.before[:10]} {verb}\n")
    for table, count in done.rows.items():
        if count:
            sys.stdout.write(f"  {count:,} {table.replace('_', ' ')}\n")
    if done.kept:
        sys.stdout.write(f"{done.kept:,} older ones stay: what they deployed still runs\n")
    if done.dry:
        sys.stdout.write("nothing was deleted; say --apply to delete\n")
