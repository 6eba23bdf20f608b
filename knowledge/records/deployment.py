"""Deployments: one row per (thread, plan), moved through a small state machine."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from knowledge.errors import Conflict, NotFound
from knowledge.records.audit import AuditEntry, append
from knowledge.records.clock import Clock, stamp
from knowledge.records.database import Connection, Database

DeploymentState = Literal["pending", "applied", "verified", "failed", "rolled_back"]

SHORTEST_ID = 5

# Any plan may be applied again when it no longer runs, and a failed validation repeated while it still does. Another
# host takes over what is pending on one that is gone.
MOVES: Mapping[DeploymentState, frozenset[DeploymentState]] = {
    "pending": frozenset({"pending", "applied", "failed", "rolled_back"}),
    "applied": frozenset({"pending", "verified", "failed", "rolled_back"}),
    "verified": frozenset({"pending", "verified", "failed", "rolled_back"}),
    "failed": frozenset({"pending", "verified", "failed", "rolled_back"}),
    "rolled_back": frozenset({"pending"}),
}


@dataclass(frozen=True, slots=True)
class Replica:
    """One running copy: its process (with start time in seconds since the epoch, so a reused pid is never mistaken
    for it) and its address.
    """

    endpoint: str
    pid: int | None = None
    started_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class NewDeployment:
    """What is known before anything is started. `spec` is the deployed specification as JSON."""

    owner: str
    thread: str
    plan_hash: str
    target: str
    spec: Mapping[str, Any]
    model_id: str
    gpu_type: str
    gpu_count: int
    engine: str
    time_factor: float
    monthly_cost_usd: float | None
    snapshot: str
    host: str = ""
    """Whose machine and state directory it belongs to where only that one can supervise it; empty otherwise."""

    @property
    def deployment_id(self) -> str:
        """The same plan in the same thread has the same name, in every process."""
        return "d-" + hashlib.sha256(f"{self.thread}\n{self.plan_hash}".encode()).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment as recorded. `revision` counts how often this plan was applied; times are UTC, ISO 8601."""

    deployment_id: str
    owner: str
    thread: str
    plan_hash: str
    target: str
    state: DeploymentState
    revision: int
    spec: Mapping[str, Any]
    model_id: str
    gpu_type: str
    gpu_count: int
    engine: str
    time_factor: float
    monthly_cost_usd: float | None
    snapshot: str
    replicas: tuple[Replica, ...]
    reason: str
    created_at: str
    updated_at: str
    host: str = ""

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Base addresses, one per running replica."""
        return tuple(replica.endpoint for replica in self.replicas)

    @property
    def endpoint(self) -> str | None:
        """The first address, None while nothing runs."""
        return self.replicas[0].endpoint if self.replicas else None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "endpoint": self.endpoint, "endpoints": list(self.endpoints)}


class Deployments:
    """The deployments of one state directory."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def reserve(self, new: NewDeployment) -> Deployment:
        """The row of this plan in this thread: a new one in `pending`, or the one that exists, unchanged.

        What no longer runs may be deployed on another target, which the row then names; Conflict while it still runs.
        """
        now = stamp(self._clock())
        values = {**asdict(new), "spec": _json(new.spec), "deployment_id": new.deployment_id, "now": now}
        with self._database.write() as connection:
            inserted = connection.execute(
                """INSERT INTO deployments (deployment_id, owner, thread, plan_hash, target, state, revision, spec,
                    model_id, gpu_type, gpu_count, engine, time_factor, monthly_cost_usd, snapshot, host,
                    created_at, updated_at)
                VALUES (:deployment_id, :owner, :thread, :plan_hash, :target, 'pending', 1, :spec, :model_id, :gpu_type,
                    :gpu_count, :engine, :time_factor, :monthly_cost_usd, :snapshot, :host, :now, :now)
                ON CONFLICT (thread, plan_hash) DO NOTHING""",
                values,
            ).rowcount
            if inserted:
                append(connection, AuditEntry(now, new.owner, "deploy", new.deployment_id, new.plan_hash, "pending"))
            row = _one(connection, new.deployment_id)
            return row if row.target == new.target else _moved(connection, row, new, now)

    def move(
        self,
        deployment_id: str,
        state: DeploymentState,
        *,
        who: str,
        action: str,
        reason: str = "",
        replicas: Iterable[Replica] | None = None,
        time_factor: float | None = None,
        host: str | None = None,
    ) -> Deployment:
        """Go to `state`, with an audit entry in the same transaction; Conflict when the move is not allowed.

        `replicas`, `time_factor` and `host` replace what is recorded; None leaves it. Going back to `pending` begins a
        new revision. Of several processes that try the same move at once, one makes it.
        """
        now = stamp(self._clock())
        before = ", ".join(f"'{name}'" for name, after in MOVES.items() if state in after)
        changed = {
            "id": deployment_id,
            "state": state,
            "again": int(state == "pending"),
            "replicas": None if replicas is None else _json([asdict(replica) for replica in replicas]),
            "time_factor": time_factor,
            "host": host,
            "reason": reason,
            "now": now,
        }
        with self._database.write() as connection:
            moved = connection.execute(
                f"""UPDATE deployments SET state = :state, revision = revision + :again,
                replicas = coalesce(:replicas, replicas), time_factor = coalesce(:time_factor, time_factor),
                host = coalesce(:host, host), reason = :reason, updated_at = :now
                WHERE deployment_id = :id AND state IN ({before})""",  # noqa: S608 - own words
                changed,
            ).rowcount
            deployment = _one(connection, deployment_id)
            if not moved:
                raise Conflict(
                    f"deployment {deployment_id} is {deployment.state} and cannot become {state}",
                    "see `sextant deployments`",
                )
            result = f"{state}: {reason}" if reason else state
            append(connection, AuditEntry(now, who, action, deployment_id, deployment.plan_hash, result))
            return deployment

    def get(self, deployment_id: str) -> Deployment:
        """One deployment by its id or an unambiguous beginning of it (`SHORTEST_ID`); NotFound otherwise."""
        values = {"named": deployment_id, "size": len(deployment_id), "shortest": SHORTEST_ID}
        with self._database.read() as connection:
            found = connection.execute(
                """SELECT * FROM deployments WHERE deployment_id = :named
                    OR (:size >= :shortest AND substr(deployment_id, 1, :size) = :named)
                ORDER BY length(deployment_id) LIMIT 2""",
                values,
            ).fetchall()
            exact = [row for row in found if row["deployment_id"] == deployment_id] or found
            if len(exact) == 1:
                return _deployment(exact[0])
            newest = connection.execute("SELECT deployment_id FROM deployments ORDER BY created_at DESC LIMIT 3")
            raise NotFound("deployment", deployment_id, tuple(str(row["deployment_id"]) for row in newest.fetchall()))

    def find(self, thread: str, plan_hash: str) -> Deployment | None:
        """The deployment of this plan in this thread, if there is one."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM deployments WHERE thread = ? AND plan_hash = ?", (thread, plan_hash)
            ).fetchone()
        return _deployment(row) if row else None

    def all(self, *, thread: str | None = None, owner: str | None = None) -> tuple[Deployment, ...]:
        """Every deployment, newest change first; of one thread or owner where given."""
        query = """SELECT * FROM deployments WHERE (:thread IS NULL OR thread = :thread)
            AND (:owner IS NULL OR owner = :owner) ORDER BY updated_at DESC, deployment_id"""
        with self._database.read() as connection:
            rows = connection.execute(query, {"thread": thread, "owner": owner}).fetchall()
        return tuple(_deployment(row) for row in rows)


def _moved(connection: Connection, row: Deployment, new: NewDeployment, now: str) -> Deployment:
    """The same plan on another target than before."""
    if row.replicas or row.state == "pending":
        raise Conflict(f"{row.deployment_id} is on {row.target} ({row.state})", "roll it back, then deploy it again")
    connection.execute(
        "UPDATE deployments SET target = ?, engine = ?, host = ?, updated_at = ? WHERE deployment_id = ?",
        (new.target, new.engine, new.host, now, row.deployment_id),
    )
    result = f"{row.state}: now for {new.target}, before for {row.target}"
    append(connection, AuditEntry(now, new.owner, "deploy", row.deployment_id, row.plan_hash, result))
    return _one(connection, row.deployment_id)


def _one(connection: Connection, deployment_id: str) -> Deployment:
    row = connection.execute("SELECT * FROM deployments WHERE deployment_id = ?", (deployment_id,)).fetchone()
    if row is None:
        raise NotFound("deployment", deployment_id)
    return _deployment(row)


def _deployment(row: Mapping[str, Any]) -> Deployment:
    values = dict(row)
    replicas = tuple(Replica(**entry) for entry in json.loads(values.pop("replicas")))
    return Deployment(**{**values, "spec": json.loads(values["spec"])}, replicas=replicas)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
