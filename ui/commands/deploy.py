"""`sextant deploy`: start what was planned."""

from pathlib import Path
from typing import Annotated

import typer

CLI_THREAD = "cli"


def deploy(
    text: Annotated[str, typer.Argument(help="What you need, in words.")] = "",
    *,
    spec: Annotated[str, typer.Option(help="A file (specification, plan or intent as JSON), or words.")] = "",
    option: Annotated[
        str | None, typer.Option(help="Id of the option; the best one that can be deployed if left out.")
    ] = None,
    target: Annotated[
        str, typer.Option(help="local (a simulator on this machine), kserve, vanilla, llmisvc.")
    ] = "local",
    kubeconfig: Annotated[Path | None, typer.Option(help="Kubernetes: kubeconfig file of the cluster.")] = None,
    context: Annotated[str | None, typer.Option(help="Kubernetes: context in the kubeconfig.")] = None,
    namespace: Annotated[str | None, typer.Option(help="Kubernetes: namespace to deploy to.")] = None,
    name: Annotated[str | None, typer.Option(help="Kubernetes: name of the release; from the model.")] = None,
    simulator: Annotated[bool, typer.Option(help="Kubernetes: run the simulator in place of vLLM.")] = False,
    settings: Annotated[Path | None, typer.Option(help="Kubernetes: JSON file of settings.")] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", help="Kubernetes: one setting, name=value.")] = None,
    time_factor: Annotated[
        float, typer.Option(min=0.01, max=1000, help="10 simulates ten times faster than real.")
    ] = 1.0,
    rehearse: Annotated[bool, typer.Option(help="Learn from simulated deployments too, to try it out.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Deploy a plan; it runs until `sextant rollback`. Deploying the same plan again changes nothing."""
    from knowledge.errors import BadInput
    from ui.kubernetes_settings import kubernetes_settings
    from ui.output import print_json
    from ui.own import known_models, own_experience
    from ui.person import person
    from ui.rendering.deployments import deploy_progress, show_deployment
    from ui.settings import read_settings
    from ui.specifications import specification
    from ui.targets import ON_KUBERNETES, target_named

    if bool(text.strip()) == bool(spec.strip()):
        raise BadInput("say what to deploy", "give words or --spec FILE, and not both", field="spec")
    snapshot = known_models()
    wanted = specification(spec or text, option, snapshot, own_experience(rehearse=rehearse))
    kind = target if target in ON_KUBERNETES else None
    chosen = kubernetes_settings(
        settings, sets or (), target=kind, simulator=simulator or None, namespace=namespace, name=name
    )
    door = target_named(target, read_settings().home, snapshot, settings=chosen, kubeconfig=kubeconfig, context=context)
    door.reconcile()
    with deploy_progress("deploying") as on_progress:
        made = door.apply(wanted, owner=person(), thread=CLI_THREAD, time_factor=time_factor, on_progress=on_progress)
    if json:
        print_json({"deployment": made.to_json()}, snapshot=snapshot.version)
        return
    next_steps = [
        ("verify", f"sextant validate {made.deployment_id}"),
        ("undo", f"sextant rollback {made.deployment_id}"),
    ]
    show_deployment(made, next_steps)
