"""What the nodes work with: facts, prices, records and effects. Passed per call, never checkpointed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from agent.planner import Facts, Here, Planner

if TYPE_CHECKING:
    from agent.backends.protocol import Backend
    from agent.places import Place
    from knowledge.records import Records
    from knowledge.snapshot import Snapshot
    from tools.catalog.catalog import Catalog
    from tools.deploy import Target
    from tools.market import Market
    from tools.performance.experience import Experience
    from tools.performance.residual import Residual


@dataclass(frozen=True, slots=True)
class Monitor:
    """Where deployments are watched; empty where that is not configured."""

    prometheus_url: str = ""
    grafana_url: str = ""
    token: str = field(default="", repr=False)
    """Bearer token for Prometheus."""


def going_on() -> bool:
    """Nobody asked to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a turn may use besides its state."""

    snapshot: "Snapshot"
    market: "Market"
    records: "Records"
    target: "Target"
    clock: Callable[[], datetime]
    catalog: "Callable[[], Catalog]"
    """Opens the price catalog; called in the thread that asks."""
    backend: "Backend | None" = None
    """A language model that fills what the rules leave empty and phrases answers; None: rules and templates alone."""
    time_factor: float = 1.0
    """How many times faster than real the local simulator runs; reports say so."""
    validation_seconds: float = 60.0
    """Length of the load test, in seconds of simulated time."""
    may_deploy: bool = True
    """Whether whoever speaks may deploy, load-test and roll back; the door sets it for every turn."""
    stopped: Callable[[], bool] = going_on
    """Whether the person asked the turn to stop; the door sets it for every turn, and what takes long looks."""
    measured: "Residual | None" = None
    """Measurements that somebody added; None: the shipped ones."""
    elsewhere: "tuple[Place, ...]" = ()
    """Other places to deploy to than `target`, the default."""
    monitor: "Monitor | None" = None
    planner: Planner = field(default_factory=Here)
    """Who plans: this process, or others beside it."""

    @property
    def facts(self) -> Facts:
        """What planning reads."""
        return Facts(self.snapshot, self.market, self.measured)

    def own(self) -> "Experience":
        """What own deployments and added measurements teach, as of now."""
        from tools.performance.experience import experience  # noqa: PLC0415  # numpy loads with the first plan

        return experience(self.records.outcomes.all(), residual=self.measured)
