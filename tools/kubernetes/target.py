"""The Kubernetes target: a specification applied to a cluster, followed until ready, undone when it does not become so.

One lock per release keeps the processes of a state directory apart, and a claim on the cluster those of different
ones. See `tools.deploy.Target` for what a door promises, and `rollout` for how a step survives being killed.
"""

from pathlib import Path
from typing import Any

from knowledge.errors import Conflict, NotFound, SextantError
from knowledge.records import Deployment, NewDeployment, Records
from knowledge.snapshot import Snapshot
from tools.deploy import DeploymentSpec, DeployProgress, ReplicaHealth, read_specification
from tools.deploy.simulator_command import ENGINE as SIMULATED
from tools.deploy.target import OnProgress, ignore_progress, new_deployment
from tools.kubernetes.claim import holder, refuse_what_another_holds
from tools.kubernetes.cluster import Cluster
from tools.kubernetes.drift import Drift, drift
from tools.kubernetes.findings import Finding, errors
from tools.kubernetes.following import is_ready, main_object, why_not
from tools.kubernetes.pods import trouble
from tools.kubernetes.preflight import preflight
from tools.kubernetes.reconciling import reconciled, resumable
from tools.kubernetes.release import Release
from tools.kubernetes.rendering import objects_of, pod_selector, render
from tools.kubernetes.revisions import Revision, Revisions, find
from tools.kubernetes.rollout import Rollout
from tools.kubernetes.settings import Settings
from tools.kubernetes.site import Site, gate
from tools.kubernetes.validation import check

_LOCK_PATIENCE_S = 90.0


