"""Where fitting starts: constants that its weak prior pulls to, physical bounds, and the residual's kernel."""

from dataclasses import replace

from tools.performance.calibration import Physics
from tools.performance.residual import Kernel

KERNEL = Kernel(reach=8.0, narrow_share=0.6, noise=0.02)
"""Chosen by cross-validation over point, pair, GPU and source gaps of the training table."""

CONSTANTS = {
    "bandwidth": 0.82,
    "cache_bandwidth": 0.64,
    "prefill": 0.39,
    "decode": 0.31,
    "link": 0.42,
    "collective_us": 8.1,
    "layer_us": 40.0,
    "step_us": 500.0,
    "sequence_us": 8.0,
    "interference": 0.64,
    "request_ms": 64.0,
    "queue": 0.22,
    "crowd": 0.3,
    "slack": 1.2,
    "occupancy": 1.5,
    "server_fill": 0.6,
    "interactive_fill": 0.2,
}


def starting_physics(shipped: Physics) -> Physics:
    """The start of a fit: nothing learned yet, bounds and percentile shapes as shipped."""
    return replace(shipped, constants=dict(CONSTANTS), groups={}, per_year={})
