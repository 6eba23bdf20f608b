"""`sextant status`: what runs now, since when, what it costs, and what its last load test said."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.targets import LOCAL

if TYPE_CHECKING:
    from knowledge.records import Deployment, Records
    from tools.deploy import Target


def status(
    deployment_id: Annotated[str, typer.Argument(help="Id of the deployment; all that run if left out.")] = "",
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask every replica how it is, and show it beside the records."""
    import sys

    from knowledge.snapshot import load
    from tools.deploy.local import LocalTarget
    from ui.output import print_json
    from ui.records import own_records
    from ui.rendering.deployments import show_deployment
    from ui.settings import read_settings
    from ui.targets import target_of

    home = read_settings().home
    records = own_records()
    LocalTarget(home, records=records).reconcile()
    found = [records.deployments.get(deployment_id)] if deployment_id else [
        entry for entry in records.deployments.all() if entry.replicas
    ]  # fmt: skip
    states = [_state(entry, target_of(entry, home, records), records) for entry in found]
    if json:
        print_json({"deployments": states}, snapshot=load().version)
        return
    if not found:
        sys.stdout.write("nothing runs; `sextant deployments` lists what did\n")
    for entry, state in zip(found, states, strict=True):
        show_deployment(entry, _lines(state))


def _state(entry: "Deployment", target: "Target", records: "Records") -> dict[str, Any]:
    from dataclasses import asdict
    from datetime import UTC, datetime

    outcome = records.outcomes.latest(entry.deployment_id)
    age = datetime.now(UTC) - datetime.fromisoformat(entry.updated_at)
    return {
        **entry.to_json(),
        "health": [asdict(replica) for replica in target.health(entry)],
        "drift": _drift(entry, target),
        "hours_in_state": age.total_seconds() / 3600,
        "verdict": outcome.verdict if outcome else None,
        "measured_at": outcome.measured_at if outcome else None,
        "slos": [asdict(slo) for slo in outcome.slos] if outcome else [],
    }


def _drift(entry: "Deployment", target: "Target") -> list[dict[str, Any]]:
    """What changed on a cluster since it was applied."""
    if entry.target == LOCAL or not entry.replicas:
        return []
    from knowledge.errors import SextantError
    from tools.kubernetes.target import KubernetesTarget

    assert isinstance(target, KubernetesTarget)  # noqa: S101 - what is not local is on a cluster
    try:
        return [found.to_json() for found in target.drift(entry.deployment_id)]
    except SextantError:
        return []  # the health of its replicas says that the cluster does not answer


def _lines(state: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [("since", state["updated_at"][:19].replace("T", " ") + " UTC")]
    lines += [("replica", f"{entry['endpoint']} {entry['detail']}") for entry in state["health"]]
    lines += [
        ("drift", f"{entry['subject']} {entry['field']}: applied {entry['applied']}, now {entry['live']}")
        for entry in state["drift"]
    ]
    if state["verdict"] is None:
        return [*lines, ("verdict", "not load-tested yet: sextant validate " + state["deployment_id"])]
    lines.append(("verdict", f"{state['verdict'].replace('_', ' ')} ({state['measured_at']})"))
    return lines + [
        (slo["slo"], f"{_number(slo['measured'])} of at most {slo['bound']:g}: {slo['verdict'].replace('_', ' ')}")
        for slo in state["slos"]
    ]


def _number(value: float | None) -> str:
    return "beyond measure" if value is None else f"{value:.4g}"
