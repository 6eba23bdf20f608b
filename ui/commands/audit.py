"""`sextant audit`: who did what to which deployment, when, and what came of it."""

from typing import Annotated, Literal

import typer


def audit(
    deployment_id: Annotated[str, typer.Argument(help="Id of a deployment; everything if left out.")] = "",
    *,
    form: Annotated[Literal["lines", "csv", "jsonl"], typer.Option("--format", help="How to write it.")] = "lines",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many entries.")] = 10_000,
) -> None:
    """Write the audit log, oldest first. It is append-only: nothing in it ever changes."""
    import csv
    import json
    import sys

    from ui.records import own_records

    records = own_records()
    subject = records.deployments.get(deployment_id).deployment_id if deployment_id else None
    entries = [entry.to_json() for entry in records.audit.entries(subject=subject, limit=limit)]
    if form == "csv":
        writer = csv.DictWriter(sys.stdout, ["at", "who", "action", "subject", "plan_hash", "result"])
        writer.writeheader()
        writer.writerows(entries)
        return
    for entry in entries:
        line = f"{entry['at'][:19]}Z {entry['who']} {entry['action']} {entry['subject']}: {entry['result']}"
        sys.stdout.write((json.dumps(entry) if form == "jsonl" else line) + "\n")
