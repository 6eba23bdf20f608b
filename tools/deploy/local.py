"""The local target: each replica is a simulator process on this machine, supervised through its run file.

At most `max_replicas` processes are started however many replicas were planned; every process simulates one whole
replica, so a load test sends each of them one replica's share of the planned rate.

Processes belong to one machine and one state directory. Where several share a database, a deployment carries its host:
that one supervises it, the others show it and can roll it back, and one of them takes over what an approval began on a
host that is gone.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from knowledge.errors import Conflict, Unavailable
from knowledge.records import Deployment, Records
from tools.deploy import process, replicas
from tools.deploy.pace import pace
from tools.deploy.replicas import Launch
from tools.deploy.simulator_command import ENGINE, ReplicaCommand, simulator_command
from tools.deploy.specification import DeploymentSpec, read_specification
from tools.deploy.target import (
    DeployProgress,
    OnProgress,
    ReplicaHealth,
    ignore_progress,
    new_deployment,
    why_stopped,
)

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
        machine: str = "",
        command: ReplicaCommand = simulator_command,
        max_replicas: int = 2,
        health_deadline_s: float = 60.0,
        first_port: int = FIRST_PORT,
        tied: bool = False,
    ) -> None:
        kept = records or Records(home)
        self._database = kept.database
        self._records = kept.deployments
        self._home = home / "deployments"
        self._machine = machine or socket.gethostname()
        self._host = f"{self._machine}:{home.resolve()}" if kept.database.shared else ""
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
        new = new_deployment(
            spec,
            owner=owner,
            thread=thread,
            target=self.name,
            engine=ENGINE,
            time_factor=possible.time_factor,
            host=self._host,
        )
        identity = self._records.reserve(new).deployment_id
        on_progress(DeployProgress("reserved", 0.05, possible.note or f"{identity} is recorded as pending"))
        with self._gate(identity, patience_s=_LOCK_PATIENCE_S) as gate_fd:
            deployment = self._records.get(identity)
            if deployment.replicas and not self._gone(deployment):
                return deployment
            if deployment.state != "pending" or deployment.host != self._host:
                deployment = self._records.move(
                    identity,
                    "pending",
                    who=owner,
                    action="deploy",
                    time_factor=possible.time_factor,
                    replicas=(),
                    host=self._host,
                )
            return self._bring_up(deployment, spec, who=owner, gate_fd=gate_fd, on_progress=on_progress)

    def health(self, deployment: Deployment) -> tuple[ReplicaHealth, ...]:
        """Asks every recorded replica now, as far as they are on this machine."""
        if self._is_mine(deployment):
            return replicas.health(self._home / deployment.deployment_id, deployment.replicas)
        if self._is_near(deployment):
            return replicas.asked(deployment.replicas)
        where = f"it belongs to {deployment.host}; ask there"
        return tuple(ReplicaHealth(replica.endpoint, False, where) for replica in deployment.replicas)

    def rollback(self, deployment_id: str, *, who: str, on_progress: OnProgress = ignore_progress) -> Deployment:
        """Stop every process of a deployment and record it as rolled back; repeating it changes nothing.

        Those on another machine are stopped there when it next reconciles, which a server does every half minute.
        """
        identity = self._records.get(deployment_id).deployment_id
        with self._gate(identity, patience_s=_LOCK_PATIENCE_S):
            deployment = self._records.get(identity)
            if deployment.state != "rolled_back":
                deployment = self._records.move(identity, "rolled_back", who=who, action="rollback", replicas=())
            on_progress(DeployProgress("stopping", 0.3, f"stopping {identity}"))
            stopped = replicas.stop(self._home / identity)
            note = f"{stopped} processes stopped"
            if not self._is_mine(deployment):
                note = f"{deployment.host} stops its processes within a minute, if it still runs"
            on_progress(DeployProgress("rolled_back", 1.0, note))
        return deployment

    def reconcile(self, *, resume: bool = False) -> tuple[Deployment, ...]:
        """Bring records and reality together after a crash; returns the deployments whose record changed.

        An interrupted apply is finished with `resume`, else cleaned up and recorded as failed. A deployment that has
        lost a process is stopped and recorded as failed, with the reason. What another process is changing stays.
        Other machines look after their own; what one of them has taken over is stopped here.
        """
        local = [entry for entry in self._records.all() if entry.target == self.name]
        open_here = [entry for entry in local if self._concerns(entry)]
        changed = [self._reconciled(entry.deployment_id, resume=resume) for entry in open_here]
        return tuple(entry for entry in changed if entry is not None)

    def _reconciled(self, identity: str, *, resume: bool) -> Deployment | None:
        try:
            with self._gate(identity, patience_s=0) as gate_fd:
                deployment = self._records.get(identity)
                if not self._is_mine(deployment):
                    replicas.stop(self._home / identity)
                    return None
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
            reason = why_stopped(error)
            self._records.move(identity, "failed", who=who, action="deploy", reason=reason, replicas=())
            raise
        applied = self._records.move(identity, "applied", who=who, action="deploy", replicas=running)
        on_progress(DeployProgress("applied", 1.0, f"{identity} serves on {', '.join(applied.endpoints)}"))
        return applied

    def _gone(self, deployment: Deployment) -> str:
        if self._is_mine(deployment):
            return replicas.gone(self._home / deployment.deployment_id, deployment.replicas)
        silent = not self._is_near(deployment) or any(not entry.ready for entry in replicas.asked(deployment.replicas))
        return f"it ran on {deployment.host}, which does not answer here" if silent else ""

    def _concerns(self, deployment: Deployment) -> bool:
        """Whether there may be something to do here: most deployments have ended long ago."""
        unsettled = deployment.state == "pending" or bool(deployment.replicas)
        return (unsettled and self._is_mine(deployment)) or replicas.running(self._home / deployment.deployment_id)

    def _is_mine(self, deployment: Deployment) -> bool:
        return deployment.host in ("", self._host)

    def _is_near(self, deployment: Deployment) -> bool:
        """Whether it runs on this machine, for another state directory."""
        return deployment.host.partition(":")[0] == self._machine

    @contextmanager
    def _gate(self, identity: str, *, patience_s: float) -> Iterator[int]:
        with (
            process.gate(self._home / identity / "gate.lock", wait_s=patience_s) as descriptor,
            self._database.hold(f"deployment {identity}", wait_s=patience_s),
        ):
            yield descriptor
