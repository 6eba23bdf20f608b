"""`sextant chat`: the conversation in a terminal."""

from typing import Annotated

import typer

from ui.commands.surroundings import (
    Context,
    Grafana,
    Kubeconfig,
    KubernetesSettings,
    Prometheus,
    with_surroundings,
)


def chat(
    *,
    thread: Annotated[str, typer.Option(help="Name of the conversation; the same name goes on with it.")] = "",
    time_factor: Annotated[
        float, typer.Option(help="How many times faster than real the local simulator runs.", min=1, max=1000)
    ] = 5.0,
    approved_only: Annotated[bool, typer.Option(help="Of the added models, only the approved ones.")] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    kubernetes_settings: KubernetesSettings = None,
    prometheus: Prometheus = "",
    grafana: Grafana = "",
) -> None:
    """Talk: say what you need, change what is shown, approve, see it verified."""
    import asyncio

    from ui.chat import run
    from ui.settings import read_settings

    settings = with_surroundings(
        read_settings(),
        kubeconfig=kubeconfig,
        context=context,
        kubernetes_settings=kubernetes_settings,
        prometheus=prometheus,
        grafana=grafana,
    )
    asyncio.run(run(thread, time_factor=time_factor, approved_only=approved_only, settings=settings))
