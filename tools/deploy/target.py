"""What a deployment target can do. Effects stand behind this protocol; the planner and the agent know no other door."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from knowledge.errors import SextantError
from knowledge.records import Deployment, NewDeployment
from tools.deploy.specification import DeploymentSpec


@dataclass(frozen=True, slots=True)
class DeployProgress:
    """How far an operation is: `step` is one word, `fraction` 0 to 1, `note` for people."""

    step: str
    fraction: float
    note: str


OnProgress = Callable[[DeployProgress], None]


def ignore_progress(_: DeployProgress) -> None:
    """For callers that do not look."""


@dataclass(frozen=True, slots=True)
class ReplicaHealth:
    """What one replica says: `ready` when it answers its health check, else `detail` tells why not."""

    endpoint: str
    ready: bool
    detail: str


class Target(Protocol):
    """Something that deployments run on. Blocking; async callers use a thread.

    `apply` is idempotent by (thread, plan hash): it may be repeated after a crash, by several processes at once, and
    starts everything exactly once. It raises Unavailable when the deployment does not become healthy, having cleaned
    up and recorded why. `rollback` stops what runs and may be repeated. `reconcile` compares records with reality
    after a crash and returns the deployments whose record changed.
    """

    name: str

    def apply(
        self,
        spec: DeploymentSpec,
        *,
        owner: str,
        thread: str,
        time_factor: float = 1.0,
        on_progress: OnProgress = ignore_progress,
    ) -> Deployment: ...

    def health(self, deployment: Deployment) -> tuple[ReplicaHealth, ...]: ...

    def rollback(self, deployment_id: str, *, who: str, on_progress: OnProgress = ignore_progress) -> Deployment: ...

    def reconcile(self, *, resume: bool = False) -> tuple[Deployment, ...]: ...


def new_deployment(
    spec: DeploymentSpec, *, owner: str, thread: str, target: str, engine: str, time_factor: float, host: str
) -> NewDeployment:
    """The record of a specification before anything is started."""
    return NewDeployment(
        owner=owner,
        thread=thread,
        plan_hash=spec.plan_hash,
        target=target,
        spec=spec.to_json(),
        model_id=spec.model_id,
        gpu_type=spec.gpu_type,
        gpu_count=spec.gpu_count,
        engine=engine,
        time_factor=time_factor,
        monthly_cost_usd=spec.monthly_cost_usd,
        snapshot=spec.snapshot,
        host=host,
    )


def why_stopped(error: BaseException) -> str:
    """What the record of a deployment says that was broken off by `error`."""
    if isinstance(error, SextantError):
        return error.message
    return "stopped by Ctrl-C" if isinstance(error, KeyboardInterrupt) else f"stopped by {type(error).__name__}"
