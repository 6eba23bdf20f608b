"""Operational records: what was deployed, what came of it, who did it, and which what-ifs were kept.

`Records(home)` is the one door. Everything goes in and comes out as frozen records; each change is one transaction.
"""

from knowledge.records.audit import AuditEntry
from knowledge.records.clock import Clock, stamp, utc_now
from knowledge.records.deployment import Deployment, DeploymentState, NewDeployment, Replica
from knowledge.records.outcome import Measure, Outcome, SloOutcome
from knowledge.records.paper import Paper
from knowledge.records.rating import Rating
from knowledge.records.records import Records
from knowledge.records.scenario import Scenario

__all__ = [
    "AuditEntry",
    "Clock",
    "Deployment",
    "DeploymentState",
    "Measure",
    "NewDeployment",
    "Outcome",
    "Paper",
    "Rating",
    "Records",
    "Replica",
    "Scenario",
    "SloOutcome",
    "stamp",
    "utc_now",
]
