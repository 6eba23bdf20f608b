"""Which target a command works with: the one that is named, or the one that a deployment was made on."""

from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.errors import BadInput
from ui.records import own_records

if TYPE_CHECKING:
    from agent.places import Place
    from knowledge.records import Deployment, Records
    from knowledge.snapshot import Snapshot
    from tools.deploy import Target
    from tools.kubernetes.settings import Settings
    from tools.kubernetes.target import KubernetesTarget
    from ui.settings import ClusterChoice

LOCAL = "local"
ON_KUBERNETES = ("kserve", "vanilla", "llmisvc")


def target_named(
    name: str, home: Path, snapshot: "Snapshot", *, settings: "Settings", kubeconfig: Path | None, context: str | None
) -> "Target":
    """The target of that name. `settings`, `kubeconfig` and `context` are for those on Kubernetes."""
    from tools.deploy.local import LocalTarget

    records = own_records()
    if name == LOCAL:
        return LocalTarget(home, records=records)
    if name in ON_KUBERNETES:
        from tools.kubernetes.target import KubernetesTarget

        return KubernetesTarget(
            home, snapshot, settings=settings, kubeconfig=kubeconfig, context=context, records=records
        )
    raise BadInput(
        f"unknown target: {name[:40]!r}", f"known targets: {', '.join((LOCAL, *ON_KUBERNETES))}", field="target"
    )


def cluster_place(choice: "ClusterChoice", home: Path, snapshot: "Snapshot", records: "Records") -> "Place":
    """The cluster as a place that conversations can deploy to. Raises BadInput when the kubeconfig names none."""
    from agent.places import Place
    from tools.kubernetes.target import KubernetesTarget
    from ui.kubernetes_settings import kubernetes_settings

    settings = kubernetes_settings(choice.settings, ())
    target = KubernetesTarget(
        home, snapshot, settings=settings, kubeconfig=choice.kubeconfig, context=choice.context, records=records
    )
    where = f"context {choice.context}" if choice.context else target.server
    what = f"the simulator as {settings.target}" if settings.simulator else settings.target
    title = f"namespace {settings.namespace} of {where}, {what}"
    return Place(target, title, rents=not settings.simulator)


def target_of(deployment: "Deployment", home: Path, records: "Records | None" = None) -> "Target":
    """The target that a deployment was made on."""
    from tools.deploy.local import LocalTarget

    if deployment.target == LOCAL:
        return LocalTarget(home, records=records)
    return kubernetes_target(home, records)


def kubernetes_target(home: Path, records: "Records | None" = None) -> "KubernetesTarget":
    """For what was deployed before: its cluster and settings are noted in the state directory."""
    from knowledge.snapshot import load
    from tools.kubernetes.target import KubernetesTarget

    return KubernetesTarget(home, load(), records=records)
