"""One iteration-level continuous-batching scheduler: simulation on a virtual clock, simulator on the real one."""

from tools.scheduler.batching import Iteration, Limits, Refusal, Scheduler
from tools.scheduler.blocks import BlockPool
from tools.scheduler.request import Request

__all__ = ["BlockPool", "Iteration", "Limits", "Refusal", "Request", "Scheduler"]
