"""What the nodes work with: facts, prices, records and effects. Passed per call, never checkpointed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.market import Market

    from knowledge.records import Records
    from knowledge.snapshot import Snapshot
    from tools.deploy import Target


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a turn may use besides its state."""

    snapshot: "Snapshot"
    market: "Market"
    records: "Records"
    target: "Target"
    clock: Callable[[], datetime]
    time_factor: float = 1.0
    """How many times faster than real the local simulator runs; reports say so."""
    validation_seconds: float = 60.0
    """Length of the load test, in seconds of simulated time."""