class KubernetesTarget:
    """Deploys to the cluster of a kubeconfig with these settings, keeping notes under the state directory `home`."""

    name = "kubernetes"

    def __init__(
        self,
        home: Path,
        snapshot: Snapshot,
        *,
        settings: Settings | None = None,
        kubeconfig: Path | None = None,
        context: str | None = None,
        records: Records | None = None,
        ready_s: float | None = None,
        hopeless_s: float = 90.0,
    ) -> None:
        self._site = Site(
            home=home,
            snapshot=snapshot,
            settings=settings or Settings(),
            kubeconfig=kubeconfig,
            context=context,
            cluster=Cluster(kubeconfig, context),
            all_records=records or Records(home),
            ready_s=ready_s,
            hopeless_s=hopeless_s,
        )
        self._records = self._site.records

    @property
    def settings(self) -> Settings:
        """What was decided for its deployments."""
        return self._site.settings

    @property
    def server(self) -> str:
        """Address of the cluster. Raises BadInput when the kubeconfig names none."""
        return self._site.cluster.server

    def planned(self, spec: DeploymentSpec, time_factor: float = 1.0) -> tuple[Release, tuple[str, ...]]:
        """What `apply` would roll out on this cluster, and what it would leave out because the cluster lacks it."""
        return self._site.release(spec, time_factor)

    def check(self, spec: DeploymentSpec) -> tuple[Finding, ...]:
        """Everything that is wrong with deploying this, offline and on the cluster; nothing is changed."""
        built, notes = self._site.release(spec, 1.0)
        manifests = render(built)
        found = check(built, manifests)
        online = () if errors(found) else preflight(self._site.cluster, built, objects_of(manifests))
        held = () if errors((*found, *online)) else self._held_elsewhere(built)
        said = (Finding("note", built.name, "", note, "") for note in notes)
        return (*found, *online, *held, *said)

    def apply(
        self,
        spec: DeploymentSpec,
        *,
        owner: str,
        thread: str,
        time_factor: float = 1.0,
        on_progress: OnProgress = ignore_progress,
    ) -> Deployment:
        """Make this specification run, once. What fails is taken back to the revision before, or to nothing.

        Raises Conflict when another plan is being applied under this name, or was while this one waited.
        """
        built, notes = self._site.release(spec, time_factor)
        objects = objects_of(render(built))
        new = self._new(spec, built, owner, thread, time_factor)
        identity, revisions = new.deployment_id, self._site.revisions(built)
        seen = revisions.current()
        _refuse_while_another_changes(revisions, built, identity)
        with gate(revisions, patience_s=_LOCK_PATIENCE_S):
            current = revisions.current()
            if _replaced_meanwhile(seen, current, identity):
                raise _taken(built, current)
            self._refuse_what_is_somebody_else_s(built, current, owner)
            same = current is not None and (current.deployment_id, current.objects) == (identity, objects)
            if same and current is not None:
                deployment, revision = self._records.reserve(new), current
                runs = current.state == "applied" and bool(deployment.replicas)
                if runs and not drift(self._site.cluster, objects):
                    return deployment
                self._begun(deployment, new)
            else:
                with self._site.starting():
                    deployment = self._begun(self._records.reserve(new), new)
                    revision = self._noted(revisions, built, deployment, objects)
            on_progress(DeployProgress("reserved", 0.02, "; ".join(notes) or f"{identity} is recorded as pending"))
            return Rollout(self._site, built, revisions, owner, on_progress).bring_up(revision, fresh=not same)

    def _refuse_what_is_somebody_else_s(self, built: Release, current: Revision | None, owner: str) -> None:
        """Conflict when what runs under this name was deployed by another person: nobody replaces it unasked."""
        runs = self._records.get(current.deployment_id) if current is not None else None
        if runs is not None and runs.replicas and runs.owner != owner:
            raise Conflict(
                f"{built.name} in {built.settings.namespace} is {runs.owner}'s ({runs.deployment_id})",
                "deploy under another name or namespace, or ask for it to be rolled back",
            )

    def health(self, deployment: Deployment) -> tuple[ReplicaHealth, ...]:
        """What the cluster says about the workload now; a cluster that does not answer makes it not ready."""
        revision = find(self._site.home, deployment.deployment_id)
        if revision is None or not deployment.replicas:
            return ()
        try:
            ready, words = _condition(self._site.of(revision), deployment, revision)
        except SextantError as error:
            ready, words = False, error.message
        return tuple(ReplicaHealth(replica.endpoint, ready, words) for replica in deployment.replicas)

    def drift(self, deployment_id: str) -> tuple[Drift, ...]:
        """What is no longer as it was applied. Raises NotFound for a deployment that never reached a cluster."""
        identity = self._records.get(deployment_id).deployment_id
        revision = find(self._site.home, identity)
        if revision is None:
            raise NotFound("deployment on a cluster", identity)
        return drift(self._site.of(revision).cluster, revision.objects)

    def rollback(self, deployment_id: str, *, who: str, on_progress: OnProgress = ignore_progress) -> Deployment:
        """Return to the revision before this one, or to nothing; repeating it changes nothing."""
        deployment = self._records.get(deployment_id)
        identity = deployment.deployment_id
        revision = find(self._site.home, identity)
        if revision is None:
            if deployment.replicas:
                raise Conflict(
                    f"{identity} was deployed from another state directory", "roll it back with that SEXTANT_HOME"
                )
            return self._rolled_back(deployment, who, "nothing was applied")
        site = self._site.of(revision)
        built = site.release_of(deployment)
        revisions = site.revisions(built)
        with gate(revisions, patience_s=_LOCK_PATIENCE_S):
            current, deployment = revisions.current(), self._records.get(identity)
            if current is None or current.deployment_id != identity:
                for entry in revisions.all():
                    if entry.deployment_id == identity and entry.state == "replaced":
                        revisions.move(entry, "undone")  # nobody returns to it
                return self._rolled_back(deployment, who, "")
            previous = revisions.before(current.number)
            on_progress(DeployProgress("undoing", 0.2, _towards(previous)))
            Rollout(site, built, revisions, who, on_progress).undo(current)
            same = previous is not None and previous.deployment_id == identity
            after = self._records.get(identity) if same else self._rolled_back(deployment, who, "")
            on_progress(DeployProgress("rolled_back", 1.0, _towards(previous)))
            return after

    def reconcile(self, *, resume: bool = False) -> tuple[Deployment, ...]:
        """Finish (`resume`) or undo what was interrupted, and record what has vanished from its cluster."""
        mine = [entry for entry in self._records.all() if entry.target == self.name and self._site.is_mine(entry)]
        changed = [self._resumed(entry) if resume else None for entry in mine]
        found = [done or reconciled(self._site, entry) for done, entry in zip(changed, mine, strict=True)]
        return tuple(entry for entry in found if entry is not None)

    def _resumed(self, entry: Deployment) -> Deployment | None:
        """An interrupted deployment, finished or failed; None where there is nothing to resume."""
        revision = resumable(self._site, entry)
        if revision is None:
            return None
        site = self._site.of(revision)
        other = KubernetesTarget(
            site.home, site.snapshot, settings=site.settings, kubeconfig=site.kubeconfig, context=site.context,
            records=site.all_records, ready_s=site.ready_s, hopeless_s=site.hopeless_s,
        )  # fmt: skip
        try:
            return other.apply(
                read_specification(entry.spec), owner=entry.owner, thread=entry.thread, time_factor=entry.time_factor
            )
        except SextantError:
            return self._records.get(entry.deployment_id)

    def _held_elsewhere(self, built: Release) -> tuple[Finding, ...]:
        """An error when another state directory holds this release."""
        live = self._site.cluster.get(built.plan_reference)
        try:
            refuse_what_another_holds(live, built, holder(self._site.home))
        except Conflict as conflict:
            subject = f"ConfigMap/{built.plan_object}"
            return (Finding("error", subject, "metadata", conflict.message, conflict.cure),)
        return ()

    def _new(self, spec: DeploymentSpec, built: Release, owner: str, thread: str, time_factor: float) -> NewDeployment:
        simulated = built.settings.simulator
        return new_deployment(
            spec,
            owner=owner,
            thread=thread,
            target=self.name,
            engine=SIMULATED if simulated else "vllm",
            time_factor=time_factor if simulated else 1.0,
            host=self._site.host,
        )

    def _begun(self, deployment: Deployment, new: NewDeployment) -> Deployment:
        """Its record as pending, with nothing of it running."""
        if deployment.state == "pending":
            if not self._site.is_mine(deployment):
                raise Conflict(
                    f"{deployment.deployment_id} is being applied by another Sextant, {deployment.host}", "wait for it"
                )
            return deployment
        return self._records.move(
            deployment.deployment_id, "pending", who=new.owner, action="deploy", time_factor=new.time_factor,
            replicas=(), host=new.host,
        )  # fmt: skip

    def _noted(
        self, revisions: Revisions, built: Release, deployment: Deployment, objects: tuple[Any, ...]
    ) -> Revision:
        """A new revision, written down before anything changes."""
        known, site = revisions.all(), self._site
        return revisions.put(
            Revision(
                number=known[-1].number + 1 if known else 1,
                state="applying",
                deployment_id=deployment.deployment_id,
                plan_hash=deployment.plan_hash,
                objects=objects,
                settings=built.settings.model_dump(mode="json", exclude_unset=True),
                kubeconfig=str(site.kubeconfig.absolute()) if site.kubeconfig else None,
                context=site.context,
            )
        )

    def _rolled_back(self, deployment: Deployment, who: str, reason: str) -> Deployment:
        if deployment.state == "rolled_back":
            return deployment
        return self._records.move(
            deployment.deployment_id, "rolled_back", who=who, action="rollback", reason=reason, replicas=()
        )


