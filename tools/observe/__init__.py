"""Watching deployments through a Prometheus: figures, findings, outcomes, and the files that set it up."""

from tools.observe.findings import Finding, findings
from tools.observe.observation import Observation
from tools.observe.observing import observe
from tools.observe.prometheus import Metrics, Prometheus

__all__ = ["Finding", "Metrics", "Observation", "Prometheus", "findings", "observe"]
