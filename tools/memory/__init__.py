"""Memory of a replica: weights, cache, activation, runtime; whether it starts and how many tokens it can hold."""

from tools.memory.budget import MemoryBudget, engine_limits, memory_budget, parallel_problem, usable_precision
from tools.memory.weights import native_precision, split_parameters, weight_bytes

__all__ = [
    "MemoryBudget",
    "engine_limits",
    "memory_budget",
    "native_precision",
    "parallel_problem",
    "split_parameters",
    "usable_precision",
    "weight_bytes",
]
