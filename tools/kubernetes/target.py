"""The Kubernetes target: a specification applied to a cluster, followed until ready, undone when it does not become so.

Every step may be killed and repeated: what is to be applied is written down before the first object changes, applying
is idempotent, and one lock per release keeps two processes apart. See `tools.deploy.Target` for what a door promises.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from knowledge.errors import BadInput, NotFound, SextantError, Unavailable
from knowledge.records import Deployment, NewDeployment, Records, Replica
from knowledge.snapshot import Snapshot
from tools.deploy import DeploymentSpec, DeployProgress, ReplicaHealth, process, read_specification
from tools.deploy.target import OnProgress, ignore_progress
from tools.kubernetes.capabilities import adapted, capabilities
from tools.kubernetes.cluster import Cluster
from tools.kubernetes.drift import Drift, drift
from tools.kubernetes.endpoints import endpoint
from tools.kubernetes.findings import Finding, errors
from tools.kubernetes.following import Patience, follow, is_ready, main_object, why_not
from tools.kubernetes.pods import trouble
from tools.kubernetes.preflight import preflight
from tools.kubernetes.release import Release, release
from tools.kubernetes.rendering import objects_of, pod_selector, render
from tools.kubernetes.revisions import Revision, Revisions, find
from tools.kubernetes.settings import Settings
from tools.kubernetes.settings import read_settings as settings_from
from tools.kubernetes.undoing import gone, remove
from tools.kubernetes.validation import check

_LOCK_PATIENCE_S = 90.0
_GONE_PATIENCE_S = 120.0
_START_MARGIN_S = 600.0


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
        self._home, self._snapshot = home, snapshot
        self._settings = settings or Settings()
        self._kubeconfig, self._context = kubeconfig, context
        self._all_records = records or Records(home)
        self._records = self._all_records.deployments
        self._ready_s, self._hopeless_s = ready_s, hopeless_s
        self._cluster = Cluster(kubeconfig, context)

    def check(self, spec: DeploymentSpec) -> tuple[Finding, ...]:
        """Everything that is wrong with deploying this, offline and on the cluster; nothing is changed."""
        built, notes = self._release(spec, 1.0)
        manifests = render(built)
        found = check(built, manifests)
        online = () if errors(found) else preflight(self._cluster, built, objects_of(manifests))
        said = (Finding("note", built.name, "", note, "") for note in notes)
        return (*found, *online, *said)

    def apply(
        self,
        spec: DeploymentSpec,
        *,
        owner: str,
        thread: str,
        time_factor: float = 1.0,
        on_progress: OnProgress = ignore_progress,
    ) -> Deployment:
        """Make this specification run, once. What fails is taken back to the revision before, or to nothing."""
        built, notes = self._release(spec, time_factor)
        objects = objects_of(render(built))
        simulated = built.settings.simulator
        identity = self._records.reserve(
            NewDeployment(
                owner=owner,
                thread=thread,
                plan_hash=spec.plan_hash,
                target=self.name,
                spec=spec.to_json(),
                model_id=spec.model_id,
                gpu_type=spec.gpu_type,
                gpu_count=spec.gpu_count,
                engine="vllm-simulator" if simulated else "vllm",
                time_factor=time_factor if simulated else 1.0,
                monthly_cost_usd=spec.monthly_cost_usd,
                snapshot=spec.snapshot,
            )
        ).deployment_id
        on_progress(DeployProgress("reserved", 0.02, "; ".join(notes) or f"{identity} is recorded as pending"))
        revisions = self._revisions(built)
        with self._gate(revisions, patience_s=_LOCK_PATIENCE_S):
            deployment, current = self._records.get(identity), revisions.current()
            same = current is not None and (current.deployment_id, current.objects) == (identity, objects)
            runs = same and current is not None and current.state == "applied" and bool(deployment.replicas)
            if runs and not drift(self._cluster, objects):
                return deployment
            if deployment.state != "pending":
                deployment = self._records.move(
                    identity, "pending", who=owner, action="deploy", time_factor=time_factor if simulated else None,
                    replicas=(),
                )  # fmt: skip
            fresh = not same or current is None
            revision = self._noted(revisions, built, deployment, objects) if not same or current is None else current
            return self._bring_up(built, revisions, revision, fresh=fresh, who=owner, on_progress=on_progress)

    def health(self, deployment: Deployment) -> tuple[ReplicaHealth, ...]:
        """What the cluster says about the workload now; a cluster that does not answer makes it not ready."""
        revision = find(self._home, deployment.deployment_id)
        if revision is None or not deployment.replicas:
            return ()
        try:
            ready, words = self._like(revision)._condition(deployment, main_object(revision.objects))
        except SextantError as error:
            ready, words = False, error.message
        return tuple(ReplicaHealth(replica.endpoint, ready, words) for replica in deployment.replicas)

    def _condition(self, deployment: Deployment, main: Mapping[str, Any]) -> tuple[bool, str]:
        """Whether the workload is ready, and in words why not."""
        state = self._cluster.get(main)
        if state is not None and is_ready(state):
            return True, "ready"
        built, _ = self._release(read_specification(deployment.spec), deployment.time_factor)
        found = trouble(
            self._cluster, built.settings.namespace, pod_selector(built), built.workload, resource=built.resource
        )
        return False, found.words if found else why_not(main, self._cluster)

    def drift(self, deployment_id: str) -> tuple[Drift, ...]:
        """What is no longer as it was applied. Raises NotFound for a deployment that never reached a cluster."""
        identity = self._records.get(deployment_id).deployment_id
        revision = find(self._home, identity)
        if revision is None:
            raise NotFound("deployment on a cluster", identity)
        return drift(self._like(revision)._cluster, revision.objects)

    def rollback(self, deployment_id: str, *, who: str, on_progress: OnProgress = ignore_progress) -> Deployment:
        """Return to the revision before this one, or to nothing; repeating it changes nothing."""
        deployment = self._records.get(deployment_id)
        identity = deployment.deployment_id
        revision = find(self._home, identity)
        if revision is None:
            return self._rolled_back(deployment, who, "nothing was applied")
        other = self._like(revision)
        built, _ = other._release(read_specification(deployment.spec), deployment.time_factor)
        revisions = other._revisions(built)
        with self._gate(revisions, patience_s=_LOCK_PATIENCE_S):
            current, deployment = revisions.current(), self._records.get(identity)
            if current is None or current.deployment_id != identity:
                for entry in revisions.all():
                    if entry.deployment_id == identity and entry.state == "replaced":
                        revisions.move(entry, "undone")  # nobody returns to it
                return self._rolled_back(deployment, who, "")
            previous = revisions.before(current.number)
            on_progress(DeployProgress("undoing", 0.2, _towards(previous)))
            other._undo(revisions, current, who=who, on_progress=on_progress)
            same = previous is not None and previous.deployment_id == identity
            after = self._records.get(identity) if same else self._rolled_back(deployment, who, "")
            on_progress(DeployProgress("rolled_back", 1.0, _towards(previous)))
            return after

    def reconcile(self, *, resume: bool = False) -> tuple[Deployment, ...]:
        """Finish (`resume`) or undo what was interrupted, and record what has vanished from its cluster."""
        mine = [entry for entry in self._records.all() if entry.target == self.name]
        changed = [self._reconciled(entry, resume=resume) for entry in mine]
        return tuple(entry for entry in changed if entry is not None)

    def _reconciled(self, entry: Deployment, *, resume: bool) -> Deployment | None:
        revision = find(self._home, entry.deployment_id)
        if revision is None:
            return self._failed(entry, "interrupted before anything was applied") if entry.state == "pending" else None
        other = self._like(revision)
        if entry.state == "pending" and resume:
            try:
                return other.apply(read_specification(entry.spec), owner=entry.owner, thread=entry.thread,
                                   time_factor=entry.time_factor)  # fmt: skip
            except SextantError:
                return self._records.get(entry.deployment_id)
        if entry.state != "pending" and not entry.replicas:
            return None
        try:
            built, _ = other._release(read_specification(entry.spec), entry.time_factor)
            revisions = other._revisions(built)
            with self._gate(revisions, patience_s=0):
                entry = self._records.get(entry.deployment_id)
                current = revisions.current()
                if entry.state == "pending" and current is not None and current.deployment_id == entry.deployment_id:
                    other._undo(revisions, current, who="reconcile", on_progress=ignore_progress)
                    return self._failed(entry, "interrupted")
                if entry.replicas and other._cluster.get(main_object(revision.objects)) is None:
                    return self._failed(entry, f"{main_object(revision.objects)['kind']} is gone from the cluster")
        except SextantError:
            return None  # another process is at it, or the cluster is away: nothing is known, nothing is changed
        return None

    def _bring_up(
        self,
        built: Release,
        revisions: Revisions,
        revision: Revision,
        *,
        fresh: bool,
        who: str,
        on_progress: OnProgress,
    ) -> Deployment:
        """From `pending` to `applied`, or to `failed` with the state before restored."""
        identity, objects = revision.deployment_id, revision.objects
        touched = not fresh
        try:
            self._refuse_what_cannot_work(built, objects, on_progress)
            touched = True
            for number, entry in enumerate(objects):
                note = f"{entry['kind']} {entry['metadata']['name']}"
                on_progress(DeployProgress("applying", 0.1 + 0.4 * number / len(objects), note))
                self._cluster.apply(entry)
            main = self._follow(built, objects, on_progress)
            replicas = _replicas(endpoint(self._cluster, built, main), built)
        except BaseException as error:
            self._give_up(revisions, revision, error, touched=touched, who=who, on_progress=on_progress)
            raise
        self._retire(revisions, revision, who)
        revisions.move(revision, "applied")
        applied = self._records.move(identity, "applied", who=who, action="deploy", replicas=replicas)
        self._all_records.audit.add(
            who=who, action="apply", subject=identity, plan_hash=revision.plan_hash,
            result=f"revision {revision.number} of {built.settings.namespace}/{built.name}: {len(objects)} objects,"
            f" digest {revision.digest}, on {self._cluster.server}",
        )  # fmt: skip
        on_progress(DeployProgress("applied", 1.0, f"{identity} serves on {replicas[0].endpoint}"))
        return applied

    def _give_up(
        self,
        revisions: Revisions,
        revision: Revision,
        error: BaseException,
        *,
        touched: bool,
        who: str,
        on_progress: OnProgress,
    ) -> None:
        """After a failure: the cluster as it was before, where it was `touched` at all, and the records true to it."""
        reason = error.message if isinstance(error, SextantError) else f"stopped by {type(error).__name__}"
        previous = revisions.before(revision.number)
        own = previous is not None and previous.deployment_id == revision.deployment_id
        try:
            if touched:
                self._undo(revisions, revision, who=who, on_progress=on_progress)
            else:
                revisions.move(revision, "undone")
                if own and previous is not None:
                    self._revive(previous, who=who, on_progress=on_progress)
        except SextantError as second:
            reason += f"; and what was applied is still there: {second.message}"
            own = False
        if not own:
            self._records.move(revision.deployment_id, "failed", who=who, action="deploy", reason=reason, replicas=())

    def _refuse_what_cannot_work(self, built: Release, objects: tuple[Any, ...], on_progress: OnProgress) -> None:
        on_progress(DeployProgress("checking", 0.05, "checking objects, rights and a dry run"))
        found = errors(check(built, render(built))) or errors(preflight(self._cluster, built, objects))
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise BadInput(
                f"{found[0].subject} {found[0].field}".strip() + f": {found[0].problem}{more}", found[0].cure
            )

    def _follow(self, built: Release, objects: tuple[Any, ...], on_progress: OnProgress) -> dict[str, Any]:
        patience = Patience(self._ready_s or _START_MARGIN_S + 10.0 * built.sizing.startup_failures, self._hopeless_s)
        return follow(
            self._cluster, main_object(objects), workload=built.workload, labels=pod_selector(built),
            resource=built.resource, replicas=built.spec.replicas, patience=patience, on_progress=on_progress,
        )  # fmt: skip

    def _undo(self, revisions: Revisions, revision: Revision, *, who: str, on_progress: OnProgress) -> None:
        """Make the cluster as it was before this revision, and say so in the notes."""
        previous = revisions.before(revision.number)
        kept = previous.objects if previous else ()
        remove(self._cluster, revision.objects, keep=kept)
        for entry in kept:
            self._cluster.apply(entry)
        if previous is None:
            if not gone(self._cluster, revision.objects, _GONE_PATIENCE_S):
                raise Unavailable(
                    "the workload does not go away", "see its finalizers and events, then roll back again"
                )
            revisions.move(revision, "undone")
            return
        self._restore(revisions, revision, previous, who=who, on_progress=on_progress)

    def _restore(
        self, revisions: Revisions, revision: Revision, previous: Revision, *, who: str, on_progress: OnProgress
    ) -> None:
        """The revision before runs again; its own deployment is `applied` once more."""
        self._revive(previous, who=who, on_progress=on_progress)
        revisions.move(previous, "applied")
        revisions.move(revision, "undone")

    def _revive(self, previous: Revision, *, who: str, on_progress: OnProgress) -> None:
        """The record of a deployment that a rollback brought back."""
        back = self._records.get(previous.deployment_id)
        other = self._like(previous)
        built, _ = other._release(read_specification(back.spec), back.time_factor)
        main = other._follow(built, previous.objects, on_progress)
        if back.state != "pending":
            self._records.move(back.deployment_id, "pending", who=who, action="rollback", reason="restored")
        self._records.move(
            back.deployment_id, "applied", who=who, action="rollback", reason="restored by a rollback",
            replicas=_replicas(endpoint(self._cluster, built, main), built),
        )  # fmt: skip

    def _retire(self, revisions: Revisions, revision: Revision, who: str) -> None:
        """What this revision replaces: its leftovers go, and its deployment no longer runs."""
        for earlier in revisions.all():
            if earlier.number >= revision.number or earlier.state not in ("applied", "applying"):
                continue
            remove(self._cluster, earlier.objects, keep=revision.objects)
            revisions.move(earlier, "replaced")
            before = self._records.get(earlier.deployment_id)
            if earlier.deployment_id != revision.deployment_id and before.replicas:
                reason = f"replaced by {revision.deployment_id}"
                self._records.move(
                    before.deployment_id, "rolled_back", who=who, action="deploy", reason=reason, replicas=()
                )

    def _noted(
        self, revisions: Revisions, built: Release, deployment: Deployment, objects: tuple[Any, ...]
    ) -> Revision:
        """A new revision, written down before anything changes."""
        known = revisions.all()
        return revisions.put(
            Revision(
                number=known[-1].number + 1 if known else 1,
                state="applying",
                deployment_id=deployment.deployment_id,
                plan_hash=deployment.plan_hash,
                objects=objects,
                settings=built.settings.model_dump(mode="json", exclude_unset=True),
                kubeconfig=str(self._kubeconfig.absolute()) if self._kubeconfig else None,
                context=self._context,
            )
        )

    def _release(self, spec: DeploymentSpec, time_factor: float) -> tuple[Release, tuple[str, ...]]:
        settings, notes = adapted(self._settings, capabilities(self._cluster))
        if settings.simulator:
            settings = settings.model_copy(update={"time_factor": time_factor})
        return release(spec, settings, self._snapshot), notes

    def _revisions(self, built: Release) -> Revisions:
        return Revisions(self._home, self._cluster.server, built.settings.namespace, built.name)

    def _like(self, revision: Revision) -> "KubernetesTarget":
        """The target that a revision was applied with."""
        return KubernetesTarget(
            self._home,
            self._snapshot,
            settings=settings_from(revision.settings),
            kubeconfig=Path(revision.kubeconfig) if revision.kubeconfig else None,
            context=revision.context,
            records=self._all_records,
            ready_s=self._ready_s,
            hopeless_s=self._hopeless_s,
        )

    def _rolled_back(self, deployment: Deployment, who: str, reason: str) -> Deployment:
        if deployment.state == "rolled_back":
            return deployment
        return self._records.move(
            deployment.deployment_id, "rolled_back", who=who, action="rollback", reason=reason, replicas=()
        )

    def _failed(self, deployment: Deployment, reason: str) -> Deployment:
        return self._records.move(
            deployment.deployment_id, "failed", who="reconcile", action="reconcile", reason=reason, replicas=()
        )

    @contextmanager
    def _gate(self, revisions: Revisions, *, patience_s: float) -> Iterator[None]:
        with process.gate(revisions.gate, wait_s=patience_s):
            yield


def _towards(previous: Revision | None) -> str:
    return f"back to revision {previous.number}" if previous else "back to nothing"


def _replicas(address: str, built: Release) -> list[Replica]:
    """As many as were planned; all answer at the one address of their service."""
    return [Replica(address)] * built.spec.replicas