def _refuse_while_another_changes(revisions: Revisions, built: Release, identity: str) -> None:
    """Conflict at once, and nothing recorded, while a process applies another plan under this name."""
    current = revisions.current()
    if current is None or current.state != "applying" or current.deployment_id == identity:
        return
    try:
        with gate(revisions, patience_s=0):
            return  # nobody is at it: it was interrupted, and this plan may replace it
    except Conflict:
        raise _taken(built, current) from None


def _replaced_meanwhile(seen: Revision | None, current: Revision | None, identity: str) -> bool:
    """Whether another plan came while this one waited: what it would replace is not what its person saw."""
    if current is None or current.deployment_id == identity:
        return False
    return seen is None or current.number != seen.number


def _taken(built: Release, current: Revision | None) -> Conflict:
    other = current.deployment_id if current else "another plan"
    return Conflict(
        f"{other} is being applied as {built.name} in {built.settings.namespace}, or just was",
        f"look at it with `sextant status {other}`, then deploy again to replace it, or choose another --name",
    )


def _condition(site: Site, deployment: Deployment, revision: Revision) -> tuple[bool, str]:
    """Whether the workload is ready, and in words why not."""
    main = main_object(revision.objects)
    state = site.cluster.get(main)
    if state is not None and is_ready(state):
        return True, "ready"
    built = site.release_of(deployment)
    found = trouble(
        site.cluster, built.settings.namespace, pod_selector(built), built.workload, resource=built.resource,
        replicas=built.spec.replicas,
    )  # fmt: skip
    return False, found.words if found else why_not(main, site.cluster)


def _towards(previous: Revision | None) -> str:
    return f"back to revision {previous.number}" if previous else "back to nothing"
