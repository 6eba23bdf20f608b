"""Where deployments go: a cluster with settings, the notes of what was applied there, and the records."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from knowledge.records import Deployment, Records, Replica
from knowledge.records.deployment import Deployments
from knowledge.snapshot import Snapshot
from tools.deploy import DeploymentSpec, process, read_specification
from tools.deploy.target import OnProgress
from tools.kubernetes.capabilities import adapted, capabilities
from tools.kubernetes.claim import holder
from tools.kubernetes.cluster import Cluster
from tools.kubernetes.endpoints import endpoint
from tools.kubernetes.following import Patience, follow, main_object
from tools.kubernetes.release import Release, release
from tools.kubernetes.rendering import pod_selector
from tools.kubernetes.revisions import Revision, Revisions
from tools.kubernetes.settings import Settings, read_settings

_START_MARGIN_S = 600.0


@dataclass(frozen=True, slots=True)
class Site:
    """What every step of a deployment needs. `ready_s` None: as long as the expected start takes."""

    home: Path
    snapshot: Snapshot
    settings: Settings
    kubeconfig: Path | None
    context: str | None
    cluster: Cluster
    all_records: Records
    ready_s: float | None
    hopeless_s: float

    @property
    def records(self) -> Deployments:
        """Of deployments."""
        return self.all_records.deployments

    @property
    def host(self) -> str:
        """The state directory that a deployment belongs to, where several share the records; empty otherwise."""
        return holder(self.home) if self.all_records.database.shared else ""

    def is_mine(self, deployment: Deployment) -> bool:
        """Whether its notes are to be found here."""
        return deployment.host in ("", self.host)

    def of(self, revision: Revision) -> "Site":
        """The site that a revision was applied to, with the settings it had."""
        kubeconfig = Path(revision.kubeconfig) if revision.kubeconfig else None
        return replace(
            self,
            settings=read_settings(revision.settings),
            kubeconfig=kubeconfig,
            context=revision.context,
            cluster=Cluster(kubeconfig, revision.context),
        )

    def release(self, spec: DeploymentSpec, time_factor: float) -> tuple[Release, tuple[str, ...]]:
        """The release of a specification here, and a sentence for each setting that the cluster changed."""
        settings, notes = adapted(self.settings, capabilities(self.cluster))
        if settings.simulator:
            settings = settings.model_copy(update={"time_factor": time_factor})
        return release(spec, settings, self.snapshot), notes

    def release_of(self, deployment: Deployment) -> Release:
        """The release of what is recorded."""
        return self.release(read_specification(deployment.spec), deployment.time_factor)[0]

    def revisions(self, built: Release) -> Revisions:
        """The notes of a release."""
        return Revisions(self.home, self.cluster.server, built.settings.namespace, built.name)

    def follow(self, built: Release, objects: tuple[Any, ...], on_progress: OnProgress) -> list[Replica]:
        """Wait until what was applied is ready; as many replicas as were planned, all at their service's address."""
        patience = Patience(self.ready_s or _START_MARGIN_S + 10.0 * built.sizing.startup_failures, self.hopeless_s)
        main = follow(
            self.cluster, main_object(objects), workload=built.workload, labels=pod_selector(built),
            resource=built.resource, replicas=built.spec.replicas, patience=patience, on_progress=on_progress,
        )  # fmt: skip
        return self.replicas(built, main)

    def replicas(self, built: Release, main: Mapping[str, Any]) -> list[Replica]:
        """What is recorded as running once `main` is ready."""
        return [Replica(endpoint(self.cluster, built, main))] * built.spec.replicas

    @contextmanager
    def starting(self) -> Iterator[None]:
        """One process at a time between a record that is pending and the note of what it applies.

        So whoever holds this knows that a pending record without a note was interrupted, and is not just beginning.
        """
        with process.gate(self.home / "kubernetes" / "starting.lock", wait_s=30.0):
            yield


@contextmanager
def gate(revisions: Revisions, *, patience_s: float) -> Iterator[None]:
    """One process at a time changes a release; Conflict when another does not end in time."""
    with process.gate(revisions.gate, wait_s=patience_s):
        yield
