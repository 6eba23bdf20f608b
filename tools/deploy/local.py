"""The local target: each replica is a simulator process on this machine, supervised through its run file.

At most `max_replicas` processes are started however many replicas were planned; every process simulates one whole
replica, so a load test sends each of them one replica's share of the planned rate.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from knowledge.errors import Conflict, SextantError, Unavailable
from knowledge.records import Deployment, NewDeployment, Records
from tools.deploy import process, replicas
from tools.deploy.pace import pace
from tools.deploy.replicas import Launch
from tools.deploy.simulator_command import ENGINE, ReplicaCommand, simulator_command
from tools.deploy.specification import DeploymentSpec, read_specification
from tools.deploy.target import DeployProgress, OnProgress, ReplicaHealth, ignore_progress

FIRST_PORT = 8100
_LOCK_PATIENCE_S = 90.0


class LocalTarget:
    """Deploys onto simulator processes under the state directory `home`. See `Target` for what each door promises.

    With `tied` the processes end when this process ends, also when it is killed; else they run until rolled back.
    """

    name = "local"

    def __init__(
        self,
        home: Path,
        *,
        records: Records | None = None,
        command: ReplicaCommand = simulator_command,
        max_replicas: int = 2,
        health_deadline_s: float = 60.0,
        first_port: int = FIRST_PORT,
        tied: bool = False,
    ) -> None:
        self._records = (records or Records(home)).deployments
        self._home = home / "deployments"
        self._command = command
        self._max_replicas = max_replicas
        self._health_deadline_s = health_deadline_s
        self._first_port = first_port
        self._owner = process.myself() if tied else "-"

    def apply(
        self,
        spec: DeploymentSpec,
        *,
        owner: str,
        thread: str,
        time_factor: float = 1.0,
        on_progress: OnProgress = ignore_progress,
    ) -> Deployment:
        """Make this specification run, once, and return its record; what runs already is left alone.

        The time factor is lowered to what this machine can simulate and measure honestly (see `pace`).
        """
        possible = pace(spec, wanted_factor=time_factor, max_replicas=self._max_replicas)
        new = NewDeployment(
            owner=owner,
            thread=thread,
            plan_hash=spec.plan_hash,
            target=self.name,
            spec=spec.to_json(),
            model_id=spec.model_id,
            gpu_type=spec.gpu_type,
            gpu_count=spec.gpu_count,
            engine=ENGINE,
            time_factor=possible.time_factor,
            monthly_cost_usd=spec.monthly_cost_usd,
            snapshot=spec.snapshot,
        )
        identity = self._records.reserve(new).deployment_id
        on_progress(DeployProgress("reserved", 0.05, possible.note or f"{identity} is recorded as pending"))
        with self._gate(identity, patience_s=_LOCK_PATIENCE_S) as gate_fd:
            deployment = self._records.get(identity)
            if deployment.replicas and not self._gone(deployment):
                return deployment
            if deployment.state != "pending":
                deployment = self._records.move(
                    identity, "pending", who=owner, action="deploy", time_factor=possible.time_factor, replicas=()
                )
            return self._bring_up(deployment, spec, who=owner, gate_fd=gate_fd, on_progress=on_progress)

    def health(self, deployment: Deployment) -> tuple[ReplicaHealth, ...]:
        """Asks every recorded replica now."""
        return replicas.health(self._home / deployment.deployment_id, deployment.replicas)

    def rollback(self, deployment_id: str, *, who: str, on_progress: OnProgress = ignore_progress) -> Deployment:
        """Stop every process of a deployment and record it as rolled back; repeating it changes nothing."""
        identity = self._records.get(deployment_id).deployment_id
        with self._gate(identity, patience_s=_LOCK_PATIENCE_S):
            deployment = self._records.get(identity)
            if deployment.state != "rolled_back":
                deployment = self._records.move(identity, "rolled_back", who=who, action="rollback", replicas=())
            on_progress(DeployProgress("stopping", 0.3, f"stopping {identity}"))
            stopped = replicas.stop(self._home / identity)
            on_progress(DeployProgress("rolled_back", 1.0, f"{stopped} processes stopped"))
        return deployment

    def reconcile(self, *, resume: bool = False) -> tuple[Deployment, ...]:
        """Bring records and reality together after a crash; returns the deployments whose record changed.

        An interrupted apply is finished with `resume`, else cleaned up and recorded as failed. A deployment that has
        lost a process is stopped and recorded as failed, with the reason. What another process is changing stays.
        """
        mine = [entry.deployment_id for entry in self._records.all() if entry.target == self.name]
        changed = [self._reconciled(identity, resume=resume) for identity in mine]
        return tuple(entry for entry in changed if entry is not None)

    def _reconciled(self, identity: str, *, resume: bool) -> Deployment | None:
        try:
            with self._gate(identity, patience_s=0) as gate_fd:
                deployment = self._records.get(identity)
                if deployment.state == "pending":
                    return self._finish(deployment, gate_fd) if resume else self._fail(deployment, "interrupted")
                if not deployment.replicas:
                    replicas.stop(self._home / identity)
                    return None
                reason = self._gone(deployment)
                return self._fail(deployment, reason) if reason else None
        except Conflict:
            return None

    def _finish(self, deployment: Deployment, gate_fd: int) -> Deployment:
        spec = read_specification(deployment.spec)
        try:
            return self._bring_up(deployment, spec, who="reconcile", gate_fd=gate_fd, on_progress=ignore_progress)
        except Unavailable:
            return self._records.get(deployment.deployment_id)

    def _fail(self, deployment: Deployment, reason: str) -> Deployment:
        replicas.stop(self._home / deployment.deployment_id)
        return self._records.move(
            deployment.deployment_id, "failed", who="reconcile", action="reconcile", reason=reason, replicas=()
        )

    def _bring_up(
        self, deployment: Deployment, spec: DeploymentSpec, *, who: str, gate_fd: int, on_progress: OnProgress
    ) -> Deployment:
        """From `pending` to `applied`, or to `failed` with nothing left running."""
        identity = deployment.deployment_id
        launch = Launch(
            directory=self._home / identity,
            count=pace(spec, wanted_factor=deployment.time_factor, max_replicas=self._max_replicas).replicas,
            command=lambda port, number: self._command(spec, port, deployment.time_factor, number),
            gate_fd=gate_fd,
            owner=self._owner,
            first_port=self._first_port,
            health_deadline_s=self._health_deadline_s,
        )
        try:
            running = launch.up(on_progress)
            on_progress(DeployProgress("healthy", 0.95, f"{len(running)} of {spec.replicas} planned replicas run here"))
        except BaseException as error:
            replicas.stop(self._home / identity)
            reason = error.message if isinstance(error, SextantError) else f"stopped by {type(error).__name__}"
            self._records.move(identity, "failed", who=who, action="deploy", reason=reason, replicas=())
            raise
        applied = self._records.move(identity, "applied", who=who, action="deploy", replicas=running)
        on_progress(DeployProgress("applied", 1.0, f"{identity} serves on {', '.join(applied.endpoints)}"))
        return applied

    def _gone(self, deployment: Deployment) -> str:
        return replicas.gone(self._home / deployment.deployment_id, deployment.replicas)

    @contextmanager
    def _gate(self, identity: str, *, patience_s: float) -> Iterator[int]:
        with process.gate(self._home / identity / "gate.lock", wait_s=patience_s) as descriptor:
            yield descriptor
