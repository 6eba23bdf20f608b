"""What `serve` and `chat` are told of the world around: a cluster to deploy to, and where deployments are watched."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ui.settings import Settings

Kubeconfig = Annotated[
    Path | None, typer.Option(help="Let conversations deploy to the cluster of this file (SEXTANT_KUBECONFIG).")
]
Context = Annotated[str | None, typer.Option(help="Context in the kubeconfig (SEXTANT_KUBE_CONTEXT).")]
KubernetesSettings = Annotated[
    Path | None, typer.Option(help="JSON file of settings for that cluster (SEXTANT_KUBERNETES_SETTINGS).")
]
Prometheus = Annotated[
    str, typer.Option(help="Prometheus that watches deployments, for links and findings (SEXTANT_PROMETHEUS_URL).")
]
Grafana = Annotated[str, typer.Option(help="Grafana with their dashboards, for links (SEXTANT_GRAFANA_URL).")]


def with_surroundings(
    settings: "Settings",
    *,
    kubeconfig: Path | None,
    context: str | None,
    kubernetes_settings: Path | None,
    prometheus: str,
    grafana: str,
) -> "Settings":
    """The settings with what the flags say in place of the environment. Raises BadInput."""
    from ui.settings import ClusterChoice, web_address

    known = settings.cluster or ClusterChoice()
    cluster = ClusterChoice(
        kubeconfig or known.kubeconfig, context or known.context, kubernetes_settings or known.settings
    )
    return replace(
        settings,
        cluster=cluster if cluster.kubeconfig or cluster.context else None,
        prometheus_url=web_address("--prometheus", prometheus) or settings.prometheus_url,
        grafana_url=web_address("--grafana", grafana) or settings.grafana_url,
    )
