"""`sextant observe`: what a running deployment does, as a Prometheus saw it, and what to do about it."""

from pathlib import Path
from typing import Annotated

import typer


def observe(
    deployment_id: Annotated[str, typer.Argument(help="Id of the deployment.")],
    *,
    prometheus: Annotated[str, typer.Option(help="Address of the Prometheus, such as http://127.0.0.1:9090.")],
    window: Annotated[
        list[str] | None, typer.Option(help="How far back: 15m, 1h, 7d. May be repeated; findings are of the first.")
    ] = None,
    selector: Annotated[
        str, typer.Option(help="Labels of its series, as within PromQL's braces; default: the deployment's id.")
    ] = "",
    gpu_selector: Annotated[str, typer.Option(help="Labels of its cards in DCGM's series; default: the same.")] = "",
    token_file: Annotated[Path | None, typer.Option(help="File that holds a bearer token for Prometheus.")] = None,
    keep: Annotated[
        bool, typer.Option(help="Keep the first window as an outcome that predictions learn from.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare objectives, traffic and costs with what was planned. Without a Prometheus there are no figures."""
    from dataclasses import asdict

    from knowledge.snapshot import load
    from tools.deploy.specification import read_specification
    from tools.observe import Prometheus, findings
    from tools.observe import observe as observed
    from tools.observe.observing import seconds_of
    from tools.observe.outcome import outcome
    from ui.output import print_json
    from ui.records import own_records
    from ui.rendering.observation import show_observation

    records = own_records()
    deployment = records.deployments.get(deployment_id)
    spec = read_specification(deployment.spec)
    reader = Prometheus(prometheus, token=_token(token_file))
    seen = [
        observed(
            deployment,
            reader,
            window_s=seconds_of(each),
            labels=selector,
            gpu_labels=gpu_selector,
            source=prometheus,
        )
        for each in window or ["1h"]
    ]
    found = findings(seen[0], spec)
    kept = None
    if keep:
        kept = outcome(seen[0], deployment, spec)
        records.outcomes.add(kept)
    if json:
        body = {
            "observations": [each.to_json() for each in seen],
            "findings": [asdict(each) for each in found],
            "outcome_id": kept.outcome_id if kept else None,
        }
        print_json(body, snapshot=load().version)
        return
    show_observation(deployment, spec, seen, found)
    if kept:
        typer.echo(f"kept as {kept.outcome_id}; see `sextant outcomes list`")


def _token(path: Path | None) -> str:
    from knowledge.errors import BadInput

    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read", "give a file that holds the token", field="token_file") from error
