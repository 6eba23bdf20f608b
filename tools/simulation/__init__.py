"""Discrete-event simulation of replicas under traffic, on the scheduler's rules and the planner's step times."""

from tools.simulation.fleet import Autoscaling, Routing
from tools.simulation.rate import LargestRate, largest_rate, saturation_rps
from tools.simulation.result import Percentiles, SimulationResult, Slo
from tools.simulation.simulation import simulate
from tools.simulation.trace import read_trace
from tools.simulation.traffic import Arrivals, Part, TraceRequest, Traffic, Workload, constant, sample_lengths

__all__ = [
    "Arrivals",
    "Autoscaling",
    "LargestRate",
    "Part",
    "Percentiles",
    "Routing",
    "SimulationResult",
    "Slo",
    "TraceRequest",
    "Traffic",
    "Workload",
    "constant",
    "largest_rate",
    "read_trace",
    "sample_lengths",
    "saturation_rps",
    "simulate",
]
