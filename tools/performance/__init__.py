"""How fast a configuration serves: calibrated roofline, learned residual, evidence and intervals."""

from tools.performance.configuration import Configuration
from tools.performance.evidence import Evidence, Neighbour
from tools.performance.prediction import Percentiles, Prediction, predict, step_cost
from tools.performance.screening import Screen, screen
from tools.performance.step import StepCost

__all__ = [
    "Configuration",
    "Evidence",
    "Neighbour",
    "Percentiles",
    "Prediction",
    "Screen",
    "StepCost",
    "predict",
    "screen",
    "step_cost",
]
