"""`sextant monitoring`: the files that put a deployment under observation."""

from pathlib import Path
from typing import Annotated

import typer


def monitoring(
    deployment_id: Annotated[str, typer.Argument(help="Id of a running deployment.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("monitoring"),
    scrape_interval: Annotated[str, typer.Option(help="How often to scrape: 5s, 15s, 1m.")] = "15s",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write what Prometheus scrapes, its alert rules, and a Grafana dashboard."""
    import sys

    from knowledge.snapshot import load
    from tools.observe.monitoring import monitoring as made
    from tools.observe.monitoring import write_files
    from ui.output import print_json
    from ui.records import own_records

    deployment = own_records().deployments.get(deployment_id)
    written = write_files(made(deployment, scrape_interval=scrape_interval), out)
    if json:
        print_json({"files": [str(path) for path in written]}, snapshot=load().version)
        return
    for path in written:
        sys.stdout.write(f"{path}\n")
    sys.stdout.write(
        f"next: prometheus --config.file={written[0]} --storage.tsdb.path={out / 'data'}\n"
        f"then: sextant observe {deployment.deployment_id} --prometheus http://127.0.0.1:9090\n"
    )
