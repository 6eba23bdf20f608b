"""Replicas under a request rate: the batch-aware fixed point, solved in closed form along the batch size."""

import numpy as np

from tools.performance.points import Floats
from tools.performance.roofline import Costs, Serving, step_ms

_MS = 1e3
_BISECTIONS = 48
_MOST_RUNNING = 256.0  # sequences per attention rank that engines run at once by default (vLLM: max_num_seqs)
_RUN_REQUESTS = 500.0  # past saturation the queue grows without end: a run of this many requests is reported


def prompt_share(cost: Costs, osl: Floats, batch: Floats) -> Floats:
    """Share of time spent in prompts when on average `batch` sequences run.

    From ``batch = rate·(osl·step/(1 − rho) + prefill)`` and ``rho = rate·prefill`` follows
    ``rho² − rho·(1 + batch + a) + batch = 0`` with ``a = osl·step/prefill``; its smaller root is below one.
    """
    prefill = cost.prefill_ms / cost.data
    half = (1 + batch + osl * step_ms(cost, batch) / prefill) / 2
    return batch / (half + np.sqrt(np.maximum(half * half - batch, 0.0)))


def rate_rps(cost: Costs, osl: Floats, batch: Floats) -> Floats:
    """Request rate at which on average `batch` sequences run; rises with `batch`."""
    return prompt_share(cost, osl, batch) / (cost.prefill_ms / cost.data) * _MS


def at_batch(cost: Costs, osl: Floats, batch: Floats) -> Serving:
    """Mean times when Poisson arrivals keep `batch` sequences running on average."""
    share = prompt_share(cost, osl, batch)
    step = step_ms(cost, batch)
    tpot = step / (1 - cost.interference * share)
    waiting = cost.prefill_ms * share / (2 * (1 - share)) + step / 2  # M/D/1 among prompts, and the running step
    ttft = (cost.request_ms + step_ms(cost, np.ones_like(batch)) + cost.prefill_ms) * cost.first + waiting
    return Serving(ttft, tpot, share / (cost.prefill_ms / cost.data) * _MS * osl, batch)


def open_loop(cost: Costs, osl: Floats, request_rate_rps: Floats) -> Serving:
    """Poisson arrivals at `request_rate_rps` per replica; past saturation TTFT includes the queue of a run."""
    low, high = np.full_like(osl, 1e-6), np.minimum(cost.capacity, _MOST_RUNNING * cost.data)
    most = rate_rps(cost, osl, high)
    wanted = np.minimum(request_rate_rps, most)
    for _ in range(_BISECTIONS):
        middle = np.sqrt(low * high)
        below = rate_rps(cost, osl, middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    served = at_batch(cost, osl, high)
    late = np.maximum(1 / most - 1 / request_rate_rps, 0.0) * _MS  # by which each request is later than the one before
    ttft = served.ttft_ms + late * _RUN_REQUESTS / 2
    return Serving(ttft, served.tpot_ms, wanted * osl, high)
