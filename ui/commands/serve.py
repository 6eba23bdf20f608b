"""`sextant serve`: the web chat and the HTTP API as a process."""

import os
from pathlib import Path
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

PLANNERS = min(os.cpu_count() or 1, 4)
"""A few cores plan for hundreds of sessions; more processes would only take memory."""


def serve(
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's need --people.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free port.")] = 8080,
    people: Annotated[
        Path | None, typer.Option(help="Ask for names and passwords; the file is made by `sextant people`.")
    ] = None,
    time_factor: Annotated[
        float, typer.Option(help="How many times faster than real the local simulator runs.", min=1, max=1000)
    ] = 5.0,
    approved_only: Annotated[bool, typer.Option(help="Of the added models, only the approved ones.")] = False,
    planners: Annotated[
        int, typer.Option(min=0, max=64, help="Processes that plan beside the one that answers; 0: none, it plans.")
    ] = PLANNERS,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    kubernetes_settings: KubernetesSettings = None,
    prometheus: Prometheus = "",
    grafana: Grafana = "",
) -> None:
    """Serve the web chat and the HTTP API until stopped; prints the address."""
    import asyncio

    from tools.simulator.serving import listen
    from ui.access import access_for
    from ui.settings import read_settings

    settings = with_surroundings(
        read_settings(),
        kubeconfig=kubeconfig,
        context=context,
        kubernetes_settings=kubernetes_settings,
        prometheus=prometheus,
        grafana=grafana,
    )
    access = access_for(host, people, settings)
    with listen(host, port) as listener:  # what is wrong with the address is said before anything heavy is loaded
        from ui.api.application import application
        from ui.api.serving import serve as served
        from ui.opening import opened
        from ui.slack.mounting import slack_face
        from ui.start_notes import price_notes
        from ui.web.mounting import web_chat

        async def run() -> None:
            async with opened(
                time_factor=time_factor,
                settings=settings,
                approved_only=approved_only,
                planners=planners,
            ) as door:
                for note in price_notes(settings.home, door.context.clock().date()):
                    typer.echo(f"note: {note}", err=True)
                app = application(door, settings, access)
                async with web_chat(app, settings.home), slack_face(app, settings.slack):
                    await served(app, listener)

        asyncio.run(run())
