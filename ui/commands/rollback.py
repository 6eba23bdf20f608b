"""`sextant rollback`: stop a deployment."""

from typing import Annotated

import typer


def rollback(
    deployment_id: Annotated[str, typer.Argument(help="Id of the deployment, or the beginning of it.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Stop everything that belongs to a deployment; on Kubernetes, return to what ran before. Repeating is harmless."""
    from knowledge.snapshot import load
    from ui.output import print_json
    from ui.person import person
    from ui.records import own_records
    from ui.rendering.deployments import deploy_progress, show_deployment
    from ui.settings import read_settings
    from ui.targets import target_of

    home = read_settings().home
    records = own_records()
    target = target_of(records.deployments.get(deployment_id), home, records)
    with deploy_progress("rolling back") as on_progress:
        gone = target.rollback(deployment_id, who=person(), on_progress=on_progress)
    if json:
        print_json({"deployment": gone.to_json()}, snapshot=load().version)
    else:
        show_deployment(gone)
