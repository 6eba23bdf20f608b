"""The planner: intent → traffic → candidates → ranked options, each explained, each rejection with its number."""

from tools.planner.option import Option
from tools.planner.planning import Plan, plan
from tools.planner.profile import profile
from tools.planner.traffic import Targets, TrafficProfile

__all__ = ["Option", "Plan", "Targets", "TrafficProfile", "plan", "profile"]
