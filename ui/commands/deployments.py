"""`sextant deployments`: everything that was deployed."""

from typing import Annotated

import typer


def deployments(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List deployments with state, endpoint, cost and the verdict of their last load test."""
    from knowledge.snapshot import load
    from tools.deploy.local import LocalTarget
    from ui.output import print_json
    from ui.records import own_records
    from ui.rendering.deployments import show_deployments
    from ui.settings import read_settings

    home = read_settings().home
    records = own_records()
    LocalTarget(home, records=records).reconcile()
    rows = []
    for entry in records.deployments.all():
        outcome = records.outcomes.latest(entry.deployment_id)
        rows.append({**entry.to_json(), "verdict": outcome.verdict if outcome else None})
    if json:
        print_json({"deployments": rows}, snapshot=load().version)
    else:
        show_deployments(rows)
